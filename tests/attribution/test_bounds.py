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
    network = system(*(purchase(-at, invoiceId=f"i{at}") for at in (61, 62, 63)))
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


# -- what is published stays as it is ---------------------------------------------------------------------


def leads_of(network: Network) -> dict[str, tuple[str, int]]:
    """By event name: the click and the revision."""
    return {one.event_name: (one.click.id, one.revision) for one in network.published.leads.values()}


@pytest.mark.parametrize("model", ["first-click", "last-click"])
def test_later_touches_never_move_a_published_lead(model: AttributionModel) -> None:
    """The lead and its sale rest on a touch that is neither the first nor, in the end, one of the latest."""
    network = Network(replace(policy(model), bounds=Bounds(touches=2), qualification_window_ms=20), T0)
    network.run([click("a", 0), deferred("a", 0), click("b", 0), deferred("b", 10), lead(25), purchase(30)])
    assert leads_of(network) == {"Sign Up": ("b", 1)}
    for at in range(40, 60):
        network.run([click(f"c{at}", 0), deferred(f"c{at}", at)])
    assert leads_of(network) == {"Sign Up": ("b", 1)}
    assert [(one.click.id, one.revision) for one in network.published.sales.values()] == [("b", 1)]


def fifteen_leads() -> list[Record]:
    return [one for at in range(15) for one in (click(f"c{at}", 0), lead(at, f"n{at}", click_id=f"c{at}"))]


def test_every_lead_that_was_published_counts() -> None:
    network = Network(policy(), T0)
    network.run(fifteen_leads())
    (status,) = network.published.customers.values()
    assert (len(network.published.leads), status.leads) == (15, 15)
    assert leads_of(network) == {f"n{at}": (f"c{at}", 1) for at in range(15)}


def test_a_replay_of_more_leads_than_touches_are_kept_says_nothing() -> None:
    network = Network(policy(), T0)
    network.run(fifteen_leads())
    states = network.states()
    assert network.run(fifteen_leads()) == []
    assert network.states() == states


def test_a_touch_that_is_not_kept_is_still_no_event_outside_the_window() -> None:
    events = [one for at in range(20) for one in (click(f"c{at}", 0), deferred(f"c{at}", at))]
    network = system(*events)
    assert reasons(network) == []
    assert network.run(events) == []


def test_what_was_just_published_is_never_forgotten() -> None:
    """Newest first, and then a request that changes all of the sales that are kept."""
    bounds = Bounds(purchases=3, revisions=2)
    network = Network(replace(policy(), bounds=bounds), T0)
    network.run([click("c1", 0), deferred("c1", 0), lead(10, customerName="Bo")])
    network.run(purchase(at, invoiceId=f"i{at}") for at in range(90, 20, -10))
    network.send(lead(5, "Demo", customerName="Ann"))
    revisions = {one.invoice_id: one.revision for one in network.published.sales.values()}
    assert revisions == {"i90": 2, "i80": 2, "i70": 2, **{f"i{at}": 1 for at in range(60, 20, -10)}}


@pytest.mark.parametrize("bounds", [Bounds(), Bounds(purchases=1, revisions=1, old_sales=2_500)])
def test_very_many_sales_all_count_and_none_is_emitted_twice(bounds: Bounds) -> None:
    network = Network(replace(policy(), bounds=bounds), T0)
    purchases = [purchase(20 + at, invoiceId=f"i{at}") for at in range(2_200)]
    network.run([click("c1", 0), lead(10, click_id="c1"), *purchases])
    (status,) = network.published.customers.values()
    assert (len(network.published.sales), status.sales) == (2_200, 2_200)
    states = network.states()
    assert network.run(purchases) == []
    assert network.states() == states


def test_a_purchase_too_old_to_be_told_from_a_sale_is_reported_and_makes_none() -> None:
    bounds = Bounds(purchases=1, revisions=1, old_sales=2)
    network = Network(replace(policy(), bounds=bounds), T0)
    purchases = [purchase(at, invoiceId=f"i{at}") for at in range(20, 30)]
    network.run([click("c1", 0), lead(10, click_id="c1"), *purchases])
    network.run([*purchases, purchase(15, invoiceId="new")])
    assert {one.revision for one in network.published.sales.values()} == {1}
    assert len(network.published.sales) == 10
    (status,) = network.published.customers.values()
    assert status.sales == 10
    assert set(reasons(network)) == {"too_many_held"}
    told = {one.timestamp for one in network.published.unmatched}
    assert told == {time(at) for at in (15, *range(20, 27))}, "of the latest all is known"


# -- bytes ------------------------------------------------------------------------------------------------

BULK = "x" * 1_000


def test_events_that_wait_for_a_click_are_bounded_in_bytes() -> None:
    network = Network(replace(policy(), bounds=Bounds(state_bytes=5_000)), T0)
    network.run(deferred("c1", at, ignored=BULK) for at in range(10))
    assert set(reasons(network)) == {"too_many_held"}
    assert all(len(raw) < 6_000 for raw in network.clicks.values())
    kept = 10 - len(reasons(network))
    assert kept == 4, "as many as fit"
    network.run(deferred("c1", at, ignored=BULK) for at in range(kept))
    assert len(reasons(network)) == 10 - kept, "those that wait already may be repeated"


def test_events_that_wait_for_their_customer_are_bounded_in_bytes() -> None:
    network = Network(replace(policy(), bounds=Bounds(state_bytes=5_000)), T0)
    network.run(lead(at, f"n{at}", ignored=BULK) for at in range(5))
    network.run(purchase(at, invoiceId=f"i{at}", ignored=BULK) for at in range(5))
    assert reasons(network) == ["too_many_held"] * 6
    assert all(len(raw) <= 5_000 for raw in network.customers.values())


def test_sales_are_kept_for_revision_as_long_as_they_fit() -> None:
    network = Network(replace(policy(), bounds=Bounds(state_bytes=5_000)), T0)
    network.run([click("c1", 0), lead(10, click_id="c1")])
    network.run(purchase(20 + at, invoiceId=f"i{at}", metadata={"a": BULK}) for at in range(10))
    assert (len(network.published.sales), reasons(network)) == (10, [])
    outputs = network.send(deferred("c1", 5))
    revised = [one.invoice_id for one in outputs if isinstance(one, Sale)]
    assert revised == [f"i{at}" for at in range(10 - len(revised), 10)]
    assert 2 <= len(revised) <= 4, "as many as fit, or nearly so"
    assert all(len(raw) <= 5_000 for raw in network.customers.values())
