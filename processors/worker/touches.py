"""What the joins tell each other. Nothing keeps others from writing to these topics: that is refused."""

from collections.abc import Callable
from typing import Final, TypeVar

from msgspec.json import Decoder

from processors.attribution.facts import TouchFact, UnjoinedFact
from schemas.decoding import UNDECODABLE, Refused, decode_lead_event, refusal
from schemas.events import LeadEvent, is_workspace_id
from schemas.reasons import DeadLetterReason
from schemas.results import ClickErasure, Touch, Unjoined
from schemas.times import DAY_MS, EARLIEST_MS, MAX_AHEAD_MS

_touch: Final = Decoder(Touch).decode
_unjoined: Final = Decoder(Unjoined).decode
_click_erasure: Final = Decoder(ClickErasure).decode

Read = TypeVar("Read", Touch, Unjoined, ClickErasure)
Told = TypeVar("Told", Touch, Unjoined)


def read_told(value: bytes, record_ms: int, now_ms: int) -> TouchFact | UnjoinedFact:
    """A record of ``touches``. Raises ``Refused``."""
    # Click and event were judged when they arrived; a worker whose clock is behind must not refuse them now.
    now_ms += DAY_MS
    try:
        touch = _decoded(_touch, value)
    except Refused as no_touch:
        try:
            unjoined = _decoded(_unjoined, value)
        except Refused:
            raise no_touch from None
        if unjoined.source is None or unjoined.reason is None:
            return UnjoinedFact(_whole(unjoined), None, record_ms)
        return UnjoinedFact(unjoined, *_event_of(unjoined, unjoined.source.timestamp, now_ms))
    if not EARLIEST_MS <= touch.click.timestamp <= now_ms + MAX_AHEAD_MS:
        raise Refused(DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, f"click.timestamp: {touch.click.timestamp} ms")
    if touch.source is None:
        return TouchFact(_whole(touch), None, touch.click.timestamp)
    return TouchFact(touch, *_event_of(touch, touch.source.timestamp, now_ms))


def read_click_erasure(value: bytes) -> ClickErasure:
    """A record of ``click-erasures``. Raises ``Refused``."""
    erasure = _decoded(_click_erasure, value)
    if not is_workspace_id(erasure.workspace_id):
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "workspaceId: required")
    return erasure


def _decoded(decode: Callable[[bytes], Read], value: bytes) -> Read:
    try:
        if not value.isascii():
            value.decode()
        return decode(value)
    except UNDECODABLE as error:
        raise refusal(value, error) from None


def _whole(told: Told) -> Told:
    """Without an event to vouch for them, workspace and customer have to be there."""
    if not is_workspace_id(told.workspace_id) or not told.customer_external_id.strip():
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "workspaceId, customerExternalId: required")
    return told


def _event_of(told: Touch | Unjoined, record_ms: int, now_ms: int) -> tuple[LeadEvent, int]:
    event, at_ms = decode_lead_event(bytes(told.event), record_ms, now_ms)
    named = event.workspace_id, event.customer, event.click_id
    if named != (told.workspace_id, told.customer_external_id, told.click_id):
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "event: of another customer or click")
    return event, at_ms
