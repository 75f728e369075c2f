"""An event that passes as many topics as there can be is in time if it arrived in time."""

import pytest

from processors.attribution.policy import Policy
from processors.engine.watermark import Watermark, hops
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import Topic
from tests.engine.one_partition import Stores
from tests.worker.world import World

POLICY = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, HOUR_MS)


def arrived_but_not_through(world: World, rounds: int) -> bool:
    """Does the watermark, waiting for so many rounds, pass an event while something of it is under way?

    Each round finds the world as slow as it may be: only what was there when it began is processed. The event
    is a deferred lead in the topic of qualifications, of an erased customer, without its click: it goes to
    where it belongs, its customer hears that it waits, and its click that it is to be forgotten.
    """
    world.send(Topic.ERASURES, customerExternalId="u1")
    world.pass_time(0)
    world.time.watermark = watermark = Watermark(rounds)
    event = {"clickId": "c1", "customerExternalId": "u1", "eventName": "Sign Up", "mode": "deferred"}
    arrived_ms, seen = world.now_ms, {topic: len(log) for topic, log in world.logs.items()}
    world.send(Topic.QUALIFICATIONS, **event)
    early = False
    while watermark.time_ms < arrived_ms + 10:
        ends = world.ends()
        watermark.begin(world.now_ms, ends)
        world.work(ends)
        watermark.advance(world.processed)
        under_way = world.processed != world.ends()
        early |= watermark.time_ms >= arrived_ms and under_way
        world.now_ms += 1
    passed = {topic for topic, log in world.logs.items() if len(log) > seen.get(topic, 0)}
    assert passed == {"qualifications", "deferred-leads", "touches", "click-erasures", "unmatched"}
    return early


def test_the_longest_way(stores: Stores) -> None:
    world = World(stores, POLICY)
    assert hops(world.jobs) == 4
    assert not arrived_but_not_through(world, hops(world.jobs))


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_fewer_rounds_are_too_few(stores: Stores, rounds: int) -> None:
    """Or the test above proves nothing."""
    assert arrived_but_not_through(World(stores, POLICY), rounds)
