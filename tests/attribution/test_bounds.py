"""Bounds of a state (rule 16), with limits small enough to reach."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.attribution.bounds import Bounds
from processors.attribution.policy import AttributionModel
from processors.audit.model.reference import ReferenceModel
from schemas.results import Lead, Sale
from tests.attribution.builders import T0, arrived, click, deferred, lead, policy, purchase, time
from tests.attribution.effort import examples
from tests.attribution.strategies import MODELS
from tests.model.simulate import Network, Record

SMALL = replace(policy(), bounds=Bounds(touches=2, held=3, click_held=3, leads=2, purchases=2))


def system(*records: Record) -> Network:
    """After these records."""
    started = Network(SMALL, T0)
    started.run(records)
    return started


def reasons(network: Network) -> list[str]:
    """In the order in which they were given."""
    return [one.reason.value for one in network.published.unmatched]


@examples(200)
@given(
    MODELS,
    st.lists(st.integers(0, 7), min_size=1, max_size=8, unique=True),
    st.permutations(range(16)),
)
def test_the_first_touch_and_the_latest_few_are_kept(
    model: AttributionModel, numbers: list[int], order: list[int]
) -> None:
    """In any order, as long as no touch becomes earlier after it was dropped."""
    bounded = replace(SMALL, model=model, bounds=Bounds(touches=2))
    records = [click(f"c{number}", 0) for number in numbers]
    records += [deferred(f"c{number}", 10 + number // 2) for number in numbers]
    records = [records[place] for place in order if place < len(records)] + [lead(50)]
    network = Network(bounded, T0)
    network.run(records)
    expected = ReferenceModel(bounded).compute(arrived(records))
    assert network.published.outcome().leads == expected.leads
    assert network.published.outcome().customers == expected.customers


def test_an_event_that_makes_no_touch_does_not_push_out_the_first() -> None:
    """Rule 16 speaks of touches; what is no touch must not take the place of one."""
    untracked = [click("c0", 0, trackConversion=False), deferred("c0", 1)]
    touches = [record for at in (2, 3, 4) for record in (click(f"c{at}", 0), deferred(f"c{at}", at))]
    (found,) = system(*untracked, *touches, lead(20)).published.leads.values()
    assert found.click.id == "c2"


def test_many_early_events_do_not_hide_the_one_that_makes_the_touch() -> None:
    """Events before the click's window are no part of its touch, however many there are."""
    early = [deferred("c1", -100 - number) for number in range(20)]
    found = system(click("c1", 0), *early, deferred("c1", 10), lead(20)).published.leads.values()
    assert [one.deferred_at for one in found] == [time(10)]


def test_many_lead_events_of_one_click_change_nothing_when_replayed() -> None:
    """However many of their times are kept, the choice of them settles."""
    events = [deferred("c1", at) for at in range(1, 14)]
    network = system(click("c1", 0), *events)
    states = network.states()
    for event in events:
        network.send(event)
        assert network.states() == states


@pytest.mark.parametrize("name", [one.name for one in fields(Bounds)])
def test_a_bound_is_at_least_one(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected at least 1, got 0"):
        Bounds(**{name: 0})


def test_too_many_requests_wait() -> None:
    network = system(*(lead(at, f"n{at}") for at in range(5)))
    assert reasons(network) == ["too_many_held"] * 2
    network.run([lead(0, "n0"), lead(1, "n1")])
    assert reasons(network) == ["too_many_held"] * 2, "those that wait already may be repeated"
    network.run([click("c1", 0), deferred("c1", 0)])
    assert {one.event_name for one in network.published.leads.values()} == {"n0", "n1", "n2"}


def test_too_many_lead_events_wait_for_a_click() -> None:
    network = system(*(deferred("c1", at) for at in range(5)))
    assert reasons(network) == ["too_many_held"] * 2
    network.run([deferred("c1", 0)])
    assert reasons(network) == ["too_many_held"] * 2


def test_what_need_not_wait_is_not_refused() -> None:
    """Three purchases wait for ever; a request and a purchase that are decided at once pass by them."""
    network = system(*(purchase(at, invoiceId=f"i{at}") for at in (1, 2, 3)))
    network.run([click("c1", 0), lead(10, click_id="c1"), purchase(20)])
    assert reasons(network) == []
    assert (len(network.published.leads), len(network.published.sales)) == (1, 1)


def test_too_many_leads() -> None:
    network = system(click("c1", 0), *(lead(10, name, "c1") for name in ("a", "b", "c", "A")))
    assert {one.event_name for one in network.published.leads.values()} == {"A", "b"}
    assert reasons(network) == ["too_many_held"]


def test_old_purchases_are_no_longer_revised_nor_sold_twice() -> None:
    purchases = [purchase(at, invoiceId=f"i{at}") for at in (20, 30, 40, 50)]
    network = system(click("c1", 0), lead(10, click_id="c1"), *purchases)
    assert [one.revision for one in network.published.sales.values()] == [1, 1, 1, 1]
    assert network.run(purchases) == [], "a replay of more purchases than are kept"
    outputs = network.send(deferred("c1", 5))
    assert [one.revision for one in outputs if isinstance(one, Lead)] == [2]
    assert [one.invoice_id for one in outputs if isinstance(one, Sale)] == ["i40", "i50"]


def test_sales_that_are_no_longer_kept_still_count() -> None:
    purchases = [purchase(at, invoiceId=f"i{at}") for at in (20, 30, 40, 50, 60)]
    network = system(click("c1", 0), lead(10, click_id="c1"), *purchases)
    (status,) = network.published.customers.values()
    assert status.sales == 5


def test_waiting_purchases_are_not_dropped_in_silence() -> None:
    network = system(*(purchase(at, invoiceId=f"i{at}") for at in (1, 2, 3)))
    network.drain()
    assert reasons(network) == ["no_lead_for_purchase"] * 3
