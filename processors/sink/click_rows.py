"""Clicks → rows. A clickId names one click: the earliest wins, in whatever order they come."""

import zlib
from collections.abc import Callable
from typing import Final

from aiokafka import ConsumerRecord

from processors.sink.rows import LATEST, Row
from schemas.clicks import content_hash, kept_of
from schemas.decoding import Refused, decode_click

_CONTENT_BITS: Final = 20

CLICK_COLUMNS = (
    "workspace_id",
    "click_id",
    "timestamp",
    "event_id",
    "link_id",
    "partner_id",
    "program_id",
    "tenant_id",
    "link_external_id",
    "domain",
    "key",
    "url",
    "track_conversion",
    "continent",
    "country",
    "region",
    "city",
    "latitude",
    "longitude",
    "device",
    "browser",
    "os",
    "ua",
    "referer",
    "referer_url",
    "ip",
    "trigger",
    "qr",
    "content_hash",
    "version",
)


def click_rows(now_ms: Callable[[], int]) -> Callable[[ConsumerRecord], Row | None]:
    """Reads what producers sent, as the worker does: ``now_ms`` tells what lies too far in the future.

    None for what is no click, which the worker dead-letters, and for a bot's, which it reports as unmatched.
    """

    def click_row(record: ConsumerRecord) -> Row | None:
        try:
            click, at_ms = decode_click(record.value, record.timestamp, now_ms())
        except Refused:
            return None
        if click.bot:
            return None
        return (
            click.workspace_id,
            click.click_id,
            at_ms,
            click.event_id or "",
            click.link_id or "",
            click.partner_id or "",
            click.program_id or "",
            click.tenant_id or "",
            click.link_external_id or "",
            click.domain or "",
            click.key or "",
            click.url or "",
            click.track_conversion is None or bool(click.track_conversion),
            click.continent or "",
            click.country or "",
            click.region or "",
            click.city or "",
            _coordinate(click.latitude),
            _coordinate(click.longitude),
            click.device or "",
            click.browser or "",
            click.os or "",
            click.ua or "",
            click.referer or "",
            click.referer_url or "",
            click.ip or "",
            click.trigger or "",
            bool(click.qr),
            content_hash(kept_of(click)),
            earliest_wins(at_ms, record.value),
        )

    return click_row


def earliest_wins(at_ms: int, content: bytes) -> int:
    """A version that falls with the time.

    Of two clicks of one moment the table looks at the hash of their content first; the last bits tell apart
    those that differ only in what no lead keeps.
    """
    tie = zlib.crc32(content) >> 32 - _CONTENT_BITS
    return (LATEST >> _CONTENT_BITS) - at_ms << _CONTENT_BITS | tie


def _coordinate(value: float | str | None) -> str:
    return "" if value is None else str(value)
