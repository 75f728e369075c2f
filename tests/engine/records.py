"""Records and states for tests without a broker."""

from processors.engine import frame
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


def plain(*keys: bytes) -> dict[bytes, bytes | None]:
    """States that are never due, and kept for ever."""
    return {key: frame.wrap(b"of " + key, None, None) for key in keys}
