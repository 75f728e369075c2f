"""What the model is given: events as they arrived, read from raw topic records."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from schemas.decoders import BY_TOPIC
from schemas.decoding import Refused
from schemas.events import AnyEvent
from schemas.reasons import DeadLetterReason


class Crowd(NamedTuple):
    """The lead events of anybody that name one click: how many, and how many bytes of records."""

    events: int = 0
    size: int = 0


NO_CROWD: Final = Crowd()


@dataclass(frozen=True, slots=True)
class Arrived:
    """A valid event. ``at_ms``: event time. ``arrived_ms``: when a worker processed it; only holds ask.

    ``size``: of its record, in bytes. ``crowd``: of its click, when the model is not given all lead events of
    that. Only bounds ask for these.
    """

    event: AnyEvent
    at_ms: int
    arrived_ms: int
    size: int
    crowd: Crowd = NO_CROWD


class TopicRecord(NamedTuple):
    """A record of an input topic. ``topic``: base name. ``timestamp_ms``: Kafka's, −1 when it has none."""

    topic: str
    value: bytes | None
    timestamp_ms: int


class RefusedRecord(NamedTuple):
    """A record that is no event. ``position``: its place among the records that were read."""

    position: int
    topic: str
    reason: DeadLetterReason
    detail: str


@dataclass
class Reading:
    """Records, told apart."""

    events: list[Arrived] = field(default_factory=list)
    refused: list[RefusedRecord] = field(default_factory=list)


def read(record: TopicRecord, now_ms: int | None = None) -> Arrived:
    """The event in a record; raises :class:`~schemas.decoding.Refused`.

    ``now_ms``: the clock of the worker that read the record; without it the record's own time, which is
    the best guess that the topics themselves allow.
    """
    arrived_ms = record.timestamp_ms if now_ms is None else now_ms
    event, at_ms = BY_TOPIC[record.topic](record.value, record.timestamp_ms, arrived_ms)
    return Arrived(event, at_ms, arrived_ms, len(record.value or b""))


def read_all(records: Iterable[TopicRecord], now_ms: int | None = None) -> Reading:
    """Every record read; the refused ones reported with their reason, never dropped in silence."""
    reading = Reading()
    for position, record in enumerate(records):
        try:
            reading.events.append(read(record, now_ms))
        except Refused as refused:
            reading.refused.append(RefusedRecord(position, record.topic, refused.reason, refused.detail))
    return reading
