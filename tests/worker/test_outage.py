"""Workers that were away for long: what arrived in time finds what it needs."""

from processors.attribution.policy import Policy
from processors.worker.processors import click_retention_ms
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import Topic
from tests.engine.one_partition import Stores
from tests.worker.world import World, of_topic

POLICY = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, DAY_MS)
CLICK = {"linkId": "l1", "partnerId": "p1", "domain": "acme.link", "key": "go"}


def test_a_click_waits_for_what_arrived_while_nobody_was_there(stores: Stores) -> None:
    """A lead event on the last day of its window, and then an outage of a month."""
    world = World(stores, POLICY)
    for click in ("c1", "c2"):
        world.send(Topic.CLICKS, clickId=click, **CLICK)
    world.work()
    world.pass_time(0)
    list(world.time.drop())
    clicked_ms = world.now_ms
    world.now_ms += click_retention_ms(POLICY) - HOUR_MS
    event = {"clickId": "c1", "customerExternalId": "u1", "eventName": "Sign Up"}
    world.send(Topic.DEFERRED_LEADS, timestamp=clicked_ms + 90 * DAY_MS, **event)
    world.now_ms += 30 * DAY_MS
    world.start(POLICY)
    for _ in range(100):  # the clock alone moves, as while the worker reads a backlog of other partitions
        world.now_ms += HOUR_MS
        list(world.time.drop())
    outputs = world.pass_time(0)
    assert [one["click"]["id"] for one in of_topic(outputs, Topic.LEADS)] == ["c1"]
    assert of_topic(outputs, Topic.UNMATCHED) == []
    world.now_ms += 30 * DAY_MS
    list(world.time.drop())
    assert world.states("clicks").keys() == {b"acme:c1"}  # written again, by the event; the other one is gone
