"""A fact: an event, when it happened, and the record it came in."""

from collections.abc import Iterable
from typing import Generic, NamedTuple, Protocol, TypeVar

from msgspec import Raw, Struct

from schemas.events import Click, Erasure, LeadEvent, Purchase
from schemas.news import ClickMoved, GivenUp, Joined, Waits
from schemas.portable import portable, whole_characters
from schemas.reasons import UnmatchedReason
from schemas.results import NULL, Source, Unmatched, UnmatchedSource
from schemas.times import LATEST_MS, rfc3339

E = TypeVar("E", bound=Click | LeadEvent | Purchase | Erasure)


class NewerState(ValueError):
    """A stored state of a release that this one does not know. Nothing is wrong with it, or with an event."""


class SourceRecord(Protocol):
    """The part of a Kafka record that outlives its batch when the event has to wait."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def value(self) -> bytes: ...


class Fact(Struct, Generic[E], frozen=True, gc=False):
    """An event as its join sees it. ``at_ms``: event time, epoch milliseconds.

    ``record``: where it stood. The value of one that may have to wait, or goes on to the customer, is the
    text that was read in the end (``EventDecoder.read``).
    """

    event: E
    at_ms: int
    record: SourceRecord


class TouchFact(NamedTuple):
    """A lead event that met its click, and the event in it."""

    news: Joined
    event: LeadEvent
    at_ms: int


class GivenUpFact(NamedTuple):
    """A lead event that led to nothing, and the event in it."""

    news: GivenUp
    event: LeadEvent
    at_ms: int


NewsFact = TouchFact | GivenUpFact | ClickMoved | Waits
CustomerFact = NewsFact | Fact[LeadEvent] | Fact[Purchase] | Fact[Erasure]


class Held(Struct, frozen=True, array_like=True, gc=False):
    """An event that waits for the one it needs, as it came.

    ``reported``: it is in ``unmatched`` already, and waits only in case an earlier event changes that.
    """

    raw: bytes
    topic: str
    partition: int
    offset: int
    timestamp: int
    arrived_ms: int
    reported: bool = False

    def source(self) -> Source:
        """Where the event stood in Kafka."""
        return Source(
            topic=self.topic, partition=self.partition, offset=self.offset, timestamp=self.timestamp
        )


def hold(record: SourceRecord, now_ms: int, *, reported: bool = False) -> Held:
    """Keep a record's event until it is matched or ``now_ms`` + hold has passed."""
    return Held(
        bytes(record.value),
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        now_ms,
        reported,
    )


def source_of(record: SourceRecord) -> Source:
    """Where a record stood in Kafka."""
    return Source(
        topic=record.topic, partition=record.partition, offset=record.offset, timestamp=record.timestamp
    )


def earliest_due_ms(held: Iterable[Held | None], hold_ms: int) -> int | None:
    """When the first of the held events is to be given up."""
    return min((one.arrived_ms + hold_ms for one in held if one is not None), default=None)


def unmatched(
    reason: UnmatchedReason,
    detail: str,
    event: Click | LeadEvent | Purchase | Erasure,
    at_ms: int,
    raw: bytes | None,
    source: Source,
) -> Unmatched:
    """An event that led to nothing. ``raw`` None: the event may not be repeated, its person was erased."""
    return Unmatched(
        reason=reason,
        detail=detail,
        workspace_id=event.workspace_id,
        customer_external_id=None if isinstance(event, Click) else event.customer_external_id,
        click_id=(event.click_id or None) if isinstance(event, Click | LeadEvent) else None,
        event_name=event.event_name if isinstance(event, LeadEvent | Purchase) else None,
        timestamp=rfc3339(at_ms),
        event=NULL if raw is None else Raw(portable(whole_characters(raw))),
        source=UnmatchedSource(
            topic=source.topic,
            partition=source.partition,
            offset=source.offset,
            timestamp=rfc3339(min(max(source.timestamp, 0), LATEST_MS)),
        ),
    )


def suppressed(event: LeadEvent | Purchase, at_ms: int, source: Source) -> Unmatched:
    """An event of an erased person, without what it said."""
    return unmatched(UnmatchedReason.SUPPRESSED, "the customer was erased", event, at_ms, None, source)
