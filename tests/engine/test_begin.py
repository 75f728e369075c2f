"""A generation begins partition by partition, each when its state is there. What fails is tried again."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError
from aiokafka.structs import TopicPartition

from processors.engine import frame, gaps, generation
from processors.engine.contiguity import Fetched
from processors.engine.errors import Superseded, TopicsMismatch, Unexpected
from processors.engine.expiry import Timekeeper
from processors.engine.gaps import fetch_missing
from processors.engine.generation import Generation, Generations
from processors.engine.kafka import private
from processors.engine.kafka.restore import Changelogs
from processors.engine.records import Record
from processors.kafka.connection import KafkaConnection, NoBroker
from processors.kafka.placement import partition_for
from tests.engine.members import Member
from tests.engine.memory import Broker
from tests.engine.toys import Names, chain

GENERATION = 7
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

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.member = Member(Broker(PARTITIONS), chain(NAMES))
        self.group, self.intake, self.stats = self.member.group, self.member.intake, self.member.stats
        self.group.assign(GENERATION, set(range(PARTITIONS)))
        self.stores = self.member.opened
        #: By table and partition.
        self.logs = {changelog(*place): 0 for place in self.stores}
        self.readers: list[Reader] = []
        self.steps: list[Callable[[], None]] = []
        settings, jobs = self.member.settings, self.member.jobs
        self.generations = Generations(
            settings, jobs, self.group, self.intake, Changelogs(settings, self.stats), self.stats
        )
        time = Timekeeper(settings, jobs, self.stats, {})
        self.current = Generation(GENERATION, {}, dict.fromkeys(SOURCES, 7), time, {})
        self.generations.current = self.current

        async def ends(_: Any, tps: Any) -> dict[TopicPartition, int]:
            return {tp: self.logs[tp] for tp in tps}

        def reader(*_: Any, **__: Any) -> Reader:
            self.readers.append(Reader(self.logs, self._step))
            return self.readers[-1]

        monkeypatch.setattr(KafkaConnection, "consumer", reader)
        monkeypatch.setattr(private, "high_watermarks", ends)

    def _step(self) -> None:
        if self.steps:
            self.steps.pop(0)()

    async def run(self) -> None:
        await self.generations.start_partitions(self.current)

    def started(self) -> set[int]:
        """Partitions that get events; all their topics and tables do."""
        expected = {tp for tp in SOURCES if self.intake.wanted(tp) is not None}
        partitions = {tp.partition for tp in expected}
        assert expected == {tp for tp in SOURCES if tp.partition in partitions}
        assert self.current.stores.keys() == {place for place in self.stores if place[1] in partitions}
        return partitions


@pytest.fixture
async def beginning(monkeypatch: pytest.MonkeyPatch) -> Beginning:
    return Beginning(monkeypatch)


async def test_each_partition_starts_when_its_tables_are_there(beginning: Beginning) -> None:
    """One is warm; one is short of a table for long, one of both for a while."""
    beginning.logs |= {changelog("second", 1): 45, changelog("first", 2): 15, changelog("second", 2): 25}
    seen: list[set[int]] = []
    beginning.steps = [lambda: seen.append(beginning.started())] * 10
    await beginning.run()
    assert seen == [{0, 3}, {0, 3}, {0, 3}, {0, 2, 3}, {0, 2, 3}]
    assert beginning.started() == {0, 1, 2, 3}
    assert {store.position for store in beginning.stores.values()} == {-1, 44, 14, 24}
    assert beginning.stats.restored == 45 + 15 + 25
    assert all(beginning.intake.wanted(tp) == 7 for tp in SOURCES)
    assert [reader.stopped for reader in beginning.readers] == [True]


async def test_what_has_started_works_while_others_are_restored(beginning: Beginning) -> None:
    """Its stores are the generation's; a restore that goes on later leaves them alone."""
    beginning.logs |= {changelog("first", 1): 35}

    def work() -> None:
        tp = TopicPartition(NAMES("a"), 0)
        beginning.intake.offer(GENERATION, [Fetched(tp, 7, 9, [])])
        assert beginning.intake.wanted(tp) == 9
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
    assert beginning.intake.wanted(TopicPartition(NAMES("a"), 0)) == 9
    assert beginning.stats.restored == 35


async def test_a_generation_that_ends_meanwhile(beginning: Beginning) -> None:
    """What came with the last fetch is not written: the store may be another's by now."""
    beginning.logs |= {changelog("first", 1): 35}
    beginning.steps = [lambda: None, lambda: setattr(beginning.group, "generation", -1)]
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


async def test_events_come_however_often_the_group_fails(
    beginning: Beginning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same generation: nobody else would try again, and the partitions would stay paused."""
    monkeypatch.setattr(gaps, "_RETRY_S", 0.0)
    beginning.group.failures = [KafkaConnectionError("no leader")] * 3
    sought: list[Mapping[TopicPartition, int]] = []
    monkeypatch.setattr(beginning.group, "look", lambda: None)
    seek = beginning.group.go_on_at

    async def go_on_at(offsets: Mapping[TopicPartition, int]) -> None:
        await seek(offsets)
        sought.append(offsets)

    monkeypatch.setattr(beginning.group, "go_on_at", go_on_at)
    fetching = asyncio.create_task(fetch_missing(beginning.group, beginning.intake, beginning.stats))
    await beginning.run()
    for _ in range(1000):
        await asyncio.sleep(0)
    assert sought == [dict.fromkeys(SOURCES, 7)]
    assert beginning.group.failures == []
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)


async def test_the_next_beginning_ends_the_one_before(beginning: Beginning) -> None:
    """A dropped batch lets the same generation begin anew: two restores must not write to one store."""
    generations = beginning.generations
    beginning.logs |= {changelog("first", 1): 10**9}
    for readers in (1, 2):
        await generations.begin(GENERATION)
        for _ in range(1000):  # turns of the loop, of which each fetch takes few
            await asyncio.sleep(0)
        assert len(beginning.readers) == readers
        assert beginning.stores["first", 1].position > 100 * readers
    assert [reader.stopped for reader in beginning.readers] == [True, False]
    await generations.stop()
    assert [reader.stopped for reader in beginning.readers] == [True, True]


async def test_a_beginning_that_fails_is_tried_again(
    beginning: Beginning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "_RETRY_S", 0.0)
    beginning.generations.drop()
    beginning.group.failures = [KafkaConnectionError("away"), TimeoutError()]
    assert [await beginning.generations.ready() for _ in range(3)] == [None] * 3
    current = await beginning.generations.ready()
    assert current is not None
    assert (current.number, current is beginning.current) == (GENERATION, False)
    await beginning.generations.stop()


async def test_who_has_lost_all_partitions_tells_nothing_of_them(beginning: Beginning) -> None:
    stats = beginning.stats
    stats.partitions, stats.held, stats.watermark_ms, stats.stopped = PARTITIONS, {"t": 3}, 1_000, 1
    beginning.group.assign(GENERATION + 1, set())
    await beginning.generations.begin(GENERATION + 1)
    await beginning.generations.stop()
    assert (stats.generation, stats.partitions, stats.held) == (GENERATION + 1, 0, {})
    assert (stats.watermark_ms, stats.stopped) == (0, 0)


@pytest.mark.parametrize("away", [NoBroker("no Kafka broker answers"), KafkaConnectionError("gone")])
async def test_a_restore_waits_for_a_broker_that_is_away(
    beginning: Beginning, monkeypatch: pytest.MonkeyPatch, away: Exception
) -> None:
    """Also when its consumer cannot even connect: a worker that is running does not end for that."""
    monkeypatch.setattr(generation, "_RETRY_S", 0.0)
    beginning.logs |= {changelog("first", 1): 15}
    failures = [away] * 3

    async def start(_: Reader) -> None:
        if failures:
            raise failures.pop()

    monkeypatch.setattr(Reader, "start", start)
    await beginning.generations._start_all(beginning.current)
    assert beginning.started() == {0, 1, 2, 3}
    assert beginning.stats.retries[type(away).__name__] == 3


@pytest.mark.parametrize("asked", ["offsets", "state"])
async def test_a_right_that_is_missing_is_not_waited_for(
    beginning: Beginning, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    denied = TopicAuthorizationFailedError("t-first-changelog")

    async def start(_: Reader) -> None:
        raise denied

    monkeypatch.setattr(Reader, "start", start)
    beginning.logs |= {changelog("first", 1): 15}
    current = beginning.current
    if asked == "offsets":
        beginning.generations.drop()
        beginning.group.failures = [denied]
    begun = beginning.generations.ready() if asked == "offsets" else beginning.generations._start_all(current)
    with pytest.raises(TopicAuthorizationFailedError):
        await asyncio.wait_for(begun, 10)


@pytest.mark.parametrize(
    "ended", [{"generation": 8}, {"rebalancing_since": 1.0}, {"stopping": True}, {"flowing": False}]
)
async def test_nothing_is_begun_while_there_is_no_generation(
    beginning: Beginning, ended: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one begun that ends while its offsets are asked for."""
    monkeypatch.setattr(generation, "_POLL_S", 0.0)
    monkeypatch.setattr(generation, "boottime", lambda: 2.0)
    beginning.generations.drop()
    asked = beginning.group.start_offsets

    async def start_offsets(*args: Any) -> Any:
        found = await asked(*args)
        vars(beginning.group).update(ended)
        return found

    monkeypatch.setattr(beginning.group, "start_offsets", start_offsets)
    assert await beginning.generations.ready() is None
    assert beginning.generations.current is None or ended == {"flowing": False}
    if "generation" not in ended:
        assert await beginning.generations.ready() is None
    await beginning.generations.stop()


async def test_a_rebalance_that_does_not_end(beginning: Beginning, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else would notice: the worker would be there and do nothing."""
    beginning.group.rebalancing_since = 10.0
    monkeypatch.setattr(generation, "boottime", lambda: 10.0 + beginning.member.settings.stall_timeout_s)
    assert await beginning.generations.ready() is None
    monkeypatch.setattr(generation, "boottime", lambda: 11.0 + beginning.member.settings.stall_timeout_s)
    with pytest.raises(Unexpected, match="has not ended for 121 s"):
        await beginning.generations.ready()
    beginning.group.stopping = True
    assert await beginning.generations.ready() is None


async def test_offsets_that_stay_undecided(beginning: Beginning, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hanging transaction of a former owner."""
    monkeypatch.setattr(beginning.member.broker, "undecided", lambda _: True)
    times = iter([0.0, 0.0, 119.0, 121.0])
    monkeypatch.setattr(generation, "boottime", lambda: next(times))
    with pytest.raises(Unexpected, match="hanging transaction"):
        await beginning.generations.begin(GENERATION)
