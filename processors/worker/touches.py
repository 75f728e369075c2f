"""What the joins tell each other. Nothing keeps others from writing to these topics: that is refused."""

from typing import Final, TypeVar

from msgspec.json import Decoder

from processors.attribution.facts import GivenUpFact, NewsFact, TouchFact
from schemas.decoding import Refused, decode_accepted_lead_event, decoded
from schemas.events import LeadEvent
from schemas.news import ClickMoved, GivenUp, Joined, Waits, read_news
from schemas.reasons import DeadLetterReason
from schemas.results import ClickErasure, ClickFacts
from schemas.times import DAY_MS, EARLIEST_MS, MAX_AHEAD_MS
from schemas.workspaces import is_workspace_id

_click_erasure: Final = Decoder(ClickErasure).decode

WithoutEvent = TypeVar("WithoutEvent", ClickMoved, Waits)


def read_told(value: bytes, record_ms: int, now_ms: int) -> NewsFact:
    """A record of ``touches``. Raises ``Refused``."""
    told_ms = record_ms if record_ms >= 0 else now_ms
    match read_news(value):
        case Joined() as joined:
            _check_time(joined.click, now_ms)
            return TouchFact(joined, *_event_of(joined, told_ms, now_ms))
        case GivenUp() as given_up:
            return GivenUpFact(given_up, *_event_of(given_up, told_ms, now_ms))
        case ClickMoved() as moved:
            _check_time(moved.click, now_ms)
            return _whole(moved)
        case Waits() as waits:
            return _whole(waits)


_SLOW_CLOCK_MS: Final = DAY_MS
"""Click and event were judged when they arrived; a worker whose clock is behind must not refuse them now."""
_AHEAD_MS: Final = MAX_AHEAD_MS + _SLOW_CLOCK_MS


def read_click_erasure(value: bytes) -> ClickErasure:
    """A record of ``click-erasures``. Raises ``Refused``."""
    erasure = decoded(_click_erasure, value)
    if not is_workspace_id(erasure.workspace_id):
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "workspaceId: required")
    return erasure


def _check_time(click: ClickFacts, now_ms: int) -> None:
    if click.timestamp > now_ms + _AHEAD_MS or click.timestamp < EARLIEST_MS:
        raise Refused(DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, f"click.timestamp: {click.timestamp} ms")


def _whole(told: WithoutEvent) -> WithoutEvent:
    """Without an event to vouch for them, workspace and customer have to be there."""
    if not is_workspace_id(told.workspace_id) or not told.customer_external_id.strip():
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "workspaceId, customerExternalId: required")
    return told


def _event_of(told: Joined | GivenUp, told_ms: int, now_ms: int) -> tuple[LeadEvent, int]:
    # Neither the event nor its record may have a time: then it happened when the click join told of it.
    event_ms = told.source.timestamp if told.source.timestamp >= 0 else told_ms
    event, at_ms = decode_accepted_lead_event(bytes(told.event), event_ms, now_ms + _SLOW_CLOCK_MS)
    named = event.workspace_id, event.customer, event.click_id
    if named != (told.workspace_id, told.customer_external_id, told.click_id):
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, "event: of another customer or click")
    return event, at_ms
