"""Everything once more: ``clickhouse`` from the result topics, ``state`` from the events."""
