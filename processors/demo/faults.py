"""The same traffic with things going wrong."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

import orjson

from processors.demo.steps import DemoEvent
from schemas.decoding import MAX_RECORD_BYTES
from schemas.reasons import DeadLetterReason
from schemas.topics import Topic, customer_key


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What goes wrong, and how often; shares are of the events that come in.

    ``malformed_share`` and ``duplicate_share`` add records and leave every event as it was: whoever knows
    what becomes of the events knows what has to become of all of it. ``miskeyed_share`` sends events under
    another key, or to the other of the two topics of lead events. ``shuffle_window``: how many events may
    overtake one, or a few more.
    """

    malformed_share: float = 0.0
    duplicate_share: float = 0.0
    miskeyed_share: float = 0.0
    shuffle_window: int = 0


def with_faults(events: Iterable[DemoEvent], faults: Faults, seed: int) -> Iterator[DemoEvent]:
    """``events`` and what ``faults`` makes of them; equal arguments give equal answers.

    Holds no more than ``shuffle_window`` events at a time.
    """
    rng = Random(seed)
    broken = _spoiled(events, faults, rng)
    return _shuffled(broken, faults.shuffle_window, rng) if faults.shuffle_window else broken


def _spoiled(events: Iterable[DemoEvent], faults: Faults, rng: Random) -> Iterator[DemoEvent]:
    for event in events:
        yield _miskeyed(event, rng) if rng.random() < faults.miskeyed_share else event
        if rng.random() < faults.duplicate_share:
            yield event
        if rng.random() < faults.malformed_share:
            yield _malformed(event, rng)


def _shuffled(events: Iterable[DemoEvent], window: int, rng: Random) -> Iterator[DemoEvent]:
    waiting: list[DemoEvent] = []
    for event in events:
        waiting.append(event)
        if len(waiting) > window:
            place = rng.randrange(len(waiting))
            waiting[place], waiting[-1] = waiting[-1], waiting[place]
            yield waiting.pop()
    rng.shuffle(waiting)
    yield from waiting


def _miskeyed(event: DemoEvent, rng: Random) -> DemoEvent:
    """Under no key, under a foreign one, or (lead events) in the other topic."""
    way = rng.randrange(3)
    if way == 0:
        return event._replace(key=None)
    if way == 1 or event.type != "lead":
        return event._replace(key=b"somebody:else-%d" % rng.randrange(1000))
    if event.topic is Topic.QUALIFICATIONS:
        return event._replace(topic=Topic.DEFERRED_LEADS)
    body = orjson.loads(event.value)
    key = customer_key(body["workspaceId"], body["customerExternalId"])
    return event._replace(topic=Topic.QUALIFICATIONS, key=key)


def _malformed(event: DemoEvent, rng: Random) -> DemoEvent:
    return event._replace(value=rng.choice(MALFORMED)[1](event.value))


def _with(field: str, value: object) -> Callable[[bytes], bytes]:
    return lambda body: orjson.dumps({**orjson.loads(body), field: value})


def _without(field: str) -> Callable[[bytes], bytes]:
    return lambda body: orjson.dumps({k: v for k, v in orjson.loads(body).items() if k != field})


MALFORMED: Final[tuple[tuple[DeadLetterReason, Callable[[bytes], bytes]], ...]] = (
    (DeadLetterReason.NOT_JSON, lambda body: body[: len(body) // 2]),
    (DeadLetterReason.NOT_JSON, lambda body: b'{"city":"\xff\xfe",' + body[1:]),
    (DeadLetterReason.NOT_JSON, lambda _: b""),
    (DeadLetterReason.NOT_AN_OBJECT, lambda body: b"[" + body + b"]"),
    (DeadLetterReason.TOO_LARGE, lambda body: body + b" " * MAX_RECORD_BYTES),
    (DeadLetterReason.SCHEMA_VIOLATION, _without("workspaceId")),
    (DeadLetterReason.SCHEMA_VIOLATION, _with("workspaceId", "no spaces, please")),
    (DeadLetterReason.SCHEMA_VIOLATION, _with("timestamp", "yesterday")),
    (DeadLetterReason.SCHEMA_VIOLATION, _with("eventId", 42)),
    (DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, _with("timestamp", "1999-12-31T23:59:59Z")),
    (DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, _with("timestamp", 32_503_680_000_000)),
)
"""Why the system has to refuse it, and how an event becomes it."""
