"""What a change of model or windows does to customers whom the worker knows already (docs/rules.md, 19)."""

from dataclasses import replace
from typing import Any, Final

import pytest
from msgspec import structs

from processors.attribution import customer_join
from processors.attribution.explaining import explain
from schemas.results import Lead, Sale
from schemas.topics import customer_key
from tests.attribution.builders import (
    CUSTOMER,
    WORKSPACE,
    click,
    deferred,
    lead,
    network,
    purchase,
)
from tests.model.simulate import Network, Record

TWO_TOUCHES: Final = [
    click("c1", 0, partnerId="p1"),
    deferred("c1", 0),
    click("c2", 0, partnerId="p2"),
    deferred("c2", 50),
]
CHANGES: Final[list[dict[str, Any]]] = [
    {"model": "last-click"},
    {"attribution_window_ms": 40},
    {"attribution_window_ms": 1},
    {"qualification_window_ms": 1},
    {"attribution_window_ms": 10_000, "qualification_window_ms": 10_000, "model": "last-click"},
]


def changed(system: Network, settings: dict[str, Any]) -> Network:
    """As its workers start again with other settings."""
    system.policy = replace(system.policy, **settings)
    return system


def known(records: list[Record]) -> Network:
    system = network()
    system.run(records)
    return system


@pytest.mark.parametrize("settings", CHANGES)
def test_a_lead_that_was_published_stays_and_goes_on_having_sales(settings: dict[str, Any]) -> None:
    system = changed(known([*TWO_TOUCHES, lead(60)]), settings)
    outputs = system.run([lead(70, "Demo"), purchase(80), purchase(90), deferred("c2", 60)])
    assert {one.event_name for one in outputs if isinstance(one, Lead)} == {"Demo"}
    assert len([one for one in outputs if isinstance(one, Sale)]) == 2
    results: list[Lead | Sale] = [*system.published.leads.values(), *system.published.sales.values()]
    assert {(one.link.partner_id, one.attribution_model, one.revision) for one in results} == {
        ("p1", "first-click", 1)
    }
    (status,) = system.published.customers.values()
    assert (status.link.partner_id, status.attribution_model) == ("p1", "first-click")


@pytest.mark.parametrize("settings", CHANGES)
def test_a_replay_under_other_settings_says_nothing(settings: dict[str, Any]) -> None:
    records = [*TWO_TOUCHES, lead(60), purchase(80)]
    assert changed(known(records), settings).run(records) == []


def test_a_late_fact_changes_a_lead_by_the_rules_of_that_lead() -> None:
    system = changed(known([*TWO_TOUCHES, lead(60)]), {"model": "last-click"})
    system.run([click("c3", -20, partnerId="p3"), deferred("c3", -10)])
    (found,) = system.published.leads.values()
    assert (found.link.partner_id, found.attribution_model, found.revision) == ("p3", "first-click", 2)


@pytest.mark.parametrize(
    ("records", "settings", "event"),
    [
        (
            [click("c1", 0), lead(150, click_id="c1")],
            {"attribution_window_ms": 200},
            lead(150, click_id="c1"),
        ),
        ([*TWO_TOUCHES, lead(300)], {"qualification_window_ms": 400}, lead(300)),
    ],
)
def test_what_a_window_kept_out_counts_when_it_is_sent_again_after_it_was_widened(
    records: list[Record], settings: dict[str, Any], event: Record
) -> None:
    system = known([*records, event])
    system.drain()
    assert not system.published.leads
    changed(system, settings).send(event)
    assert len(system.published.leads) == 1


def test_a_customer_without_a_lead_goes_by_the_settings_of_the_day() -> None:
    system = changed(known(TWO_TOUCHES), {"model": "last-click"})
    system.send(lead(60))
    (found,) = system.published.leads.values()
    assert (found.link.partner_id, found.attribution_model) == ("p2", "last-click")


def test_an_explanation_names_the_rules_that_decided() -> None:
    system = changed(known([*TWO_TOUCHES, lead(60)]), {"model": "last-click"})
    state = customer_join.load(system.customers[customer_key(WORKSPACE, CUSTOMER)])
    found = explain(WORKSPACE, CUSTOMER, state, system.policy)
    assert found.attribution_model == "first-click"
    assert [one.click_id for one in found.requests[0].candidates if one.chosen] == ["c1"]


def test_a_state_of_a_release_that_knew_no_rules_takes_those_of_the_day() -> None:
    system = known([*TWO_TOUCHES, lead(60)])
    key = customer_key(WORKSPACE, CUSTOMER)
    system.customers[key] = without_rules(system.customers[key])
    system.send(purchase(80))
    assert customer_join.load(system.customers[key]).rules is not None
    changed(system, {"model": "last-click"}).send(purchase(90))
    assert {one.link.partner_id for one in system.published.sales.values()} == {"p1"}


def without_rules(raw: bytes) -> bytes:
    """The same state without them."""
    return customer_join.dump(structs.replace(customer_join.load(raw), rules=None))
