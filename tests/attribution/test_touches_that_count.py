"""What a customer's document says of its touches (rule 13)."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.attribution.bounds import Bounds
from processors.attribution.policy import AttributionModel
from processors.audit.model.reference import ReferenceModel
from schemas.results import Customer
from tests.attribution.builders import (
    CUSTOMER,
    QUALIFICATION,
    T0,
    WORKSPACE,
    arrived,
    click,
    deferred,
    lead,
    network,
    policy,
    purchase,
    time,
)
from tests.attribution.effort import examples
from tests.attribution.strategies import MODELS
from tests.model.simulate import Network, Record


def touch(click_id: str, at: int, **fields: object) -> list[Record]:
    return [click(click_id, at - 1, **fields), deferred(click_id, at)]


def named(status: Customer) -> list[str]:
    return [one.click_id for one in status.touches]


def emitted(system: Network, records: Sequence[Record]) -> list[Customer]:
    return [one for one in system.run(records) if isinstance(one, Customer)]


def test_one_touch_is_said_once() -> None:
    [status] = emitted(network(), touch("a", 10))
    assert (status.click.id, status.touches) == ("a", ())


def test_a_pending_customer_is_emitted_again_with_each_touch() -> None:
    system = network()
    [_, status] = emitted(system, [*touch("b", 20), *touch("a", 30, linkId="l", partnerId="p")])
    assert status.click.id == "b"
    assert [(one.click_id, one.click_timestamp, one.deferred_at, one.link_id) for one in status.touches] == [
        ("b", time(19), time(20), None),
        ("a", time(29), time(30), "l"),
    ]
    assert (status.touches[1].partner_id, status.touches[1].program_id) == ("p", None)
    assert emitted(system, [deferred("a", 40)]) == [], "of one click the first sign-up counts"


def test_what_comes_after_the_last_lead_is_no_news_until_there_is_another() -> None:
    system = network()
    emitted(system, [*touch("a", 10), *touch("b", 20), lead(30)])
    assert emitted(system, touch("c", 40)) == []
    [paid] = emitted(system, [purchase(45)])
    assert named(paid) == ["a", "b"]
    [again] = emitted(system, [lead(50, "Demo")])
    assert named(again) == ["a", "b", "c"]


def test_a_touch_before_the_qualification_window_of_every_lead_does_not_count() -> None:
    [*_, status] = emitted(network(), [*touch("a", 10), *touch("b", 30), lead(10 + QUALIFICATION + 1)])
    assert (named(status), status.click.id) == (["b"], "a")


@pytest.mark.parametrize("model", ["first-click", "last-click"])
def test_a_lead_keeps_the_touch_that_came_after_it(model: AttributionModel) -> None:
    """There is none before it."""
    [*_, status] = emitted(network(model), [lead(10), *touch("a", 20), *touch("b", 30)])
    assert [one.click_id for one in status.touches] or status.click.id == "a"
    assert set(named(status)) <= {"a"}


def test_of_too_many_the_first_and_the_latest_are_named() -> None:
    few = replace(policy(), bounds=Bounds(published_touches=3))
    records = [one for at in range(1, 6) for one in touch(f"c{at}", at)]
    [*_, status] = emitted(Network(few, T0), records)
    assert named(status) == ["c1", "c4", "c5"]


@examples(200)
@given(
    MODELS,
    st.builds(Bounds, touches=st.integers(1, 4), published_touches=st.integers(1, 5)),
    st.lists(st.integers(1, 40), min_size=1, max_size=8),
    st.lists(st.integers(10, 60), max_size=2),
    st.data(),
)
def test_any_order_of_arrival_ends_in_the_same_touches(
    model: AttributionModel, bounds: Bounds, signed_up: list[int], asked: list[int], data: st.DataObject
) -> None:
    """And in those of the reference model."""
    rules = replace(policy(model), bounds=bounds)
    records = [one for number, at in enumerate(signed_up) for one in touch(f"c{number}", at)]
    records += [lead(at, f"Step {number}") for number, at in enumerate(asked)]
    expected = ReferenceModel(rules).compute(arrived(records))
    system = Network(rules, T0)
    system.run(data.draw(st.permutations(records)))
    if not expected.contested:
        assert system.published.customers == expected.customers
        assert len(system.published.customers[WORKSPACE, CUSTOMER].touches) <= bounds.published_touches
