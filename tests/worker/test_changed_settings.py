"""State outlives the settings under which it was stored: whatever changes, nothing is orphaned."""

from dataclasses import replace
from typing import Any

import pytest

from processors.attribution.policy import Policy
from processors.worker.processors import click_retention_ms
from schemas.times import DAY_MS, HOUR_MS, SECOND_MS
from schemas.topics import Topic
from tests.engine.one_partition import Stores
from tests.worker.world import World, of_topic

POLICY = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, 6 * SECOND_MS)

CLICK = {"clickId": "c1", "linkId": "l1", "partnerId": "p1", "domain": "acme.link", "key": "go"}
DEFERRED = {"clickId": "c1", "customerExternalId": "u1", "eventName": "Sign Up", "mode": "deferred"}
WAITING = [
    pytest.param(Topic.DEFERRED_LEADS, DEFERRED, "click_not_found", id="a lead event without its click"),
    pytest.param(
        Topic.QUALIFICATIONS,
        {"customerExternalId": "u1", "eventName": "Sign Up"},
        "no_deferred_lead",
        id="a request without a touch",
    ),
    pytest.param(
        Topic.PURCHASES,
        {"customerExternalId": "u1", "amount": 100},
        "no_lead_for_purchase",
        id="a purchase without a lead",
    ),
]


@pytest.fixture
def world(stores: Stores) -> World:
    return World(stores, POLICY)


def given_up(world: World, after_ms: int) -> list[str]:
    return [one["reason"] for one in of_topic(world.pass_time(after_ms), Topic.UNMATCHED)]


@pytest.mark.parametrize("hold_s", [1, 3, 6, 9, 3600])
@pytest.mark.parametrize(("topic", "event", "reason"), WAITING)
def test_what_is_held_is_given_up_under_any_hold(
    world: World, topic: Topic, event: dict[str, Any], reason: str, hold_s: int
) -> None:
    """Once, and not before the hold of today; what was stored says when to ask."""
    world.send(topic, **event)
    world.work()
    hold_ms = hold_s * SECOND_MS
    world.start(replace(POLICY, hold_ms=hold_ms))
    assert given_up(world, max(hold_ms, POLICY.hold_ms) - 1) == []
    assert given_up(world, 1) == [reason]
    assert given_up(world, 10 * HOUR_MS) == []
    assert (world.states("clicks"), world.states("customers")) == ({}, {})


def test_a_hold_that_changes_twice(world: World) -> None:
    """Longer, then as before: what was put off meanwhile comes at the time it was put off to."""
    world.send(Topic.PURCHASES, customerExternalId="u1", amount=100)
    world.work()
    world.start(replace(POLICY, hold_ms=20 * SECOND_MS))
    assert given_up(world, 6 * SECOND_MS) == []
    world.start(POLICY)
    assert given_up(world, 14 * SECOND_MS - 1) == []
    assert given_up(world, 1) == ["no_lead_for_purchase"]


def test_a_new_event_under_the_new_hold_brings_the_old_ones_with_it(world: World) -> None:
    world.send(Topic.PURCHASES, customerExternalId="u1", amount=100, invoiceId="1")
    world.work()
    world.start(replace(POLICY, hold_ms=3 * SECOND_MS))
    world.now_ms += SECOND_MS
    world.send(Topic.PURCHASES, customerExternalId="u1", amount=100, invoiceId="2")
    world.work()
    assert len(given_up(world, 2 * SECOND_MS)) == 1
    assert len(given_up(world, SECOND_MS)) == 1


@pytest.mark.parametrize("factor", [2, 0.5])
def test_clicks_live_as_long_as_the_window_of_today(world: World, factor: float) -> None:
    """A longer window keeps what is still there, a shorter one lets it go."""
    world.send(Topic.CLICKS, **CLICK)
    world.work()
    policy = replace(POLICY, attribution_window_ms=int(factor * POLICY.attribution_window_ms))
    world.start(policy)
    world.pass_time(click_retention_ms(policy))
    list(world.time.drop())
    assert world.states("clicks").keys() == {b"acme:c1"}
    world.pass_time(click_retention_ms(policy))
    list(world.time.drop())
    assert world.states("clicks") == {}


@pytest.mark.parametrize(("window_ms", "leads"), [(DAY_MS, 0), (3 * DAY_MS, 1)])
def test_the_qualification_window_of_today_counts(world: World, window_ms: int, leads: int) -> None:
    """What is stored are facts: a touch that came under another window is seen by that of today."""
    world.send(Topic.CLICKS, **CLICK)
    world.send(Topic.DEFERRED_LEADS, **DEFERRED)
    world.pass_time(2 * DAY_MS)
    world.start(replace(POLICY, qualification_window_ms=window_ms))
    world.send(Topic.QUALIFICATIONS, customerExternalId="u1", eventName="Sign Up")
    assert len(of_topic(world.pass_time(0), Topic.LEADS)) == leads
