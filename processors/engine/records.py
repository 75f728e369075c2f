"""What the engine keeps of a fetched record."""

from typing import Any

from aiokafka.structs import TopicPartition
from msgspec import Struct


class Record(Struct, frozen=True, gc=False):
    """A record as processors see it. ``key``, ``value``: bytes or None. ``timestamp``: epoch milliseconds,
    −1 when it has none.

    aiokafka's own has four more fields and costs three times as much to make, once per event.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: Any
    value: Any
    headers: tuple[tuple[str, bytes], ...] = ()


def slim(tp: TopicPartition, record: Any) -> Record:
    """In place of ``PartitionRecords._consumer_record``; ``record`` is one of aiokafka's parsed ones."""
    headers = record.headers
    return Record(
        tp.topic,
        tp.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        tuple(headers) if headers else (),
    )
