"""What the joins tell each other, and what became of the events in it."""

from collections.abc import Callable

import orjson
import pytest
from msgspec import Raw
from msgspec.json import encode
from msgspec.structs import replace

from processors.attribution.facts import GivenUpFact, TouchFact
from processors.worker.touches import read_click_erasure, read_told
from schemas.decoding import Refused
from schemas.news import Waits
from schemas.reasons import UnmatchedReason
from schemas.results import ClickErasure, ClickFacts, Source, Touch, Unjoined
from schemas.times import DAY_MS, HOUR_MS

NOW = 1_780_000_000_000
TOLD = NOW - HOUR_MS
EVENT = {"workspaceId": "acme", "customerExternalId": "u1", "clickId": "c1", "eventName": "Sign Up"}


def touch(record_ms: int, **fields: object) -> bytes:
    event = EVENT | fields
    return encode(
        Touch(
            workspace_id="acme",
            customer_external_id=str(event["customerExternalId"]),
            click_id="c1",
            click=ClickFacts(NOW - DAY_MS),
            event=Raw(orjson.dumps(event)),
            source=Source(topic="deferred-leads", partition=0, offset=7, timestamp=record_ms),
        )
    )


def unjoined(record_ms: int) -> bytes:
    return encode(
        Unjoined(
            workspace_id="acme",
            customer_external_id="u1",
            click_id="c1",
            reason=UnmatchedReason.CLICK_NOT_FOUND,
            event=Raw(orjson.dumps(EVENT)),
            source=Source(topic="deferred-leads", partition=0, offset=7, timestamp=record_ms),
        )
    )


@pytest.mark.parametrize("told", [touch, unjoined])
@pytest.mark.parametrize(
    ("record_ms", "told_ms", "at_ms"),
    [
        (NOW - 5, TOLD, NOW - 5),
        (-1, TOLD, TOLD),
        (-1, -1, NOW),
    ],
)
def test_when_an_event_without_a_time_happened(
    told: Callable[[int], bytes], record_ms: int, told_ms: int, at_ms: int
) -> None:
    """At the time of its record; when that has none, when it was told of; never in the future."""
    fact = read_told(told(record_ms), told_ms, NOW)
    assert isinstance(fact, TouchFact | GivenUpFact)
    assert fact.at_ms == at_ms


def test_a_clock_that_is_a_day_behind_refuses_nothing() -> None:
    """Event and click were judged by the worker that read them first."""
    fact = read_told(touch(NOW, timestamp=NOW + 2 * DAY_MS), NOW, NOW)
    assert isinstance(fact, TouchFact)
    assert fact.at_ms == NOW + 2 * DAY_MS
    with pytest.raises(Refused):
        read_told(touch(NOW, timestamp=NOW + 2 * DAY_MS + 1), NOW, NOW)


def test_a_touch_of_a_release_with_other_rules_is_read() -> None:
    """It was written before this worker was deployed; a dead letter would lose a lead that was accepted."""
    fact = read_told(touch(NOW, customerExternalId="undefined", customerEmail="e" * 500), NOW, NOW)
    assert isinstance(fact, TouchFact)
    assert fact.event.customer_email == "e" * 500


def test_news_of_a_workspace_of_before_is_read() -> None:
    """Its name is none any more; whoever it knows has to be forgotten in the clicks, too."""
    erasure = ClickErasure(workspace_id="null", click_id="c1", customer_id="cus_1")
    assert read_click_erasure(encode(erasure)) == erasure
    waits = Unjoined(workspace_id="null", customer_external_id="u1", click_id="c1", reason=None)
    assert isinstance(read_told(encode(waits), NOW, NOW), Waits)
    with pytest.raises(Refused):
        read_click_erasure(encode(replace(erasure, workspace_id="a:b")))
