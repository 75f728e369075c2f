"""The engine's own decisions, without a broker: what it commits, and what it leaves alone."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition

from processors.engine import loop
from processors.engine.effects import DueEntry, Effects
from processors.engine.errors import Refused, Unexpected
from processors.engine.expiry import Timekeeper
from processors.engine.generation import Generation
from processors.engine.inbox import Chunk
from processors.engine.state.memory import MemoryStore
from processors.engine.stores import Place, Store
from processors.engine.trouble import Failure, Trouble, Troubles, metadata_of
from processors.engine.watch import ProcessorFailed
from processors.kafka.placement import partition_for
from tests.engine.members import Member
from tests.engine.memory import Broker
from tests.engine.records import record
from tests.engine.toys import BUG, Names, chain

GENERATION = 7
NAMES = Names("t.")
SOURCES = [TopicPartition(NAMES(topic), p) for topic in ("a", "b", "mid") for p in range(4)]
#: Of a partition that has not started, and of one that has.
NOTES = {
    TopicPartition(NAMES("a"), 3): metadata_of(Trouble((Failure(7, "f" * 32, "KeyError"),))),
    TopicPartition(NAMES("a"), 0): metadata_of(Trouble(quarantined_ms=(1,))),
}
KEY = next(key for i in range(100) if partition_for(key := b"k%d" % i, 4) == 0)


class Working:
    """An engine in a generation of which partition 0 has started, and the effects that it commits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        self.member = Member(Broker(4), chain(NAMES), **settings)
        self.engine = self.member.engine
        self.member.group.generation = GENERATION
        stores: dict[Place, Store] = {(table, 0): MemoryStore(Path(table)) for table in ("first", "second")}
        time = Timekeeper(self.member.settings, self.member.jobs, self.member.stats, stores)
        processed = dict.fromkeys(SOURCES, 7)
        self.current = Generation(GENERATION, stores, processed, time, {}, Troubles(NOTES))
        self.engine.generations.current = self.current
        self.committed: list[Effects] = []
        self.refused: Exception | None = None

        async def commit(effects: Effects, *_: Any) -> None:
            if self.refused is not None:
                raise self.refused
            self.committed.append(effects)

        monkeypatch.setattr(loop, "commit", commit)

    async def batch(self, value: bytes | None, *due: DueEntry) -> None:
        """With a record of this value, if any."""
        tp = TopicPartition(NAMES("a"), 0)
        chunks = [] if value is None else [Chunk(tp, [record(tp.topic, tp.partition, 7, KEY, value)], 8)]
        self.current.uncommitted.update((chunk.tp, chunk.next_offset) for chunk in chunks)
        await self.engine._batch(self.current, chunks, due)


@pytest.fixture
async def working(monkeypatch: pytest.MonkeyPatch) -> Working:
    return Working(monkeypatch)


def told(effects: Effects) -> dict[TopicPartition, str]:
    """What is known of partitions whose offsets were committed: all else of them is forgotten."""
    assert effects.metadata.keys() <= effects.offsets.keys()
    return effects.metadata


async def test_expiries_commit_what_is_known_of_every_partition(working: Working) -> None:
    """Of those that have not started, too: their offsets are among what fences the batch."""
    await working.batch(None, DueEntry("first", 0, b"entry", 1, KEY))
    [effects] = working.committed
    assert effects.offsets == working.current.processed
    assert told(effects) == NOTES


async def test_a_batch_commits_what_is_known_of_its_own_partitions(working: Working) -> None:
    await working.batch(b'{"key": "%b"}' % KEY)
    [effects] = working.committed
    assert effects.offsets == {TopicPartition(NAMES("a"), 0): 8}
    assert told(effects) == {tp: text for tp, text in NOTES.items() if tp.partition == 0}


async def test_a_note_moves_no_offset_and_forgets_nothing(working: Working) -> None:
    with pytest.raises(ProcessorFailed):
        await working.batch(b'{"key": "%b", "id": "%b"}' % (KEY, BUG))
    [note] = working.committed
    assert note.offsets == dict.fromkeys(SOURCES, 7)
    assert (note.outputs, note.states) == ({}, {})
    tp = TopicPartition(NAMES("a"), 0)
    assert told(note).keys() == NOTES.keys()
    assert '"offset":7' in told(note)[tp]
    assert '"quarantined_ms":[1]' in told(note)[tp]


async def test_a_note_that_is_refused_ends_no_worker(working: Working) -> None:
    """The record is another worker's by now, who finds out for itself."""
    working.refused = Refused("IllegalGeneration")
    await working.batch(b'{"key": "%b", "id": "%b"}' % (KEY, BUG))
    assert working.engine.generations.current is None
    assert (working.engine.stats.superseded, working.engine.stats.fenced) == (1, 1)


async def test_stores_are_left_alone_when_a_generation_ends_in_the_middle_of_dropping(
    working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are closed then."""
    engine, time = working.engine, working.current.time
    ended, asked = asyncio.Event(), []

    def drop() -> Iterator[None]:
        engine.generations.current = None
        ended.set()
        yield

    monkeypatch.setattr(time, "drop", drop)
    monkeypatch.setattr(time, "round_wanted", lambda: asked.append(engine.generations.current))
    monkeypatch.setattr(engine, "_settings", replace(engine._settings, expiry_interval_s=0.0))
    task = asyncio.create_task(engine._housekeep())
    await ended.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not asked


async def test_a_batch_that_takes_too_long_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, deaths: list[BaseException]
) -> None:
    """Half of a rebalance timeout: after that the group would go on without us, and our stores with it."""
    working = Working(monkeypatch, rebalance_timeout_s=0.02, transaction_timeout_s=0.01)
    answered = asyncio.Event()

    async def commit(*_: Any) -> None:
        await answered.wait()

    monkeypatch.setattr(loop, "commit", commit)
    batch = asyncio.create_task(working.batch(b'{"key": "%b"}' % KEY))
    await asyncio.sleep(0)
    await working.engine.finish_batch()
    assert sorted(map(str, deaths)) == [
        "a batch took longer than 0 s",
        "the batch in flight did not finish before the rebalance deadline",
    ]
    assert all(isinstance(death, Unexpected) for death in deaths)
    answered.set()
    await batch
    await working.engine.finish_batch()
    assert len(deaths) == 2


async def test_rounds_go_on_however_often_the_broker_is_away(working: Working) -> None:
    group, time = working.member.group, working.current.time
    working.current.processed = {tp: 0 for tp in SOURCES if tp.partition == 0}
    store = working.current.stores["first", 0]
    store.write({KEY: b"\1" + (1).to_bytes(8, "big")}, 0, 0)
    group.failures = [KafkaConnectionError("away")]
    running = []
    for _ in range(2):
        await time.round(group, working.current.processed)
        running.append(time.watermark.running)
    assert running == [False, True]
    asked: list[Mapping[TopicPartition, int]] = []
    working.member.broker.offsets = dict.fromkeys(SOURCES, (0, ""))
    group.failures = [KafkaConnectionError("away")]
    for _ in range(2):
        await time.round(group, working.current.processed)
        asked.append(time.others)
    assert [len(others) for others in asked] == [0, 9]
