"""A dead letter: the record as it came, with headers that say why, whence, how often."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from schemas.headers import Header, Headers
from schemas.portable import whole_characters
from schemas.reasons import DeadLetterReason
from schemas.topics import RESULT_BYTES
from schemas.workspaces import is_workspace_id

LARGEST_KEPT: Final = RESULT_BYTES - (64 << 10)
"""Bytes of key and value that a dead letter can keep whatever they compress to, with room for its headers.

What a topic takes is measured after compression. A producer's codec may have brought a record of any size
into an input topic, and ours may not be as good.
"""

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
    ``value_sha256``: of a value that was too large to be kept.
    """

    reason: str
    detail: str
    source: Place
    timestamp_ms: int
    attempt: int
    replayed: str = ""
    value_sha256: str = ""


class DeadLetter(NamedTuple):
    """What is written to ``dead-letters``."""

    key: bytes | None
    value: bytes | None
    headers: Headers


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


class _Whole(_Record, Protocol):
    @property
    def key(self) -> Any: ...
    @property
    def value(self) -> Any: ...


def dead_letter(
    record: _Whole, reason: DeadLetterReason, detail: str, most: int = LARGEST_KEPT
) -> DeadLetter:
    """Of a record that cannot be used: key and value untouched, as long as they fit into ``most`` bytes.

    What goes beyond is left out; its size and hash are in the detail, those of a value in headers as well.
    """
    key, value = record.key, record.value
    left_out: Headers = ()
    if key is not None and len(key) > most:
        detail += f"; its key is not kept: {_measured(key)}"
        key = None
    if value is not None and len(value) + len(key or b"") > most:
        detail += f"; its value is not kept: {_measured(value)}"
        left_out = (
            (Header.VALUE_BYTES.value, b"%d" % len(value)),
            (Header.VALUE_SHA256.value, sha256(value).hexdigest().encode()),
        )
        value = None
    return DeadLetter(key, value, (*dead_letter_headers(record, reason, detail), *left_out))


def _measured(content: bytes) -> str:
    return f"{len(content)} bytes, sha256 {sha256(content).hexdigest()}"


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
        value_sha256=_text(given, Header.VALUE_SHA256),
    )


_INT31 = (1 << 31) - 1
_INT63 = (1 << 63) - 1
_YEAR_2200_MS = 7_258_118_400_000


_UNREADABLE: Final = (DecodeError, ValueError, RecursionError)


class _Workspaced(Struct, rename="camel"):
    workspace_id: str


_decode_workspace = Decoder(_Workspaced).decode


def workspace_of(key: bytes, value: bytes) -> str:
    """As the value says, else as the key says, else empty."""
    named = []
    with suppress(*_UNREADABLE):
        named.append(_decode_workspace(whole_characters(value)).workspace_id)
    if b":" in key:
        named.append(key.partition(b":")[0].decode(errors="replace"))
    return next((name for name in named if is_workspace_id(name)), "")


def _text(given: dict[str, bytes], header: Header) -> str:
    return given.get(header.value, b"").decode(errors="replace")


def _number(given: dict[str, bytes], header: Header, most: int) -> int:
    """0 for what is no number up to ``most``. Python would refuse to read thousands of digits."""
    value = given.get(header.value, b"")
    found = int(value) if len(value) < 20 and value.isdigit() else 0
    return found if found <= most else 0
