"""Workspaces: their keys, domains and limits.

``keys`` makes keys, ``names`` reads names of hosts; ``contents`` is what the topic says, ``changes`` what it
may say next, both without Kafka. ``store`` follows the topic, and guards who writes it. ``telling`` shows it.
"""
