"""Unmatched events and dead letters → rows: one per event, however often it comes back; the first stays."""

import re
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Final

import msgspec
from aiokafka import ConsumerRecord
from msgspec.json import Decoder, encode

from processors.sink.persons import persons_in
from processors.sink.rows import UNREADABLE, Row, first_wins, text
from schemas.decoding import Refused, decode_click
from schemas.headers import Header
from schemas.ids import customer_id
from schemas.reasons import UnmatchedReason
from schemas.results import ClickFacts, Unmatched
from schemas.times import MAX_AHEAD_MS, parse_rfc3339
from schemas.topics import Topic

_unmatched = Decoder(Unmatched).decode
_CLICK_CONTENT: Final = tuple(name for name in ClickFacts.__struct_fields__ if name != "timestamp")
_FLAGS: Final = {"track_conversion": True, "qr": False}

UNMATCHED_COLUMNS = (
    "workspace_id",
    "unmatched_id",
    "reason",
    "detail",
    "customer_external_id",
    "customer_id",
    "click_id",
    "event_name",
    "timestamp",
    "event",
    "source_topic",
    "source_partition",
    "source_offset",
    "source_timestamp",
    "version",
)


def unmatched_row(record: ConsumerRecord) -> Row:
    """Raises one of ``rows.UNREADABLE``."""
    one = _unmatched(record.value or b"")
    event = text(one.event)
    at_ms = parse_rfc3339(one.timestamp)
    topic = one.source.topic.removeprefix(record.topic.removesuffix(Topic.UNMATCHED))
    customer, click_id = one.customer_external_id or "", one.click_id or ""
    # With the event time: the record's for an event that has none, and all that is known of a suppressed one.
    identity = "\x1f".join((topic, one.workspace_id, customer, click_id, one.timestamp))
    return (
        one.workspace_id,
        _identity(identity.encode(), _content(topic, event, at_ms)),
        one.reason.value,
        one.detail,
        customer,
        customer_id(one.workspace_id, customer) if customer else "",
        click_id,
        one.event_name or "",
        at_ms,
        event,
        one.source.topic,
        one.source.partition,
        one.source.offset,
        parse_rfc3339(one.source.timestamp),
        first_wins(record),
    )


def _content(topic: str, event: str, at_ms: int) -> bytes:
    """What tells an event from others of the same moment: its bytes.

    Of a click, what a lead would keep of it: one that counted until an earlier one came is reported without
    the rest, and when it is sent again, with it.
    """
    raw = event.encode()
    if topic != Topic.CLICKS:
        return raw
    try:
        click, _ = decode_click(raw, at_ms, at_ms + MAX_AHEAD_MS)
    except Refused:
        return raw
    content = [getattr(click, name) for name in _CLICK_CONTENT]
    for place, name in enumerate(_CLICK_CONTENT):
        if name in _FLAGS:
            content[place] = _FLAGS[name] if content[place] is None else bool(content[place])
    return encode([*content, bool(click.bot)])


_REASON: Final = UNMATCHED_COLUMNS.index("reason")
_CUSTOMER_ID: Final = UNMATCHED_COLUMNS.index("customer_id")


def unmatched_persons(row: Row) -> Sequence[str]:
    """A suppressed event says nothing that would have to go."""
    return () if row[_REASON] == UnmatchedReason.SUPPRESSED.value else row[_CUSTOMER_ID : _CUSTOMER_ID + 1]


DEAD_LETTER_COLUMNS = (
    "dead_letter_id",
    "workspace_id",
    "customer_ids",
    "reason",
    "detail",
    "key",
    "value",
    "attempt",
    "source_topic",
    "source_partition",
    "source_offset",
    "source_timestamp",
    "version",
)


def dead_letter_row(record: ConsumerRecord) -> Row:
    """Whatever is in ``dead-letters`` becomes a row, also what somebody else put there. Raises nothing."""
    headers = {name: value or b"" for name, value in record.headers}
    key, value = record.key or b"", record.value or b""
    topic = headers.get(Header.SOURCE_TOPIC, b"")
    return (
        _identity(topic, key, value),
        _workspace_of(key, value),
        persons_in(key, value),
        _readable(headers.get(Header.REASON, b"")),
        _readable(headers.get(Header.DETAIL, b"")),
        key,
        value,
        _number(headers.get(Header.ATTEMPT, b""), _UINT32),
        _readable(topic),
        _number(headers.get(Header.SOURCE_PARTITION, b""), _UINT32),
        _number(headers.get(Header.SOURCE_OFFSET, b""), _INT63),
        _number(headers.get(Header.SOURCE_TIMESTAMP, b""), _YEAR_2200_MS),
        first_wins(record),
    )


def dead_letter_persons(row: Row) -> Sequence[str]:
    """Everybody whom it names."""
    persons: list[str] = row[_CUSTOMER_IDS]
    return persons


_CUSTOMER_IDS: Final = DEAD_LETTER_COLUMNS.index("customer_ids")
_UINT32: Final = (1 << 32) - 1
_INT63: Final = (1 << 63) - 1
_YEAR_2200_MS: Final = 7_258_118_400_000
_WORKSPACE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class _Workspaced(msgspec.Struct, rename="camel"):
    workspace_id: str


_decode_workspace = Decoder(_Workspaced).decode


def _workspace_of(key: bytes, value: bytes) -> str:
    """As the value says, else as the key says, else empty."""
    named = []
    with suppress(*UNREADABLE):
        named.append(_decode_workspace(value).workspace_id)
    if b":" in key:
        named.append(_readable(key.partition(b":")[0]))
    return next((name for name in named if _WORKSPACE.fullmatch(name)), "")


def _identity(*parts: bytes) -> str:
    return blake2b(b"\x1f".join(parts), digest_size=16).hexdigest()


def _readable(value: bytes) -> str:
    return value.decode(errors="replace")


def _number(value: bytes, most: int) -> int:
    return min(int(value), most) if value.isdigit() and len(value) < 20 else 0
