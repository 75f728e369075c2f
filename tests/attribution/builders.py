"""Events as the tests write them down: JSON records with times relative to ``T0``."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import orjson

from processors.attribution.policy import AttributionModel, Policy
from processors.audit.model.arrivals import Arrived, TopicRecord, read
from schemas.times import rfc3339
from schemas.topics import Topic
from tests.model.simulate import Network, Record

T0: Final = 1_767_225_600_000
"""2026-01-01T00:00:00Z. Times in the tests are milliseconds after it."""

ATTRIBUTION: Final = 100
QUALIFICATION: Final = 200
HOLD: Final = 50
"""Windows of the tests, in milliseconds, so that their edges are within reach of a few timestamps."""

WORKSPACE: Final = "w1"
CUSTOMER: Final = "ann"


def policy(model: AttributionModel = "first-click") -> Policy:
    """The policy of the tests."""
    return Policy(
        model=model,
        attribution_window_ms=ATTRIBUTION,
        qualification_window_ms=QUALIFICATION,
        hold_ms=HOLD,
    )


def record(topic: Topic, at: int | None, **fields: object) -> Record:
    """``at`` None: the event has no time of its own, and the record's is T0."""
    event = {"workspaceId": WORKSPACE, **fields}
    if at is not None:
        event["timestamp"] = T0 + at
    return Record(topic, orjson.dumps(event), T0 + (at or 0))


def implicit(one: Record) -> Record:
    """The same event without a time of its own: it takes the record's."""
    event = orjson.loads(one.value)
    del event["timestamp"]
    return replace(one, value=orjson.dumps(event))


def click(click_id: str, at: int | None, **fields: object) -> Record:
    """Somebody followed a link."""
    return record(Topic.CLICKS, at, clickId=click_id, **fields)


def lead(
    at: int | None, event_name: str = "Sign Up", click_id: str | None = None, **fields: object
) -> Record:
    """A lead event: a request, unless it is ``mode="deferred"``."""
    topic = Topic.DEFERRED_LEADS if click_id else Topic.QUALIFICATIONS
    named = {"eventName": event_name, "customerExternalId": CUSTOMER, "clickId": click_id}
    return record(topic, at, **(named | fields))


def deferred(click_id: str | None, at: int | None, event_name: str = "Sign Up", **fields: object) -> Record:
    """A deferred lead."""
    return lead(at, event_name, click_id, mode="deferred", **fields)


def purchase(at: int | None, **fields: object) -> Record:
    """A customer paid."""
    return record(Topic.PURCHASES, at, **({"customerExternalId": CUSTOMER, "amount": 100} | fields))


def erasure(at: int | None = 0, **fields: object) -> Record:
    """A person to forget."""
    return record(Topic.ERASURES, at, **({"customerExternalId": CUSTOMER} | fields))


def arrived(records: Iterable[Record], arrived_ms: int = T0) -> list[Arrived]:
    """The records as the model takes them, all at once."""
    return [read(TopicRecord(one.topic, one.value, one.timestamp), arrived_ms) for one in records]


def network(model: AttributionModel = "first-click", *, touches_wait: bool = False) -> Network:
    """Both joins with nothing in them yet."""
    return Network(policy(model), T0, touches_wait=touches_wait)


def time(at: int) -> str:
    """As it is published."""
    return rfc3339(T0 + at)
