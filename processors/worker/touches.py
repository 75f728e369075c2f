"""What the joins tell each other. Nothing keeps others from writing to these topics: that is refused."""

from typing import Final, TypeVar

from msgspec.json import Decoder

from processors.attribution.facts import TouchFact, UnjoinedFact
from schemas.decoding import Refused, decode_accepted_lead_event, decoded
from schemas.events import LeadEvent
from schemas.reasons import DeadLetterReason
from schemas.results import ClickErasure, Source, Touch, Unjoined
from schemas.times import DAY_MS, EARLIEST_MS, MAX_AHEAD_MS
from schemas.workspaces import is_workspace_id

_touch: Final = Decoder(Touch).decode
_unjoined: Final = Decoder(Unjoined).decode
_click_erasure: Final = Decoder(ClickErasure).decode

Told = TypeVar("Told", Touch, Unjoined)


def read_told(value: bytes, record_ms: int, now_ms: int) -> TouchFact | UnjoinedFact:
    """A record of ``touches``. Raises ``Refused``."""
    told_ms = record_ms if record_ms >= 0 else now_ms
    try:
        touch = decoded(_touch, value)
    except Refused as no_touch:
        try:
            unjoined = decoded(_unjoined, value)
        except Refused:
            raise no_touch from None
        if unjoined.source is None or unjoined.reason is None:
            return UnjoinedFact(_whole(unjoined), None, told_ms)
        return UnjoinedFact(unjoined, *_event_of(unjoined, unjoined.source, told_ms, now_ms))
    if touch.click.timestamp > now_ms + _AHEAD_MS or touch.click.timestamp < EARLIEST_MS:
        raise Refused(DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, f"click.timestamp: {touch.click.timestamp} ms")
    if touch.source is None:
        return TouchFact(_whole(touch), None, touch.click.timestamp)
    return TouchFact(touch, *_event_of(touch, touch.source, told_ms, now_ms))


_SLOW_CLOCK_MS: Final = DAY_MS
"""Click and event were judged when they arrived; a worker whose clock is behind must not refuse them now."""
_AHEAD_MS: Final = MAX_AHEAD_MS + _SLOW_CLOCK_MS


def read_click_erasure(value: bytes) -> ClickErasure:
    """A record of ``click-erasures``. Raises ``Refused``."""
    erasure = decoded(_click_erasure, value)
    if not is_workspace_id(erasure.workspace_id):
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "workspaceId: required")
    return erasure


def _whole(told: Told) -> Told:
    """Without an event to vouch for them, workspace and customer have to be there."""
    if not is_workspace_id(told.workspace_id) or not told.customer_external_id.strip():
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "workspaceId, customerExternalId: required")
    return told


def _event_of(told: Touch | Unjoined, source: Source, told_ms: int, now_ms: int) -> tuple[LeadEvent, int]:
    # Neither the event nor its record may have a time: then it happened when the click join told of it.
    event_ms = source.timestamp if source.timestamp >= 0 else told_ms
    event, at_ms = decode_accepted_lead_event(bytes(told.event), event_ms, now_ms + _SLOW_CLOCK_MS)
    named = event.workspace_id, event.customer, event.click_id
    if named != (told.workspace_id, told.customer_external_id, told.click_id):
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "event: of another customer or click")
    return event, at_ms
