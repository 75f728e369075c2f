"""Touches as the click join writes them. Nothing keeps others from writing there: that is refused."""

import re
from typing import Final

from msgspec.json import Decoder

from processors.attribution.facts import TouchFact
from schemas.decoding import UNDECODABLE, Refused, decode_lead_event, refusal
from schemas.reasons import DeadLetterReason
from schemas.results import Touch
from schemas.times import DAY_MS, EARLIEST_MS, MAX_AHEAD_MS

_decode: Final = Decoder(Touch).decode
_WORKSPACE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_touch(value: bytes, now_ms: int) -> TouchFact:
    """Raises ``Refused``."""
    try:
        if not value.isascii():
            value.decode()
        touch = _decode(value)
    except UNDECODABLE as error:
        raise refusal(value, error) from None
    # Click and event were judged when they arrived; a worker whose clock is behind must not refuse them now.
    now_ms += DAY_MS
    if not EARLIEST_MS <= touch.click.timestamp <= now_ms + MAX_AHEAD_MS:
        raise Refused(DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, f"click.timestamp: {touch.click.timestamp} ms")
    if touch.source is None:
        if not _WORKSPACE.fullmatch(touch.workspace_id) or not touch.customer_external_id.strip():
            raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "workspaceId, customerExternalId: required")
        return TouchFact(touch, None, touch.click.timestamp)
    event, at_ms = decode_lead_event(bytes(touch.event), touch.source.timestamp, now_ms)
    named = event.workspace_id, event.customer, event.click_id
    if named != (touch.workspace_id, touch.customer_external_id, touch.click_id):
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "event: of another customer or click")
    return TouchFact(touch, event, at_ms)
