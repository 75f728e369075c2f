"""The joins against the reference model, for any history that hypothesis can think of."""

from collections.abc import Sequence

import orjson
from hypothesis import given
from hypothesis import strategies as st

from processors.attribution.bounds import Bounds
from processors.attribution.policy import AttributionModel, Policy
from processors.audit.model.arrivals import Arrived
from processors.audit.model.by_arrival import ArrivalModel
from processors.audit.model.outcome import AT_ONCE, CustomerKey, Outcome, key_of
from processors.audit.model.reference import ReferenceModel
from schemas.results import Unmatched
from tests.attribution.builders import HOLD, T0, arrived, click, deferred, lead, policy
from tests.attribution.effort import examples
from tests.attribution.strategies import MODELS, POLICIES, histories, histories_with_conflicts
from tests.model.simulate import Network, Record

TOUCHES_BETWEEN = st.lists(st.sampled_from((-1, 0, 1, 2)), min_size=0, max_size=30)
"""After each record: −1 nothing, else one touch arrives, the one at that place of those under way."""


def assert_results(found: Outcome, expected: Outcome) -> None:
    """Everything but unmatched; one by one, so that a failure shows what differs."""
    assert found.leads == expected.leads
    assert found.sales == expected.sales
    assert found.customers == expected.customers
    assert found.forgotten == expected.forgotten


def assert_nothing_is_said_twice(system: Network, contested: set[CustomerKey]) -> None:
    """Rule 18: a fact that changes nothing emits nothing. (Of a lead that was lost and found it may.)"""
    twice = [one for one in system.published.repeated if key_of(one) not in contested]
    assert twice == []


def assert_unmatched_in_any_order(found: Outcome, expected: Outcome) -> None:
    """What leads to nothing in every order is reported, with the model's reason or one that came at once."""
    for one in expected.unmatched:
        reasons = {one.reason, *AT_ONCE}
        assert found.unmatched & {one.with_reason(reason) for reason in reasons}, one
    more = {one for one in found.unmatched - expected.unmatched if one.reason not in AT_ONCE}
    assert {(one.workspace_id, one.customer) for one in more} <= expected.forgotten


def send_with_delays(system: Network, records: Sequence[Record], choices: Sequence[int]) -> None:
    """All within the hold: the records in order, and in between touches in an order of their own."""
    for position, record in enumerate(records):
        system.advance(T0 + min(position, HOLD - 1))
        system.send(record)
        choice = choices[position] if position < len(choices) else -1
        if choice >= 0 and system.travelling:
            system.deliver(choice)
    system.deliver_all()


@examples(700)
@given(POLICIES, histories(), TOUCHES_BETWEEN)
def test_any_order_within_the_hold_ends_in_the_same_results(
    policy: Policy, records: list[Record], choices: list[int]
) -> None:
    expected = ReferenceModel(policy).compute(arrived(records))
    system = Network(policy, T0, touches_wait=True)
    send_with_delays(system, records, choices)
    system.drain()

    found = system.published.outcome()
    certain = expected.certain()
    assert_results(found.certain(expected.contested), certain)
    assert_nothing_is_said_twice(system, expected.contested)
    assert_unmatched_in_any_order(found.certain(expected.contested), certain)
    ids = expected.certain(refused(found, policy.bounds)).leads.keys()
    assert found.leads.keys() >= ids, "of contested customers at least the ids are certain"


MOVING = st.lists(
    st.sampled_from(
        [
            *(deferred("c1", at) for at in (-10, 10, 40, 60, 90)),
            *(deferred("c2", at) for at in (281, 290, 300)),
            *(lead(at, eventId=f"{at}") for at in (211, 230, 240, 245, 260, 290, 300, 485)),
            *(lead(at, click_id=one) for one, at in (("c1", 90), ("c2", 290))),
        ]
    ),
    min_size=3,
    max_size=9,
)
"""Sign-ups of two clicks, of which some are too early for some of the requests."""


@examples(700)
@given(MODELS, MOVING, TOUCHES_BETWEEN)
def test_touches_that_move_out_of_windows_end_in_the_same_leads(
    model: AttributionModel, records: list[Record], choices: list[int]
) -> None:
    """A lead that no request asks for any more stays; every other one is the model's."""
    records = [click("c1", 0), click("c2", 280), *records]
    system = Network(policy(model), T0, touches_wait=True)
    send_with_delays(system, records, choices)
    system.drain()
    expected = ReferenceModel(policy(model)).compute(arrived(records)).leads
    found = system.published.outcome().leads
    assert {one: found.get(one) for one in expected} == expected


@examples(700)
@given(
    POLICIES, histories(), st.lists(st.sampled_from((0, 1, HOLD // 2, HOLD - 1, HOLD, HOLD + 1)), min_size=1)
)
def test_holds_end_exactly_when_they_should(policy: Policy, records: list[Record], gaps: list[int]) -> None:
    system = Network(policy, T0)
    events: list[Arrived] = []
    for position, record in enumerate(records):
        system.advance(system.now_ms + gaps[position % len(gaps)])
        system.send(record)
        events += arrived([record], system.now_ms)
    system.drain()

    expected = ArrivalModel(policy).compute(events)
    found = system.published.outcome().certain(expected.contested)
    assert_results(found, expected.certain())
    assert_nothing_is_said_twice(system, expected.contested)
    # Of an erased customer the model knows no bounds: nothing but these reports is left of it.
    left_out = expected.forgotten & refused(found, policy.bounds)
    reported = found.certain(left_out).unmatched - conflicts(found)
    assert reported == expected.certain(expected.contested | left_out).unmatched - conflicts(expected)


def refused(outcome: Outcome, bounds: Bounds) -> set[CustomerKey]:
    """Whose events found no room. By default there is room for every history here."""
    no_room = [one for one in outcome.unmatched if one.reason == "too_many_held"]
    assert not no_room or bounds != Bounds()
    return {(one.workspace_id, one.customer or "") for one in no_room}


def conflicts(outcome: Outcome) -> set[object]:
    """Which of several clicks is reported depends on their order."""
    return {one for one in outcome.unmatched if one.reason == "click_conflict"}


@examples(400)
@given(POLICIES, histories(), TOUCHES_BETWEEN)
def test_a_replay_emits_nothing_and_changes_nothing(
    policy: Policy, records: list[Record], choices: list[int]
) -> None:
    system = Network(policy, T0, touches_wait=True)
    send_with_delays(system, records, choices)
    contested = ReferenceModel(policy).compute(arrived(records)).contested
    first = system.published.outcome().certain(contested)
    states = system.states()

    outputs = system.run(records) + system.deliver_all()
    assert_results(system.published.outcome().certain(contested), first)
    if not contested:
        assert [one for one in outputs if not isinstance(one, Unmatched)] == []
        if policy.bounds != Bounds():
            # What was forgotten comes again, once, and joins what came later: a click's times, a customer.
            states = system.states()
            system.run(records)
            system.deliver_all()
        assert system.states() == states


@examples(200)
@given(POLICIES, histories_with_conflicts(), TOUCHES_BETWEEN)
def test_of_clicks_in_conflict_the_same_one_wins_in_any_order(
    policy: Policy, records: list[Record], choices: list[int]
) -> None:
    """Where no lead can be lost, the order of clicks in conflict must not show at all."""
    system = Network(policy, T0, touches_wait=True)
    send_with_delays(system, records, choices)
    system.drain()
    expected = ReferenceModel(policy).compute(arrived(records))
    assert_results(system.published.outcome().certain(expected.contested), expected.certain())
    if policy.bounds == Bounds():
        assert not expected.contested


@examples(150)
@given(POLICIES, histories())
def test_workspaces_never_meet(policy: Policy, records: list[Record]) -> None:
    """One workspace beside another, with the same ids, ends in what it ends in alone."""
    together = Network(policy, T0)
    together.run(records)
    together.drain()
    for workspace in ("w1", "w2"):
        alone = Network(policy, T0)
        alone.run(one for one in records if orjson.loads(one.value)["workspaceId"] == workspace)
        alone.drain()
        assert alone.states().items() <= together.states().items()
        assert alone.published.leads.items() <= together.published.leads.items()
        assert alone.published.sales.items() <= together.published.sales.items()
        assert alone.published.customers.items() <= together.published.customers.items()
