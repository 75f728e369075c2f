"""Every window one millisecond inside, on, and outside of each edge. All windows include their bounds."""

from itertools import permutations

import pytest

from processors.attribution.policy import AttributionModel
from processors.audit.model.arrivals import Arrived
from processors.audit.model.by_arrival import ArrivalModel
from processors.audit.model.outcome import Outcome
from processors.audit.model.reference import ReferenceModel
from tests.attribution.builders import (
    ATTRIBUTION,
    HOLD,
    QUALIFICATION,
    T0,
    arrived,
    click,
    deferred,
    lead,
    network,
    policy,
    purchase,
)
from tests.model.simulate import Record

BOTH = pytest.mark.parametrize("model", ["first-click", "last-click"])


def outcome(records: list[Record], model: AttributionModel) -> Outcome:
    """What both the joins and the reference model say of records that arrive together."""
    system = network(model)
    system.run(records)
    system.drain()
    found, expected = system.published.outcome(), ReferenceModel(policy(model)).compute(arrived(records))
    assert (found.leads, found.sales, found.unmatched) == (
        expected.leads,
        expected.sales,
        expected.unmatched,
    )
    return found


def reasons(found: Outcome) -> set[str]:
    return {one.reason.value for one in found.unmatched}


@BOTH
@pytest.mark.parametrize("places", [*permutations(range(5))])
def test_a_touch_that_moves_out_of_the_window_gives_the_lead_to_the_next_request(
    places: tuple[int, ...], model: AttributionModel
) -> None:
    """Whatever comes last: the first request has its touch only until an earlier sign-up is known."""
    own = [deferred("c1", 80), deferred("c1", 10), deferred("c2", 290)]
    asking = [lead(230, eventId="first"), lead(300, eventId="second")]
    events = [*own, *asking]
    system = network(model)
    system.run([click("c1", 0), click("c2", 280), *(events[place] for place in places)])
    system.drain()
    expected = ReferenceModel(policy(model)).compute(arrived([click("c1", 0), click("c2", 280), *events]))
    assert system.published.outcome().leads == expected.leads


@BOTH
@pytest.mark.parametrize(
    ("after_click", "joined"),
    [
        (-HOLD - 1, False),  # further before its click than clocks and queues explain
        (-HOLD, True),
        (-HOLD + 1, True),
        (0, True),
        (ATTRIBUTION - 1, True),
        (ATTRIBUTION, True),
        (ATTRIBUTION + 1, False),
    ],
)
def test_attribution_window(after_click: int, joined: bool, model: AttributionModel) -> None:
    at = 1_000 + after_click
    found = outcome([click("c1", 1_000), deferred("c1", at), lead(at)], model)
    assert len(found.leads) == joined
    assert reasons(found) == (set() if joined else {"outside_attribution_window", "no_deferred_lead"})


@BOTH
@pytest.mark.parametrize(
    ("after_deferred", "matched"),
    [
        (-HOLD - 1, False),  # the request came so early that it asks for something else
        (-HOLD, True),
        (-HOLD + 1, True),
        (0, True),
        (QUALIFICATION - 1, True),
        (QUALIFICATION, True),
        (QUALIFICATION + 1, False),
    ],
)
def test_qualification_window(after_deferred: int, matched: bool, model: AttributionModel) -> None:
    found = outcome([click("c1", 0), deferred("c1", 60), lead(60 + after_deferred)], model)
    assert len(found.leads) == matched
    assert reasons(found) == (set() if matched else {"outside_qualification_window"})


@pytest.mark.parametrize(("at", "click_id"), [(10 + QUALIFICATION, "c1"), (11 + QUALIFICATION, "c2")])
def test_the_window_filters_before_the_model_chooses(at: int, click_id: str) -> None:
    """First-click takes the first touch that is eligible, not none because the first is too old."""
    touches = [click("c1", 0), deferred("c1", 10), click("c2", 0), deferred("c2", 20)]
    (found,) = outcome([*touches, lead(at)], "first-click").leads.values()
    assert found.click.id == click_id


@pytest.mark.parametrize(("at", "click_id"), [(89, "c1"), (90, "c2"), (91, "c2")])
def test_last_click_includes_a_touch_at_the_very_moment(at: int, click_id: str) -> None:
    touches = [click("c1", 0), deferred("c1", 80), click("c2", 0), deferred("c2", 90)]
    (found,) = outcome([*touches, lead(at)], "last-click").leads.values()
    assert found.click.id == click_id


@pytest.mark.parametrize(
    ("after_lead", "sold"),
    # The clocks of those who report them differ, and a sale may come years after its lead.
    [(-HOLD - 1, False), (-HOLD, True), (-1, True), (0, True), (1, True), (10_000, True)],
)
def test_a_purchase_follows_its_lead(after_lead: int, sold: bool) -> None:
    found = outcome([click("c1", 0), lead(10, click_id="c1"), purchase(10 + after_lead)], "first-click")
    assert len(found.sales) == sold
    assert reasons(found) == (set() if sold else {"no_lead_for_purchase"})


WAITING = [
    # what waits, what it waits for, and why it is given up
    pytest.param([deferred("c1", 10)], [click("c1", 0)], "click_not_found", id="deferred lead for its click"),
    pytest.param(
        [lead(10, click_id="c1")],
        [click("c1", 0)],
        "click_not_found",
        id="request with a clickId for its click",
    ),
    pytest.param(
        [lead(10)],
        [click("c1", 0), deferred("c1", 10)],
        "no_deferred_lead",
        id="request for its deferred lead",
    ),
    pytest.param(
        [click("c1", 0), deferred("c1", 100), lead(49)],
        [deferred("c1", 99)],
        "outside_qualification_window",
        id="request for an earlier touch",
    ),
    pytest.param(
        [click("c1", 0), lead(110, click_id="c1")],
        [deferred("c1", 100)],
        "outside_attribution_window",
        id="request outside the attribution window for an event that makes the touch",
    ),
    pytest.param(
        [click("c1", 0), deferred("c1", 10), purchase(60)],
        [lead(60)],
        "no_lead_for_purchase",
        id="purchase for its lead",
    ),
]


@pytest.mark.parametrize(("late", "in_time"), [(HOLD - 1, True), (HOLD, False), (HOLD + 1, False)])
@pytest.mark.parametrize(("waits", "comes", "reason"), WAITING)
def test_hold(waits: list[Record], comes: list[Record], reason: str, late: int, in_time: bool) -> None:
    """Counted from arrival: what comes when the hold is over comes too late."""
    system = network()
    events: list[Arrived] = []
    for after, records in ((0, waits), (late, comes)):
        system.advance(T0 + after)
        system.run(records)
        events += arrived(records, T0 + after)
    system.drain()
    found, expected = system.published.outcome(), ArrivalModel(policy()).compute(events)
    assert (found.leads, found.sales, found.unmatched) == (
        expected.leads,
        expected.sales,
        expected.unmatched,
    )
    if in_time:
        at_once = {"outside_attribution_window"}
        assert found.leads or found.customers
        assert reasons(found) <= at_once
    else:
        assert reason in reasons(found)
        assert not found.sales


def test_nothing_is_due_when_nothing_waits() -> None:
    system = network()
    system.run([click("c1", 0), deferred("c1", 10), lead(70), purchase(80), click("c2", 0, bot=True)])
    assert system.due() == []


def test_the_first_to_be_due_is_what_arrived_first() -> None:
    """The engine asks each key once; the answer must cover everything that waits under it."""
    system = network()
    system.send(deferred("c1", 10))
    system.send(purchase(60))
    system.advance(T0 + 7)
    system.send(lead(60))
    system.send(lead(10, click_id="c1"))
    assert sorted(system.due()) == [T0 + HOLD, T0 + HOLD]
    system.advance(T0 + HOLD)
    assert sorted(system.due()) == [T0 + 7 + HOLD, T0 + 7 + HOLD]
