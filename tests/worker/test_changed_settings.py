"""State outlives the settings under which it was stored: whatever changes, nothing is orphaned."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.structs import TopicPartition

from processors.attribution.policy import Policy
from processors.engine import EngineSettings, Stats
from processors.engine.batch import Computer, Effects
from processors.engine.expiry import Timekeeper
from processors.engine.inbox import Chunk
from processors.engine.memory_store import MemoryStore
from processors.engine.records import Record
from processors.engine.store import PartitionStore, new_cache
from processors.worker.dead_letters import DeadLetterLimit
from processors.worker.processors import ClickProcessor, CustomerProcessor
from schemas.times import DAY_MS, HOUR_MS, SECOND_MS
from schemas.topics import Topic

NOW = 1_780_000_000_000
NAMES = {topic: topic.value for topic in Topic}
POLICY = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, 6 * SECOND_MS)


class Worker:
    """One partition, without a broker: what a batch wants is stored at once."""

    def __init__(self, stores: dict[tuple[str, int], Any], directory: Path) -> None:
        self._stores = stores
        self._directory = directory
        self._offset = 0
        self.now_ms = NOW
        self.start(POLICY)

    def start(self, policy: Policy) -> None:
        """The next life of the worker, under this policy."""
        clock: Callable[[], int] = lambda: self.now_ms  # noqa: E731
        limit = DeadLetterLimit(0.5)
        jobs = (
            ClickProcessor(NAMES, policy, limit, clock),
            CustomerProcessor(NAMES, policy, limit, clock),
        )
        settings = EngineSettings(
            bootstrap="", application_id="w", data_dir=self._directory, partitions=1, clock=clock
        )
        self._computer = Computer(1, jobs)
        self._time = Timekeeper(settings, jobs, Stats(), self._stores)

    def send(self, topic: Topic, **fields: Any) -> Effects:
        value = orjson.dumps({"workspaceId": "acme", "timestamp": self.now_ms} | fields)
        self._offset += 1
        key = b"acme:" + str(fields.get("clickId") or fields["customerExternalId"]).encode()
        record = Record(NAMES[topic], 0, self._offset, self.now_ms, key, value)
        return self._batch([Chunk(TopicPartition(NAMES[topic], 0), [record], self._offset + 1)], [])

    def wait(self, ms: int) -> list[dict[str, Any]]:
        """What is given up when the watermark has moved on by so much."""
        self.now_ms += ms
        given_up: list[dict[str, Any]] = []
        while self._time.watermark.time_ms < self.now_ms:
            self._time.watermark.begin(self.now_ms, {})
            given_up += self._given_up(self._time.take({}))
        return given_up + self._given_up(self._time.take({}))

    def _given_up(self, due: Any) -> list[dict[str, Any]]:
        outputs = [one for outputs in self._batch([], due).outputs.values() for one in outputs]
        return [orjson.loads(one.value or b"") for one in outputs if one.topic != NAMES[Topic.CUSTOMERS]]

    def _batch(self, chunks: list[Chunk], due: Any) -> Effects:
        watermark_ms = self._time.watermark.time_ms
        effects = self._computer.compute(chunks, due, self._stores, self.now_ms, watermark_ms)
        for place, write in effects.states.items():
            self._stores[place].write(write.items, self._offset, self.now_ms, write.spent)
        return effects

    def swept(self, table: str) -> int:
        """How many states of a table are past their retention."""
        before = len(dict(self._stores[table, 0].states()))
        self._time.sweep()
        return before - len(dict(self._stores[table, 0].states()))


@pytest.fixture(params=["rocksdb", "memory"])
def worker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Worker]:
    stores: dict[tuple[str, int], Any] = {}
    for table in ("clicks", "customers"):
        path = tmp_path / f"{table}-0"
        in_memory = request.param == "memory"
        stores[table, 0] = MemoryStore(path) if in_memory else PartitionStore(path, new_cache(), NOW)
    yield Worker(stores, tmp_path)
    for store in stores.values():
        store.close()


WAITING = [
    pytest.param(
        Topic.DEFERRED_LEADS,
        {"clickId": "c1", "customerExternalId": "u1", "eventName": "Sign Up", "mode": "deferred"},
        "click_not_found",
        id="a lead event without its click",
    ),
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


@pytest.mark.parametrize("hold_s", [1, 3, 6, 9, 3600])
@pytest.mark.parametrize(("topic", "event", "reason"), WAITING)
def test_what_is_held_is_given_up_under_any_hold(
    worker: Worker, topic: Topic, event: dict[str, Any], reason: str, hold_s: int
) -> None:
    """Once, and not before the hold of today; what was stored says when to ask."""
    worker.send(topic, **event)
    hold_ms = hold_s * SECOND_MS
    worker.start(replace(POLICY, hold_ms=hold_ms))
    at_ms = max(hold_ms, POLICY.hold_ms)
    assert worker.wait(at_ms - 1) == []
    assert [one["reason"] for one in worker.wait(1)] == [reason]
    assert worker.wait(10 * HOUR_MS) == []


def test_a_hold_that_changes_twice(worker: Worker) -> None:
    """Longer, then as before: what was put off meanwhile comes at the time it was put off to."""
    worker.send(Topic.PURCHASES, customerExternalId="u1", amount=100)
    worker.start(replace(POLICY, hold_ms=20 * SECOND_MS))
    assert worker.wait(6 * SECOND_MS) == []
    worker.start(POLICY)
    assert worker.wait(13 * SECOND_MS) == []
    assert len(worker.wait(SECOND_MS)) == 1


def test_a_new_event_under_the_new_hold_brings_the_old_ones_with_it(worker: Worker) -> None:
    worker.send(Topic.PURCHASES, customerExternalId="u1", amount=100, invoiceId="1")
    worker.start(replace(POLICY, hold_ms=3 * SECOND_MS))
    worker.wait(SECOND_MS)
    worker.send(Topic.PURCHASES, customerExternalId="u1", amount=100, invoiceId="2")
    assert len(worker.wait(2 * SECOND_MS)) == 1
    assert len(worker.wait(SECOND_MS)) == 1


@pytest.mark.parametrize("factor", [2, 0.5])
def test_clicks_live_as_long_as_the_window_of_today(worker: Worker, factor: float) -> None:
    """A longer window keeps what is still there, a shorter one lets it go at the next look."""
    worker.send(Topic.CLICKS, clickId="c1", linkId="l1", partnerId="p1", domain="acme.link", key="go")
    policy = replace(POLICY, attribution_window_ms=int(factor * POLICY.attribution_window_ms))
    worker.start(policy)
    lives_ms = policy.attribution_window_ms + 2 * policy.hold_ms + DAY_MS
    worker.wait(lives_ms)
    assert worker.swept("clicks") == 0
    worker.wait(2 * SECOND_MS)
    worker.swept("clicks")
    assert worker.swept("clicks") + worker.swept("clicks") <= 1
    assert dict(worker._stores["clicks", 0].states()) == {}
