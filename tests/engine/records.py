"""Records for tests without a broker."""

from processors.engine.records import Record


def record(
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: tuple[tuple[str, bytes], ...] = (),
) -> Record:
    """As the consumer thread makes them."""
    return Record(topic, partition, offset, 1000 + offset, key, value, headers)
