"""What is listed as waiting is what is given up later, with that reason and at that time."""

from collections.abc import Sequence

import pytest
from hypothesis import given

from processors.attribution import click_join, customer_join
from processors.attribution.explanation import Waiting
from processors.attribution.policy import Policy
from processors.attribution.waiting import waiting_at_customer, waiting_for_click
from schemas.results import Unmatched
from schemas.topics import split_key
from tests.attribution.builders import (
    HOLD,
    T0,
    click,
    deferred,
    erasure,
    lead,
    network,
    purchase,
    time,
)
from tests.attribution.effort import examples
from tests.attribution.strategies import POLICIES, histories
from tests.model.simulate import Network, Record


def waiting(system: Network) -> list[tuple[str, Waiting]]:
    """In both joins, each with its workspace."""
    found: list[tuple[str, Waiting]] = []
    for key, raw in system.clicks.items():
        listed = waiting_for_click(click_join.load(raw), system.policy)
        found += [(split_key(key)[0], one) for one in listed]
    for key, raw in system.customers.items():
        workspace_id, customer = split_key(key)
        listed = waiting_at_customer(customer, customer_join.load(raw), system.policy)
        found += [(workspace_id, one) for one in listed]
    return found


def said(records: Sequence[Record]) -> list[tuple[str, str | None]]:
    system = network()
    system.run(records)
    return [(one.reason, one.click_id) for _, one in waiting(system)]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([deferred("c1", 10)], [("click_not_found", "c1")]),
        ([deferred("c1", 10), click("c1", 0)], []),
        ([lead(70)], [("no_deferred_lead", None)]),
        ([click("c1", 0), deferred("c1", 10), lead(211)], [("outside_qualification_window", None)]),
        ([purchase(10)], [("no_lead_for_purchase", None)]),
        ([deferred("c1", 10), lead(70), erasure()], []),
        # Reported when it came: nobody is to wait for it.
        ([click("c1", 0, bot=True), lead(10, click_id="c1")], []),
    ],
)
def test_what_waits_and_for_what(
    records: Sequence[Record], expected: Sequence[tuple[str, str | None]]
) -> None:
    assert said(records) == expected


def test_since_when_and_until_when() -> None:
    system = network()
    system.now_ms = T0 + 500
    system.send(deferred("c1", 10, "Sign Up"))
    ((_, found),) = waiting(system)
    assert (found.customer_external_id, found.event_name) == ("ann", "Sign Up")
    assert (found.timestamp, found.held_since, found.given_up_at) == (time(10), time(500), time(500 + HOLD))


@examples(300)
@given(POLICIES, histories())
def test_it_is_what_will_be_reported(rules: Policy, history: Sequence[Record]) -> None:
    """Of any history: nothing else, and nothing less; but of whoever was erased that it was suppressed."""
    system = Network(rules, T0)
    for number, record in enumerate(history):
        system.now_ms = T0 + number
        system.send(record)
    erased = {split_key(key) for key, raw in system.customers.items() if customer_join.load(raw).erased}
    listed = [
        (
            "suppressed" if (workspace_id, one.customer_external_id) in erased else one.reason.value,
            *(one.timestamp, one.event_name or ""),
        )
        for workspace_id, one in waiting(system)
    ]
    reported = [
        (one.reason.value, one.timestamp, one.event_name or "")
        for one in system.drain()
        if isinstance(one, Unmatched)
    ]
    assert sorted(listed) == sorted(reported)
