"""How the system is, as far as it can be seen from outside.

``figures`` is what there is to know, ``reading`` asks Kafka, ClickHouse and the processes for it, ``telling``
shows it; ``roster`` is what ``up`` notes of its processes.
"""
