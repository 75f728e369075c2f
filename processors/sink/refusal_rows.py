"""Unmatched events and dead letters → rows: one per event, however often it comes back.

The first report stays; of a dead letter that was replayed in vain, the first one of its last attempt.
"""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Final

import msgspec
from aiokafka import ConsumerRecord
from msgspec.json import Decoder, encode

from processors.sink.persons import persons_in
from processors.sink.rows import UNREADABLE, Row, first_wins, last_attempt_wins, text
from schemas.dead_letters import cause_of
from schemas.decoding import Refused, decode_click
from schemas.events import is_workspace_id
from schemas.ids import customer_id
from schemas.portable import whole_characters
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
    "position",
    "reported_at",
    "version",
)


def unmatched_row(record: ConsumerRecord) -> Row:
    """Raises one of ``rows.UNREADABLE``."""
    one = _unmatched(record.value or b"")
    topic = one.source.topic.removeprefix(record.topic.removesuffix(Topic.UNMATCHED))
    customer = one.customer_external_id or ""
    return (
        one.workspace_id,
        unmatched_identity(one, topic),
        one.reason.value,
        one.detail,
        customer,
        customer_id(one.workspace_id, customer) if customer else "",
        one.click_id or "",
        one.event_name or "",
        parse_rfc3339(one.timestamp),
        text(one.event),
        one.source.topic,
        one.source.partition,
        one.source.offset,
        parse_rfc3339(one.source.timestamp),
        _position(record),
        max(record.timestamp, 0),
        first_wins(record),
    )


def unmatched_identity(one: Unmatched, topic: str) -> str:
    """What all reports of one event share; ``topic``: the base name of its source. Raises like the row.

    With the event time: the record's for an event that has none, and all that is known of a suppressed one.
    """
    named = (topic, one.workspace_id, one.customer_external_id or "", one.click_id or "", one.timestamp)
    content = _content(topic, text(one.event), parse_rfc3339(one.timestamp))
    return _identity("\x1f".join(named).encode(), content)


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
    "position",
    "reported_at",
    "version",
)


def dead_letter_row(record: ConsumerRecord) -> Row:
    """Whatever is in ``dead-letters`` becomes a row, also what somebody else put there. Raises nothing."""
    cause = cause_of(record.headers)
    key, value = record.key or b"", record.value or b""
    source = cause.source
    return (
        _identity(source.topic.encode(), key, value),
        workspace_of(key, value),
        persons_in(key, value),
        cause.reason,
        cause.detail,
        key,
        value,
        cause.attempt,
        source.topic,
        source.partition,
        source.offset,
        max(cause.timestamp_ms, 0),
        _position(record),
        max(record.timestamp, 0),
        last_attempt_wins(record, cause.attempt),
    )


def _position(record: ConsumerRecord) -> str:
    """As the commands print and take it."""
    return f"{record.partition}:{record.offset}"


def dead_letter_persons(row: Row) -> Sequence[str]:
    """Everybody whom it names."""
    persons: list[str] = row[_CUSTOMER_IDS]
    return persons


_CUSTOMER_IDS: Final = DEAD_LETTER_COLUMNS.index("customer_ids")


class _Workspaced(msgspec.Struct, rename="camel"):
    workspace_id: str


_decode_workspace = Decoder(_Workspaced).decode


def workspace_of(key: bytes, value: bytes) -> str:
    """As the value says, else as the key says, else empty."""
    named = []
    with suppress(*UNREADABLE):
        named.append(_decode_workspace(whole_characters(value)).workspace_id)
    if b":" in key:
        named.append(key.partition(b":")[0].decode(errors="replace"))
    return next((name for name in named if is_workspace_id(name)), "")


def _identity(*parts: bytes) -> str:
    return blake2b(b"\x1f".join(parts), digest_size=16).hexdigest()
