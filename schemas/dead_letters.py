"""The headers of a dead letter (contract section 4): why, whence, and how often."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from schemas.headers import Header, Headers
from schemas.reasons import DeadLetterReason

RawHeaders = Iterable[tuple[str, bytes | None]]
"""As they come: anybody may have written anything."""


class Place(NamedTuple):
    """Where a record stands. ``topic``: full name."""

    topic: str
    partition: int
    offset: int


class Cause(NamedTuple):
    """What the headers of a dead letter say; '' and 0 for what they do not say.

    ``source``: where the record stood at first. ``timestamp_ms``: its own, −1 when it has none.
    ``attempt``: how often it could not be used. ``replayed``: this is no dead letter but the note, without
    the value, that the record of this id was sent once more, in the transaction that wrote it.
    """

    reason: str
    detail: str
    source: Place
    timestamp_ms: int
    attempt: int
    replayed: str = ""


class _Record(Protocol):
    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


def dead_letter_headers(record: _Record, reason: DeadLetterReason, detail: str) -> Headers:
    """Of a record that cannot be used. One that was replayed keeps its first place and counts attempts."""
    before = cause_of(record.headers)
    replayed = before.attempt > 0 and before.source.topic == record.topic
    partition, offset = before.source[1:] if replayed else (record.partition, record.offset)
    return (
        (Header.REASON.value, reason.encode()),
        (Header.DETAIL.value, detail.encode(errors="replace")),
        *_whence(Place(record.topic, partition, offset), before.attempt + 1),
        (Header.SOURCE_TIMESTAMP.value, b"%d" % record.timestamp),
    )


def replay_headers(cause: Cause) -> Headers:
    """With which a dead letter goes back to its source topic."""
    return _whence(cause.source, cause.attempt)


def note_headers(cause: Cause, identity: str) -> Headers:
    """Of the note that the dead letter of this id was sent once more."""
    stamp = () if cause.timestamp_ms < 0 else ((Header.SOURCE_TIMESTAMP.value, b"%d" % cause.timestamp_ms),)
    return (
        (Header.REASON.value, cause.reason.encode()),
        (Header.DETAIL.value, cause.detail.encode(errors="replace")),
        *_whence(cause.source, cause.attempt),
        *stamp,
        (Header.REPLAYED.value, identity.encode()),
    )


def _whence(source: Place, attempt: int) -> Headers:
    return (
        (Header.SOURCE_TOPIC.value, source.topic.encode()),
        (Header.SOURCE_PARTITION.value, b"%d" % source.partition),
        (Header.SOURCE_OFFSET.value, b"%d" % source.offset),
        (Header.ATTEMPT.value, b"%d" % attempt),
    )


def cause_of(headers: RawHeaders) -> Cause:
    """Raises nothing."""
    given = {name: value or b"" for name, value in headers}
    stamp = given.get(Header.SOURCE_TIMESTAMP.value, b"")
    return Cause(
        reason=_text(given, Header.REASON),
        detail=_text(given, Header.DETAIL),
        source=Place(
            _text(given, Header.SOURCE_TOPIC),
            _number(given, Header.SOURCE_PARTITION, _INT31),
            _number(given, Header.SOURCE_OFFSET, _INT63),
        ),
        timestamp_ms=_number(given, Header.SOURCE_TIMESTAMP, _YEAR_2200_MS) if stamp.isdigit() else -1,
        attempt=_number(given, Header.ATTEMPT, _INT31),
        replayed=_text(given, Header.REPLAYED),
    )


_INT31 = (1 << 31) - 1
_INT63 = (1 << 63) - 1
_YEAR_2200_MS = 7_258_118_400_000


def _text(given: dict[str, bytes], header: Header) -> str:
    return given.get(header.value, b"").decode(errors="replace")


def _number(given: dict[str, bytes], header: Header, most: int) -> int:
    """0 for what is no number up to ``most``. Python would refuse to read thousands of digits."""
    value = given.get(header.value, b"")
    found = int(value) if len(value) < 20 and value.isdigit() else 0
    return found if found <= most else 0
