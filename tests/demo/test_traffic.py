"""The demo traffic: believable, bounded, and the same for the same arguments."""

import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import orjson
import pytest

from processors.demo import DemoEvent, generate, protagonist
from schemas.decoding import decode_click, decode_lead_event, decode_purchase
from schemas.events import AnyEvent, LeadEvent
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import Topic

NOW_MS = 1_764_000_000_000
DECODERS: dict[str, Callable[[bytes, int, int], tuple[AnyEvent, int]]] = {
    "click": decode_click,
    "lead": decode_lead_event,
    "purchase": decode_purchase,
}


def traffic(size: int = 30_000, seed: int = 1, now_ms: int = NOW_MS, days: int = 30) -> Iterator[DemoEvent]:
    return generate(size, seed, now_ms, days)


def time_of(event: DemoEvent) -> int:
    return DECODERS[event.type](event.value, -1, NOW_MS)[1]


def test_same_arguments_same_events() -> None:
    assert list(traffic(3_000)) == list(traffic(3_000))


@pytest.mark.parametrize("other", [{"seed": 2}, {"size": 29_999}, {"now_ms": NOW_MS + 1}, {"days": 29}])
def test_other_arguments_other_events(other: dict[str, int]) -> None:
    """Or else traffic of two runs on the same data would be in each other's way."""
    keys = {event.key for event in traffic()}
    assert keys.isdisjoint(event.key for event in traffic(**other))


@pytest.mark.parametrize("size", [0, 1, 999, 30_000])
def test_exactly_as_many_as_asked_for(size: int) -> None:
    assert sum(1 for _ in traffic(size)) == size


def test_ratios() -> None:
    """About 100 clicks : 12 deferred : 6 qualifications : 2 purchases."""
    counts = Counter(event.topic for event in traffic(100_000))
    clicks = counts[Topic.CLICKS]
    assert 0.11 < counts[Topic.DEFERRED_LEADS] / clicks < 0.13
    assert 0.055 < counts[Topic.QUALIFICATIONS] / clicks < 0.07
    assert 0.015 < counts[Topic.PURCHASES] / clicks < 0.03


def test_every_event_is_valid_and_in_its_place() -> None:
    for event in traffic():
        body, _ = DECODERS[event.type](event.value, -1, NOW_MS)
        assert event.key == body.topic_key()
        if isinstance(body, LeadEvent):
            assert event.topic is (Topic.DEFERRED_LEADS if body.click_id else Topic.QUALIFICATIONS)
        assert orjson.loads(event.value)["type"] == event.type


def test_times_lie_within_the_days_asked_for() -> None:
    times = [time_of(event) for event in traffic(days=3)]
    assert NOW_MS - 3 * DAY_MS <= min(times) < NOW_MS - 2.9 * DAY_MS
    assert NOW_MS - HOUR_MS < max(times) <= NOW_MS


def test_order_is_roughly_that_of_time() -> None:
    times = [time_of(event) for event in traffic()]
    backwards = sum(after < before for before, after in pairwise(times))
    assert 0.005 < backwards / len(times) < 0.3
    far_behind = sum(after < before - DAY_MS for before, after in pairwise(times))
    assert far_behind / len(times) < 0.01


def test_more_happens_by_day_than_by_night() -> None:
    hours = Counter(time_of(event) % DAY_MS // HOUR_MS for event in traffic() if event.type == "click")
    assert hours[14] > 3 * hours[2]


def test_what_makes_attribution_hard_is_in_it() -> None:
    events = [(event, orjson.loads(event.value)) for event in traffic()]
    values = Counter(event.value for event, _ in events)
    assert any(count > 1 for count in values.values()), "retries"
    assert any(body.get("bot") for _, body in events)
    assert any(body.get("trackConversion") is False for _, body in events)

    clicks_of: dict[tuple[str, str], set[str]] = {}
    customers: dict[str, set[str]] = {"acme": set(), "globex": set()}
    early, seen = 0, set()
    for _, body in events:
        if body["type"] != "lead":
            continue
        customer = body["workspaceId"], body["customerExternalId"]
        customers[customer[0]].add(customer[1])
        if body["clickId"]:
            clicks_of.setdefault(customer, set()).add(body["clickId"])
            seen.add(customer)
        else:
            early += customer not in seen
    assert any(len(clicks) > 1 for clicks in clicks_of.values()), "competing clicks"
    assert early > 10, "qualifications before their deferred event, or without any"
    assert customers["acme"] & customers["globex"], "the same id in both workspaces"


def test_memory_does_not_grow_with_the_traffic() -> None:
    def peak(size: int) -> int:
        tracemalloc.start()
        for _ in traffic(size):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(10_000), peak(60_000)
    assert many - few < 50_000 * 40


def test_one_person_goes_all_the_way() -> None:
    """In Amsterdam, twelve minutes later, two days later, and pays: all of it once, and before it ends."""
    person = protagonist(30_000, 1, NOW_MS, 30)
    theirs = [
        event
        for event in traffic()
        if (body := orjson.loads(event.value)).get("customerExternalId") == person
        or body.get("city") == "Amsterdam"
    ]
    bodies = [orjson.loads(one.value) for one in theirs]
    [sign_up] = [one for one in bodies if one.get("mode") == "deferred"]
    [click] = [one for one in bodies if one["type"] == "click" and one["clickId"] == sign_up["clickId"]]
    own = [event for event, body in zip(theirs, bodies, strict=True) if body in (click, sign_up)]
    own += [event for event, body in zip(theirs, bodies, strict=True) if body.get("clickId") == ""]
    own += [event for event in theirs if event.type == "purchase"]
    clicked, signed_up, qualified, paid = dict.fromkeys(map(time_of, own))
    assert signed_up - clicked == 12 * 60_000
    assert 2 * DAY_MS <= qualified - clicked < 3 * DAY_MS
    assert qualified < paid <= NOW_MS
    assert click["trackConversion"]
    assert click["partnerId"]
