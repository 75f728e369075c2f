"""Workspaces, their keys, domains and limits; and links.

``keys`` and ``ids`` make keys and ids, ``names`` reads names of hosts and keys of links. ``contents`` and
``links`` are what the topics say, both on ``table``; ``registries`` says what a change is, ``changes``,
``link_changes`` and ``view_changes`` which ones there are; all without Kafka. ``store`` follows the topics
(``reading``), and guards who writes them (``writing``); ``looking`` is for what may have been written a
moment ago. ``import_file`` and ``importing`` are for moving here, ``last_use`` notes when keys are used,
``telling`` shows workspaces.
"""
