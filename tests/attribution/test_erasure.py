"""Rule 17: what is left of a person after an erasure, wherever it stood when the erasure came."""

from collections.abc import Sequence
from dataclasses import replace

import orjson
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from processors.attribution.bounds import Bounds
from processors.attribution.customer_join import Forgotten
from processors.attribution.policy import AttributionModel, Policy
from schemas.topics import Topic
from tests.attribution.builders import (
    CUSTOMER,
    HOLD,
    T0,
    WORKSPACE,
    click,
    deferred,
    erasure,
    lead,
    network,
    policy,
)
from tests.attribution.effort import examples
from tests.attribution.stories import UNTRACKED
from tests.attribution.strategies import MODELS, POLICIES, histories, one_of_each
from tests.attribution.test_properties import TOUCHES_BETWEEN, send_with_delays
from tests.model.simulate import Network, Record

MARK = "ann.secret@example.com"
KEY = f"customer {WORKSPACE}:{CUSTOMER}".encode()


def with_secret(one: Record) -> Record:
    """The same event; if it is the customer's, it says what nobody may know any more."""
    event = orjson.loads(one.value)
    if event.get("customerExternalId") == CUSTOMER and event["workspaceId"] == WORKSPACE:
        event |= {"customerEmail": MARK, "metadata": {"said": MARK}}
    return replace(one, value=orjson.dumps(event))


def assert_forgotten(system: Network) -> None:
    for key, raw in system.states().items():
        assert MARK.encode() not in raw, key
    assert len(system.states()[KEY]) < 25, "the state says no more than that the customer was erased"


@examples(300)
@given(MODELS, histories(), TOUCHES_BETWEEN, st.integers(0, 16))
def test_nothing_is_kept_and_nothing_is_said(
    model: AttributionModel, records: Sequence[Record], choices: list[int], place: int
) -> None:
    """Events before and after the erasure, touches under way: once all has arrived, before any hold ends."""
    history = [with_secret(one) for one in records if one.topic != Topic.ERASURES]
    system = network(model, touches_wait=True)
    send_with_delays(system, history[:place], choices)
    system.send(erasure())
    told = system.deliver_all()
    assert_forgotten(system)
    send_after = [system.send(one) for one in history[place:]]
    told += [output for outputs in send_after for output in outputs] + system.deliver_all()
    assert_forgotten(system)
    told += system.drain()
    assert_forgotten(system)
    assert MARK.encode() not in encode([one for one in told if not isinstance(one, Forgotten)])


@st.composite
def histories_of_many_clicks(draw: st.DrawFn) -> list[Record]:
    """One customer who names more clicks than a small bound keeps, tracked or not, some before they came."""
    click_ids = ("c1", "c2", "c3", "c4", "c5")
    tracked = one_of_each(*[(True, True, False)] * len(click_ids))
    named = one_of_each(click_ids, (10, 20, 30, 40, 110)).map(lambda one: deferred(*one))
    history = draw(st.lists(named, min_size=4, max_size=12))
    for click_id, flag in zip(click_ids, draw(tracked), strict=True):
        history.insert(draw(st.integers(0, 4)), click(click_id, 0, trackConversion=flag))
    return [replace(one, offset=offset) for offset, one in enumerate(history)]


@examples(400)
@given(
    POLICIES,
    st.one_of(histories_of_many_clicks(), histories()),
    TOUCHES_BETWEEN,
    st.integers(0, 20),
    st.booleans(),
)
def test_no_state_names_an_erased_person(
    policy: Policy, records: Sequence[Record], choices: list[int], place: int, late: bool
) -> None:
    """Whatever the bounds dropped, and what was on the way when it was erased: nothing is left.

    The key of the customer's own state is its id, by which later events are known to be suppressed.
    """
    system = Network(policy, T0, touches_wait=True)
    history = [one for one in records if one.topic != Topic.ERASURES]
    send_with_delays(system, history[:place], choices)
    if late:  # what it had to wait for was given up before
        system.drain()
    system.send(erasure(workspaceId=WORKSPACE))
    for record in history[place:]:
        system.send(record)
    system.drain()
    for key, raw in system.states().items():
        if not key.startswith(b"click w2:"):  # another workspace's, where the id is another person's
            assert CUSTOMER.encode() not in raw, key


def test_a_customer_of_many_clicks_leaves_none_of_them_its_name() -> None:
    """Five of them its state no longer has when it is erased."""
    system = network()
    for number in range(15):
        system.run([click(f"c{number}", 0, trackConversion=False), deferred(f"c{number}", number)])
    system.send(erasure())
    assert [key for key, raw in system.clicks.items() if CUSTOMER.encode() in raw] == []


def test_what_waits_for_a_click_that_its_customer_no_longer_keeps_goes_on_waiting() -> None:
    """It waits because the click itself was forgotten: nobody was erased."""
    system = Network(replace(policy(), bounds=Bounds(touches=1)), T0)
    system.run([click("c1", 0, **UNTRACKED), deferred("c1", 1)])
    del system.clicks[b"w1:c1"]
    system.run([deferred("c1", 2), click("c2", 0, **UNTRACKED), deferred("c2", 3)])
    assert [one.reason.value for one in system.published.unmatched] == ["conversion_tracking_disabled"] * 2
    assert b"ann" in system.clicks[b"w1:c1"]


def test_the_clicks_that_were_named_last_are_the_ones_remembered() -> None:
    """One that is named again waits anew: of two places, another click does not take its place."""
    system = Network(replace(policy(), bounds=Bounds(waiting_clicks=2)), T0)
    for at, click_id in enumerate(("c1", "c2", "c1", "c3")):
        system.advance(T0 + at)
        system.send(deferred(click_id, at))
    system.send(erasure())
    assert list(system.clicks) == [b"w1:c2"]


def test_a_click_forgets_who_named_it() -> None:
    system = network()
    system.run([click("c1", 0), deferred("c1", 10), deferred("c1", 10, customerExternalId="bob")])
    state_before = system.clicks[b"w1:c1"]
    assert b"ann" in state_before
    system.run([erasure(), deferred("c1", 20)])
    assert b"ann" not in system.clicks[b"w1:c1"]
    assert b"bob" in system.clicks[b"w1:c1"]


def test_what_waits_for_a_click_goes_at_once_and_leaves_others_alone() -> None:
    system = network()
    system.run([deferred("c1", 10), deferred("c1", 10, customerExternalId="bob"), erasure()])
    assert [(one.reason, one.customer_external_id) for one in system.published.unmatched] == [
        ("suppressed", "ann")
    ]
    system.send(click("c1", 0))
    assert {key for _, key in system.published.customers} == {"bob"}


def test_what_the_customer_does_not_remember_is_suppressed_when_its_hold_is_over() -> None:
    """One click more than a customer remembers."""
    system = network()
    system.run([deferred(f"c{number}", 10, customerEmail=MARK) for number in range(101)])
    system.send(erasure())
    assert len(system.clicks) == 1
    assert len(system.published.unmatched) == 100
    system.advance(T0 + HOLD)
    assert system.clicks == {}
    assert [one.reason for one in system.published.unmatched] == ["suppressed"] * 101
    assert MARK.encode() not in encode(system.published.unmatched)


def test_nobody_waits_for_ever() -> None:
    """What a customer remembers of clicks that never come ends with the hold."""
    system = network()
    system.run([deferred("c1", 10), click("c2", 0, bot=True), deferred("c2", 10), lead(20)])
    assert system.customers
    system.advance(T0 + HOLD)
    assert system.customers == {}
