"""What the joins tell each other. Nothing keeps others from writing to those topics: that is refused."""

import re
from typing import Final, TypeVar

from msgspec.json import Decoder

from processors.attribution.facts import TouchFact, UnjoinedFact
from schemas.decoding import UNDECODABLE, Refused, decode_lead_event, refusal
from schemas.events import LeadEvent
from schemas.reasons import DeadLetterReason
from schemas.results import ClickErasure, Touch, Unjoined
from schemas.times import DAY_MS, EARLIEST_MS, MAX_AHEAD_MS

T = TypeVar("T")

_touch: Final = Decoder(Touch)
_unjoined: Final = Decoder(Unjoined)
_click_erasure: Final = Decoder(ClickErasure)
_WORKSPACE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_touch(value: bytes, now_ms: int) -> TouchFact | UnjoinedFact:
    """Of the topic ``touches``. Raises ``Refused``."""
    # Click and event were judged when they arrived; a worker whose clock is behind must not refuse them now.
    now_ms += DAY_MS
    try:
        touch = _decoded(_touch, value)
    except Refused as refused:
        return _read_unjoined(value, now_ms, refused)
    if not EARLIEST_MS <= touch.click.timestamp <= now_ms + MAX_AHEAD_MS:
        raise Refused(DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, f"click.timestamp: {touch.click.timestamp} ms")
    if touch.source is None:
        _check_named(touch)
        return TouchFact(touch, None, touch.click.timestamp)
    return TouchFact(touch, *_event_in(touch, touch.source.timestamp, now_ms))


def read_click_erasure(value: bytes) -> ClickErasure:
    """Of the topic ``click-erasures``. Raises ``Refused``."""
    erasure = _decoded(_click_erasure, value)
    if not _WORKSPACE.fullmatch(erasure.workspace_id) or not erasure.click_id:
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "workspaceId, clickId: required")
    return erasure


def _read_unjoined(value: bytes, now_ms: int, no_touch: Refused) -> UnjoinedFact:
    try:
        unjoined = _decoded(_unjoined, value)
    except Refused:
        raise no_touch from None
    if unjoined.reason is None or unjoined.source is None:
        _check_named(unjoined)
        return UnjoinedFact(unjoined, None, now_ms)
    return UnjoinedFact(unjoined, *_event_in(unjoined, unjoined.source.timestamp, now_ms))


def _decoded(decoder: Decoder[T], value: bytes) -> T:
    try:
        if not value.isascii():
            value.decode()
        return decoder.decode(value)
    except UNDECODABLE as error:
        raise refusal(value, error) from None


def _event_in(news: Touch | Unjoined, record_ms: int, now_ms: int) -> tuple[LeadEvent, int]:
    event, at_ms = decode_lead_event(bytes(news.event), record_ms, now_ms)
    named = event.workspace_id, event.customer, event.click_id
    if named != (news.workspace_id, news.customer_external_id, news.click_id):
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "event: of another customer or click")
    return event, at_ms


def _check_named(news: Touch | Unjoined) -> None:
    if not _WORKSPACE.fullmatch(news.workspace_id) or not news.customer_external_id.strip():
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "workspaceId, customerExternalId: required")
