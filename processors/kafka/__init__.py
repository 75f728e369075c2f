"""Kafka, as everybody but the engine uses it.

``connection`` makes every client, ``connecting`` out of the settings; ``acls`` says who may do what.
``layouts`` says what the topics should be like, ``topics`` makes them so; ``reading`` reads what is in them,
``sending`` writes events into them; ``groups`` knows how far consumer groups are, ``lag`` how far they are
behind; ``running`` gives all that an event loop. ``placement`` is the partition of a key; ``header_names``
lets a consumer read what Java's reads.
"""
