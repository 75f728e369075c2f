"""Whatever bytes arrive: a valid event, or one dead letter with the right reason. Never an exception.

Each input goes through the worker's processors as in the engine, states dumped and loaded again, and whatever
comes out of them through the sink's row functions.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, count, islice
from math import isfinite
from typing import Any, NamedTuple

import orjson
from aiokafka import ConsumerRecord

from processors.engine import Output, Rejected
from processors.sink.tables import TABLES
from processors.worker.processors import ClickProcessor, CustomerProcessor
from schemas.reasons import DeadLetterReason as Reason
from schemas.times import DAY_MS
from schemas.topics import Topic
from tests.poison.inputs import (
    HUGE,
    KINDS,
    NOW_MS,
    TEXTS,
    TIMESTAMPS,
    WRONG_TYPES,
    Input,
    random_inputs,
    systematic,
    written,
)
from tests.poison.oracle import judge
from tests.worker.test_processors import NAMES, POLICY

SEED = 20_261
INPUTS = 110_000

TOPICS = {name: topic for topic, name in NAMES.items()}


def record_of(topic: Topic, output: Input | Output, offset: int) -> ConsumerRecord[Any, Any]:
    key = output.key if isinstance(output, Output) else b"any key"
    timestamp = output.timestamp if isinstance(output, Input) else NOW_MS
    value = output.value
    return ConsumerRecord(
        NAMES[topic], 0, offset, timestamp, 0, key, value, None, 0, len(value or b""), output.headers
    )


def check_portable(value: bytes) -> None:
    """No name twice in an object, no number without a double: ClickHouse refuses to read either."""

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs), value
        return dict(pairs)

    def number(text: str) -> str:
        assert isfinite(float(text)), value
        return text

    json.loads(value, object_pairs_hook=members, parse_int=number, parse_float=number)


def check_rows(record: ConsumerRecord[Any, Any], topic: Topic) -> None:
    """Every table takes it, and what it stores as JSON is read by ClickHouse."""
    for table in TABLES:
        row = table.row(record) if table.topic is topic else None
        for column, value in zip(table.columns, row or (), strict=row is not None):
            if column == "metadata" or (column == "event" and topic is Topic.UNMATCHED):
                check_portable(str(value).encode())


class Outcome(NamedTuple):
    reason: Reason | None
    detail: str
    at_ms: int | None


class Worker:
    """Both processors, with dictionaries for stores."""

    def __init__(self) -> None:
        clicks = ClickProcessor(NAMES, POLICY)
        customers = CustomerProcessor(NAMES, POLICY)
        self.jobs: tuple[Any, ...] = (clicks, customers)
        self.stores: dict[str, dict[bytes, bytes]] = {job.table: {} for job in self.jobs}
        self.offsets = count()
        self.written: Counter[Topic] = Counter()

    def take(self, topic: Topic, given: Input | Output) -> Outcome:
        """As the engine does it: parse, send on what is misplaced, else apply."""
        record = record_of(topic, given, next(self.offsets))
        job = next(job for job in self.jobs if record.topic in job.topics)
        try:
            belongs, key, fact = job.parse(record, NOW_MS)
        except Rejected as rejected:
            return self._dead(record, rejected)
        if belongs != record.topic:
            return self.take(
                TOPICS[belongs], Output(belongs, key, record.value, record.headers, record.timestamp)
            )
        self._step(job, key, lambda state: job.apply(key, state, fact, NOW_MS))
        return Outcome(None, "", getattr(fact, "at_ms", None))  # news of a click has no time

    def expire(self) -> None:
        """Everything that waits is given up."""
        for job in self.jobs:
            for key, raw in list(self.stores[job.table].items()):
                if job.due(job.load(raw)) is not None:
                    self._step(job, key, partial(expired, job, key))

    def _step(self, job: Any, key: bytes, step: Any) -> None:
        store = self.stores[job.table]
        after, outputs = step(job.load(store[key]) if key in store else None)
        if after is None:
            store.pop(key, None)
        else:
            store[key] = job.dump(after)
        for output in outputs:
            self._publish(output)

    def _publish(self, output: Output) -> None:
        topic = TOPICS[output.topic]
        self.written[topic] += 1
        if output.value is not None:
            orjson.loads(output.value)
            if topic in (Topic.LEADS, Topic.SALES):
                check_portable(output.value)
        check_rows(record_of(topic, output, 0), topic)
        if topic is Topic.TOUCHES:
            assert self.take(topic, output).reason is None, output

    def _dead(self, record: ConsumerRecord[Any, Any], rejected: Rejected) -> Outcome:
        [letter] = rejected.outputs
        assert (TOPICS[letter.topic], letter.key, letter.value) == (
            Topic.DEAD_LETTERS,
            record.key,
            record.value,
        )
        check_rows(record_of(Topic.DEAD_LETTERS, letter, 0), Topic.DEAD_LETTERS)
        headers = dict(letter.headers)
        assert all(isinstance(value, bytes) for value in headers.values())
        return Outcome(Reason(headers["reason"].decode()), headers["detail"].decode(), None)


def expired(job: Any, key: bytes, state: Any) -> Any:
    return job.expire(key, state, NOW_MS + 2 * DAY_MS)


def complaint(given: Input, found: Outcome) -> str | None:
    """What is wrong with what became of an input."""
    right = judge(given.topic, given.value, given.timestamp, NOW_MS)
    if found.reason not in right.reasons:
        return f"{found.reason} ({found.detail}) instead of {set(right.reasons)}"
    if found.at_ms is not None and right.at_ms is not None and abs(found.at_ms - right.at_ms) > 1:
        return f"time {found.at_ms} instead of {right.at_ms}"
    if right.names not in found.detail:
        return f"detail {found.detail!r} does not name the {right.names}"
    if found.reason is not None and not found.detail:
        return f"{found.reason} without a detail"
    if (
        found.reason is Reason.SCHEMA_VIOLATION
        and right.fields
        and found.detail.split(":")[0] not in right.fields
    ):
        return f"detail {found.detail!r} names none of {set(right.fields)}"
    return None


def complaints(
    worker: Worker, inputs: Iterable[Input], seen: Counter[tuple[str, Reason | None]]
) -> Iterator[str]:
    for given in inputs:
        found = worker.take(given.topic, given)
        seen[given.kind, found.reason] += 1
        if wrong := complaint(given, found):
            yield f"{given.kind} in {given.topic}: {wrong}: {given.value!r:.500} {given.headers!r:.200}"


def test_every_input_is_an_event_or_a_dead_letter_with_the_right_reason() -> None:
    worker = Worker()
    seen: Counter[tuple[str, Reason | None]] = Counter()
    wrong = complaints(worker, chain(systematic(), random_inputs(SEED, INPUTS)), seen)
    assert list(islice(wrong, 10)) == []
    worker.expire()

    assert seen.total() >= 100_000
    assert {kind for kind, _ in seen} == {*KINDS, "every field"}
    by_reason = Counter[Reason | None]()
    for (_, reason), times in seen.items():
        by_reason[reason] += times
    assert min(by_reason[reason] for reason in JUDGED) > 50, by_reason
    assert min(worker.written[topic] for topic in (Topic.LEADS, Topic.SALES, Topic.UNMATCHED)) > 100, (
        "the valid ones among them meet too rarely to prove anything"
    )


JUDGED = (
    None,
    Reason.NOT_JSON,
    Reason.NOT_AN_OBJECT,
    Reason.TOO_LARGE,
    Reason.SCHEMA_VIOLATION,
    Reason.TIMESTAMP_OUT_OF_RANGE,
)


def test_foreign_records_in_touches_stop_nothing() -> None:
    """Only the click join writes there, but nothing keeps others from it."""
    clicks = Worker()
    touches: list[bytes] = []
    clicks._publish = lambda output: touches.append(output.value or b"")  # type: ignore[method-assign]
    for given in random_inputs(SEED, 20_000):
        if given.kind == "valid" and given.topic in (Topic.CLICKS, Topic.DEFERRED_LEADS):
            clicks.take(given.topic, given)
    real = [value for value in touches if b'"click":{' in value and b'"source":{' in value]
    assert len(real) > 50

    worker = Worker()
    seen: Counter[tuple[str, Reason | None]] = Counter()
    wrong = complaints(worker, spoilt_touches(real, 10_000), seen)
    assert list(islice(wrong, 10)) == []
    worker.expire()
    assert seen["touch", None] > 500
    assert seen["touch", Reason.SCHEMA_VIOLATION] > 500


def spoilt_touches(real: Sequence[bytes], times: int) -> Iterator[Input]:
    """With a value somewhere in them replaced, or some bytes."""
    rng = random.Random(SEED)
    for _ in range(times):
        value = rng.choice(real)
        if rng.random() < 0.7:
            document = orjson.loads(value)
            inner = rng.choice([document, document["click"], document["source"], document["event"]])
            inner[rng.choice(list(inner))] = rng.choice((*WRONG_TYPES, *HUGE, *TEXTS, *TIMESTAMPS))
            value = written(document).encode()
        else:
            at = rng.randrange(len(value))
            value = (
                value[:at] + rng.choice((b"", b"\x00", b"\xff", b'"', b"9")) + value[at + rng.randrange(3) :]
            )
        yield Input("touch", Topic.TOUCHES, value)
