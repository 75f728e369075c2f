"""Consumer records for tests without a broker."""

from aiokafka import ConsumerRecord


def record(
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: tuple[tuple[str, bytes], ...] = (),
) -> ConsumerRecord:
    """As aiokafka makes them."""
    sizes = len(key or b""), len(value or b"")
    return ConsumerRecord(topic, partition, offset, 1000 + offset, 0, key, value, None, *sizes, headers)
