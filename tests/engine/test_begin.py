"""A generation begins partition by partition, each when its state is there. What fails is tried again."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition

from processors.engine import frame, private
from processors.engine.contiguity import Fetched
from processors.engine.errors import Superseded, TopicsMismatch
from processors.engine.expiry import Timekeeper
from processors.engine.generation import Generation, start_partitions
from processors.engine.memory_store import MemoryStore
from processors.engine.records import Record
from processors.engine.stores import StateStore
from processors.kafka.connection import KafkaConnection
from processors.kafka.placement import partition_for
from tests.engine.alone import GENERATION, Alone
from tests.engine.toys import Names

NAMES = Names("t.")
PARTITIONS = 4
SOURCES = [TopicPartition(NAMES(topic), p) for topic in ("a", "b", "mid") for p in range(PARTITIONS)]


def changelog(table: str, partition: int) -> TopicPartition:
    return TopicPartition(f"t-{table}-changelog", partition)


class Reader:
    """A restore's consumer: hands out some records of each partition at a time."""

    def __init__(self, logs: Mapping[TopicPartition, int], before_fetch: Callable[[], None]) -> None:
        self._logs = logs
        self._before_fetch = before_fetch
        self._positions: dict[TopicPartition, int] = {}
        self.stopped = False

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopped = True

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, 0)

    def assign(self, tps: list[TopicPartition]) -> None:
        self._positions = dict.fromkeys(tps, 0)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._positions[tp] = offset

    def pause(self, *tps: TopicPartition) -> None: ...

    async def position(self, tp: TopicPartition) -> int:
        return self._positions[tp]

    async def getmany(self, *tps: TopicPartition, **_: Any) -> dict[TopicPartition, list[Record]]:
        await asyncio.sleep(0)
        self._before_fetch()
        found = {}
        for tp in tps:
            at = self._positions[tp]
            self._positions[tp] = end = min(at + 10, self._logs[tp])
            found[tp] = [
                Record(tp.topic, tp.partition, offset, 0, key_in(tp.partition), STORED)
                for offset in range(at, end)
            ]
        return found


STORED = frame.wrap(b"1", None, None)


def key_in(partition: int) -> bytes:
    return next(key for i in range(1000) if partition_for(key := b"k%d" % i, PARTITIONS) == partition)


class Beginning:
    """A generation that has begun, changelogs of given lengths, and what happens at each fetch of them."""

    def __init__(self, consumer: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
        self.consumer = consumer
        app = consumer.app
        self.stores: dict[tuple[str, int], StateStore] = {
            (table, p): MemoryStore(Path(f"{table}-{p}")) for table in ("first", "second") for p in range(4)
        }
        #: By table and partition.
        self.logs = {changelog(*place): 0 for place in self.stores}
        self.readers: list[Reader] = []
        self.steps: list[Callable[[], None]] = []
        stores: dict[tuple[str, int], StateStore] = {}
        time = Timekeeper(app.settings, app.processors, app.stats, stores)
        self.current = Generation(GENERATION, stores, dict.fromkeys(SOURCES, 7), time, {})
        app.engine.current = self.current
        consumer.contiguity.clear()

        async def ends(_: Any, tps: Any) -> dict[TopicPartition, int]:
            return {tp: self.logs[tp] for tp in tps}

        def reader(*_: Any, **__: Any) -> Reader:
            self.readers.append(Reader(self.logs, self._step))
            return self.readers[-1]

        monkeypatch.setattr(KafkaConnection, "consumer", reader)
        monkeypatch.setattr(private, "high_watermarks", ends)
        monkeypatch.setattr(app, "stores", lambda: self.stores)
        self.alive = True

    def _step(self) -> None:
        if self.steps:
            self.steps.pop(0)()

    async def run(self) -> None:
        await start_partitions(self.consumer.app, self.current, lambda: self.alive)

    def started(self) -> set[int]:
        """Partitions that get events; all their topics and tables do."""
        expected = {tp for tp in SOURCES if self.consumer.contiguity.wanted(tp) is not None}
        partitions = {tp.partition for tp in expected}
        assert expected == {tp for tp in SOURCES if tp.partition in partitions}
        assert self.current.stores.keys() == {place for place in self.stores if place[1] in partitions}
        return partitions


@pytest.fixture
def beginning(consumer: Alone, monkeypatch: pytest.MonkeyPatch) -> Beginning:
    return Beginning(consumer, monkeypatch)


async def test_each_partition_starts_when_its_tables_are_there(beginning: Beginning) -> None:
    """One is warm; one is short of a table for long, one of both for a while."""
    beginning.logs |= {changelog("second", 1): 45, changelog("first", 2): 15, changelog("second", 2): 25}
    seen: list[set[int]] = []
    beginning.steps = [lambda: seen.append(beginning.started())] * 10
    await beginning.run()
    assert seen == [{0, 3}, {0, 3}, {0, 3}, {0, 2, 3}, {0, 2, 3}]
    assert beginning.started() == {0, 1, 2, 3}
    assert {store.position for store in beginning.stores.values()} == {-1, 44, 14, 24}
    assert beginning.consumer.app.stats.restored == 45 + 15 + 25
    assert all(beginning.consumer.contiguity.wanted(tp) == 7 for tp in SOURCES)
    assert [reader.stopped for reader in beginning.readers] == [True]


async def test_what_has_started_works_while_others_are_restored(beginning: Beginning) -> None:
    """Its stores are the generation's; a restore that goes on later leaves them alone."""
    beginning.logs |= {changelog("first", 1): 35}

    def work() -> None:
        tp = TopicPartition(NAMES("a"), 0)
        beginning.consumer.accept(GENERATION, [Fetched(tp, 7, 9, [])], 0)
        assert beginning.consumer.contiguity.wanted(tp) == 9
        beginning.current.stores["first", 0].write({key_in(0): STORED}, 500, 0)

    def fail() -> None:
        raise KafkaConnectionError("gone")

    beginning.steps = [work, fail]
    with pytest.raises(KafkaConnectionError):
        await beginning.run()
    assert beginning.started() == {0, 2, 3}
    await beginning.run()
    assert beginning.started() == {0, 1, 2, 3}
    assert beginning.stores["first", 0].position == 500
    assert beginning.consumer.contiguity.wanted(TopicPartition(NAMES("a"), 0)) == 9
    assert beginning.consumer.app.stats.restored == 35


async def test_a_generation_that_ends_meanwhile(beginning: Beginning) -> None:
    """What came with the last fetch is not written: the store may be another's by now."""
    beginning.logs |= {changelog("first", 1): 35}
    beginning.steps = [lambda: None, lambda: setattr(beginning, "alive", False)]
    with pytest.raises(Superseded):
        await beginning.run()
    assert beginning.started() == {0, 2, 3}
    assert beginning.stores["first", 1].position == 9
    assert [reader.stopped for reader in beginning.readers] == [True]


async def test_misplaced_state_is_not_let_in(beginning: Beginning) -> None:
    beginning.stores["first", 1].write({key_in(2): STORED}, 0, 0)
    beginning.logs |= {changelog("first", 1): 1}
    with pytest.raises(TopicsMismatch):
        await beginning.run()


async def test_events_come_however_often_the_consumer_fails(
    beginning: Beginning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same generation: nobody else would try again, and the partitions would stay paused."""
    consumer, troubles = beginning.consumer, 3
    sought = asyncio.Queue[Mapping[TopicPartition, int]]()

    async def go_on_at(offsets: Mapping[TopicPartition, int]) -> None:
        nonlocal troubles
        consumer.contiguity.expect(offsets)
        if troubles:
            troubles -= 1
            raise KafkaConnectionError("no leader")
        sought.put_nowait(offsets)

    monkeypatch.setattr(consumer, "go_on_at", go_on_at)
    draining = asyncio.create_task(consumer._drain_messages(consumer))
    await beginning.run()
    assert await asyncio.wait_for(sought.get(), 10) == dict.fromkeys(SOURCES, 7)
    assert troubles == 0
    draining.cancel()
    await asyncio.gather(draining, return_exceptions=True)


async def test_the_next_beginning_ends_the_one_before(
    beginning: Beginning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dropped batch lets the same generation begin anew: two restores must not write to one store."""
    engine = beginning.consumer.app.engine
    beginning.logs |= {changelog("first", 1): 10**9}
    monkeypatch.setattr(engine, "_is_current", lambda _: True)
    begun = [Generation(GENERATION, {}, dict.fromkeys(SOURCES, 7), beginning.current.time, {}) for _ in "12"]

    async def begin(*_: Any) -> Generation:
        return begun.pop()

    monkeypatch.setattr("processors.engine.loop.begin", begin)
    for readers in (1, 2):
        await engine._begin(GENERATION)
        for _ in range(1000):  # turns of the loop, of which each fetch takes few
            await asyncio.sleep(0)
        assert len(beginning.readers) == readers
        assert beginning.stores["first", 1].position > 100 * readers
    assert [reader.stopped for reader in beginning.readers] == [True, False]
    await engine.stop()
    assert [reader.stopped for reader in beginning.readers] == [True, True]
