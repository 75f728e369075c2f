"""Unmatched events and dead letters → rows: one per event, however often it comes back.

The first report stays; of a dead letter that was replayed in vain, the first one of its last attempt. No view
shows what was sent back until it is reported anew: the note of a dead letter takes its place, and that of an
unmatched event the place of its last report, in a table of its own.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from aiokafka import ConsumerRecord
from msgspec.json import Decoder, encode

from processors.sink.persons import persons_in
from processors.sink.rows import UNREADABLE, Row, first_wins, last_attempt_wins, last_wins, text
from schemas.clicks import kept_of
from schemas.dead_letters import Cause, cause_of, workspace_of
from schemas.decoding import Refused, decode_click
from schemas.ids import customer_id
from schemas.reasons import UnmatchedReason
from schemas.results import Unmatched
from schemas.times import MAX_AHEAD_MS, parse_rfc3339
from schemas.topics import Topic

_unmatched = Decoder(Unmatched).decode

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


def unmatched_row(record: ConsumerRecord) -> Row | None:
    """None for a note. Raises one of ``rows.UNREADABLE``."""
    one = _unmatched(record.value or b"")
    if one.replayed:
        return None
    customer = one.customer_external_id or ""
    return (
        one.workspace_id,
        unmatched_identity(one, _base_name(one, record)),
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


UNMATCHED_LAST_COLUMNS = ("workspace_id", "unmatched_id", "replayed", "version")


def unmatched_last_row(record: ConsumerRecord) -> Row | None:
    """The last record about an event: a report of it, or the note of a replay.

    None for what :func:`unmatched_row` refuses: one refusal is enough.
    """
    try:
        one = _unmatched(record.value or b"")
        identity = unmatched_identity(one, _base_name(one, record))
    except UNREADABLE:
        return None
    return one.workspace_id, identity, bool(one.replayed), last_wins(record)


def _base_name(one: Unmatched, record: ConsumerRecord) -> str:
    """Of the event's topic: without the prefix that this one has, too."""
    return one.source.topic.removeprefix(record.topic.removesuffix(Topic.UNMATCHED))


def unmatched_identity(one: Unmatched, topic: str) -> str:
    """What all reports of one event share, and the notes of its replays. Raises like the row.

    ``topic``: the base name of its source. With the event time: the record's for an event that has none, and
    all that is known of a suppressed one.
    """
    if one.replayed:
        return one.replayed
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
    return encode([*kept_of(click), bool(click.bot)])


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
    "replayed",
    "version",
)


def dead_letter_row(record: ConsumerRecord) -> Row:
    """Whatever is in ``dead-letters`` becomes a row, also what somebody else put there. Raises nothing."""
    cause = cause_of(record.headers)
    key, value = record.key or b"", record.value or b""
    source = cause.source
    return (
        dead_letter_identity(cause, record.key, record.value),
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
        bool(cause.replayed),
        last_attempt_wins(record, cause.attempt, note=bool(cause.replayed)),
    )


def dead_letter_identity(cause: Cause, key: bytes | None, value: bytes | None) -> str:
    """What all attempts of one record share, and the notes of its replays."""
    content = cause.value_sha256.encode() or value
    # A record without a value is another one than that with an empty value.
    parts = () if content is None else (content,)
    return cause.replayed or _identity(cause.source.topic.encode(), key or b"", *parts)


def _position(record: ConsumerRecord) -> str:
    """As the commands print and take it."""
    return f"{record.partition}:{record.offset}"


def dead_letter_persons(row: Row) -> Sequence[str]:
    """Everybody whom it names."""
    persons: list[str] = row[_CUSTOMER_IDS]
    return persons


_CUSTOMER_IDS: Final = DEAD_LETTER_COLUMNS.index("customer_ids")


def _identity(*parts: bytes) -> str:
    return blake2b(b"\x1f".join(parts), digest_size=16).hexdigest()
