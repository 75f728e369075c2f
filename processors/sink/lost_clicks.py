"""Clicks that do not count → rows that delete them from the table of clicks by time.

Two events of one click do not meet there. Which of them counts is for ``schemas/clicks.py`` to say, to the
workers as to the table by id. A worker, which knows of both, reports the other one as ``click_conflict``; for
the one kind of which it reports nothing see ``undated_clicks``.
"""

from typing import Final, NamedTuple

from aiokafka import ConsumerRecord
from msgspec.json import Decoder

from processors.sink.rows import UNREADABLE, Row
from schemas.clicks import content_hash, kept_of
from schemas.decoding import Refused, decode_click
from schemas.reasons import UnmatchedReason
from schemas.results import Unmatched
from schemas.times import MAX_AHEAD_MS, parse_rfc3339

LOST_CLICK_COLUMNS: Final = ("workspace_id", "timestamp", "click_id", "content", "version", "is_deleted")
_WINS: Final = 1 << 20
"""The version of a row that deletes: greater than that of any click."""

_unmatched = Decoder(Unmatched).decode


class Sent(NamedTuple):
    """What an event said of a click. ``content``: as of ``schemas.clicks.content_hash``."""

    workspace_id: str
    click_id: str
    at_ms: int
    content: int


def deletion(sent: Sent) -> Row:
    """The row that deletes it, whether it is stored already or will be."""
    return sent.workspace_id, sent.at_ms, sent.click_id, sent.content, _WINS, 1


def conflict_row(record: ConsumerRecord) -> Row | None:
    """Deletes the click of a ``click_conflict``.

    None for every other record, and for what cannot be read: to refuse that once is enough.
    """
    try:
        one = _unmatched(record.value or b"")
        if one.replayed or one.reason is not UnmatchedReason.CLICK_CONFLICT:
            return None
        at_ms = parse_rfc3339(one.timestamp)
        click, _ = decode_click(bytes(one.event), at_ms, at_ms + MAX_AHEAD_MS)
    except (Refused, *UNREADABLE):
        return None
    return deletion(Sent(click.workspace_id, click.click_id, at_ms, content_hash(kept_of(click))))
