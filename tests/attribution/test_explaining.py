"""Why a customer has its leads, or has none: every rule that can decide, in words."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given

from processors.attribution import customer_join
from processors.attribution.explaining import explain, span
from processors.attribution.explanation import Explanation
from processors.attribution.policy import AttributionModel
from schemas.ids import event_key, lead_id
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS
from schemas.topics import split_key
from tests.attribution.builders import (
    HOLD,
    click,
    deferred,
    erasure,
    lead,
    network,
    policy,
    purchase,
    time,
)
from tests.attribution.effort import examples
from tests.attribution.strategies import MODELS, histories
from tests.model.simulate import Record


def explained(records: Sequence[Record], model: AttributionModel = "first-click") -> Explanation:
    system = network(model)
    system.run(records)
    raw = system.customers.get(b"w1:ann")
    state = None if raw is None else customer_join.load(raw)
    return explain("w1", "ann", state, policy(model))


@pytest.mark.parametrize(
    ("records", "status", "says"),
    [
        ([], "unknown", "Nothing is held"),
        ([click("c1", 0), deferred("c1", 10), erasure()], "erased", "erased"),
        ([lead(70)], "waiting", "no lead event of this customer has made a touch"),
        ([click("c1", 0), deferred("c1", 10)], "pending", "no request has come"),
        ([click("c1", 0), deferred("c1", 10), lead(211)], "pending", "has an eligible touch"),
        ([click("c1", 0), deferred("c1", 10), lead(70)], "qualified", "1 lead: Sign Up."),
        (
            [click("c1", 0), deferred("c1", 10), lead(70), lead(80, "Demo")],
            "qualified",
            "2 leads: Demo, Sign Up.",
        ),
    ],
)
def test_the_decision(records: list[Record], status: str, says: str) -> None:
    found = explained(records)
    assert found.status == status
    assert says in found.summary


@pytest.mark.parametrize(
    ("of_click", "at", "makes", "why"),
    [
        ({}, 10, True, "the lead event came 10ms after the click, within the attribution window of 100ms"),
        ({}, 0, True, "at the same time as the click"),
        ({}, -50, True, "50ms before the click"),
        ({}, -51, False, "51ms before the click, outside the hold of 50ms"),
        ({}, 101, False, "101ms after the click, outside the attribution window of 100ms"),
        ({"trackConversion": False}, 10, False, "trackConversion is false"),
    ],
)
def test_why_a_click_makes_a_touch(of_click: dict[str, object], at: int, makes: bool, why: str) -> None:
    [touch] = explained([click("c1", 0, linkId="l1", **of_click), deferred("c1", at)]).touches
    assert why in touch.why
    assert (touch.click_id, touch.clicked_at, touch.link_id) == ("c1", time(0), "l1")
    assert touch.deferred_at == (time(at) if makes else None)
    assert touch.lead_events == [time(at)]


def test_which_click_was_chosen_and_what_excluded_the_others() -> None:
    clicks = [click("c1", 0), deferred("c1", 9), click("c2", 0), deferred("c2", 20)]
    clicks += [click("c3", 200), deferred("c3", 230), click("c4", 250), deferred("c4", 261)]
    [request] = explained([*clicks, lead(210)]).requests
    assert request.makes_lead
    assert (request.lead_id, request.revision) == (lead_id("w1", "ann", "sign-up"), 1)
    assert request.why == "makes the lead, attributed to click c2"
    assert request.waits_until is None
    assert [(one.click_id, one.eligible, one.chosen) for one in request.candidates] == [
        ("c1", False, False),
        ("c2", True, True),
        ("c3", True, False),
        ("c4", False, False),
    ]
    whys = [one.why for one in request.candidates]
    assert whys == [
        "the request came 201ms after the deferred lead, outside the qualification window of 200ms",
        "first-click: the earliest of the eligible touches",
        "eligible, but first-click chooses c2",
        "the request came 51ms before the deferred lead, outside the hold of 50ms",
    ]


def test_a_request_that_names_its_click_has_no_choice() -> None:
    records = [click("c1", 0), deferred("c1", 10), click("c2", 0), lead(70, click_id="c2")]
    [request] = explained(records, "last-click").requests
    assert [(one.click_id, one.why) for one in request.candidates] == [
        ("c1", "the request names click c2"),
        ("c2", "the only click that the request names"),
    ]


def test_last_click_says_its_own_rule() -> None:
    records = [click("c1", 0), deferred("c1", 10), click("c2", 0), deferred("c2", 20), lead(70)]
    [request] = explained(records, "last-click").requests
    assert [one.why.split(":")[0] for one in request.candidates] == [
        "eligible, but last-click chooses c2",
        "last-click",
    ]


def test_what_waits_and_until_when() -> None:
    found = explained([lead(70), purchase(80, leadEventName="Demo"), deferred("c1", 10)])
    assert [(one.waits_until, one.why) for one in found.requests] == [(time(HOLD), "has no touch to go to")]
    assert [(one.waits_until, one.why) for one in found.purchases] == [
        (time(HOLD), "no lead named demo at or before the purchase, nor within the hold of 50ms after it")
    ]
    assert [(one.click_id, one.waits_until) for one in found.waits] == [("c1", time(HOLD))]
    assert explained([deferred("c1", 10), click("c1", 0)]).waits == []


def test_whose_a_sale_is() -> None:
    records = [click("c1", 0), lead(10, "A", "c1"), lead(20, "B", "c1")]
    records += [purchase(30, eventId="1"), purchase(30, eventId="2", leadEventName="a")]
    found = {one.lead_id: one.why for one in explained(records).purchases}
    assert found == {
        lead_id("w1", "ann", "b"): "is a sale of the newest lead at or before it: B",
        lead_id("w1", "ann", "a"): "is a sale of the newest lead named a at or before it: A",
    }


def test_a_lead_that_the_facts_no_longer_carry() -> None:
    """Rule 9: it was emitted, and stays."""
    records = [click("c1", 5), deferred("c1", 10), lead(70), click("c1", 0, trackConversion=False)]
    found = explained(records)
    assert found.kept == [lead_id("w1", "ann", "sign-up")]
    assert found.status == "waiting"


def test_a_request_whose_touch_has_moved_out_of_its_window() -> None:
    """Rule 9 once more: an earlier lead event moves the touch away from a request that made a lead."""
    [request] = explained([click("c1", 0), deferred("c1", 10), lead(210), deferred("c1", -50)]).requests
    assert (request.makes_lead, request.waits_until, request.revision) == (False, None, 1)
    assert request.why.endswith("was published and stays")


def test_a_later_request_whose_time_may_come() -> None:
    records = [click("c1", 0), deferred("c1", 10), lead(200, eventId="1"), lead(205, eventId="2")]
    first, second = explained(records).requests
    assert (first.makes_lead, second.makes_lead, second.waits_until) == (True, False, time(HOLD))
    assert (
        second.why
        == "an earlier request makes the lead of this name, unless its touch moves out of its window"
    )
    assert [one.why for one in second.candidates] == ["eligible, but an earlier request makes the lead"]


@examples(200)
@given(MODELS, histories())
def test_it_never_contradicts_what_was_published(model: AttributionModel, records: list[Record]) -> None:
    """And is a document, whatever the state."""
    system = network(model)
    system.run(records)
    for key, raw in system.customers.items():
        found = explain(*split_key(key), customer_join.load(raw), policy(model))
        msgspec.json.encode(found)
        status = system.published.customers.get(split_key(key))
        if status is not None and not found.kept:
            assert found.status == status.status
        for request in found.requests:
            published = system.published.leads.get(request.lead_id)
            chosen = [one.click_id for one in request.candidates if one.chosen]
            assert all(one.eligible for one in request.candidates if one.chosen)
            if request.makes_lead:
                assert published is not None
                assert [published.click.id] == chosen
                assert published.revision == request.revision
                assert event_key(published.event_name) == event_key(request.event_name)
            else:
                assert chosen == []
                made = {one.lead_id for one in found.requests if one.makes_lead}
                assert request.waits_until or request.lead_id in {*made, *found.kept}


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (0, "0ms"),
        (999, "999ms"),
        (90 * DAY_MS, "90d"),
        (DAY_MS + 2 * HOUR_MS + MINUTE_MS, "1d 2h"),
        (HOUR_MS + 1, "1h 1ms"),
    ],
)
def test_spans(duration_ms: int, text: str) -> None:
    assert span(duration_ms) == text
