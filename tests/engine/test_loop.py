"""The engine's own decisions, without a broker: what it commits, and what it leaves alone."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from processors.engine.batch import DueEntry, Effects
from processors.engine.commit import Transactor
from processors.engine.errors import Refused
from processors.engine.generation import Generation
from processors.engine.inbox import Chunk
from processors.engine.kafka import private
from processors.engine.loop import Engine
from processors.engine.state.memory import MemoryStore
from processors.engine.trouble import Failure, Trouble, Troubles, metadata_of
from processors.engine.watch import ProcessorFailed
from processors.kafka.placement import partition_for
from tests.engine.alone import GENERATION, Alone
from tests.engine.records import record
from tests.engine.toys import BUG, Names

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

    def __init__(self, consumer: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
        app = consumer.app
        self.engine: Engine = app.engine
        time = app.engine.current.time
        stores: Any = {(table, 0): MemoryStore(Path(table)) for table in ("first", "second")}
        processed = dict.fromkeys(SOURCES, 7)
        self.current = Generation(GENERATION, stores, processed, time, {}, Troubles(NOTES))
        app.engine.current = self.current
        self.committed: list[Effects] = []
        self.refused: Exception | None = None

        async def run(_: Transactor, effects: Effects, *__: Any) -> None:
            if self.refused is not None:
                raise self.refused
            self.committed.append(effects)

        monkeypatch.setattr(Transactor, "run", run)
        monkeypatch.setattr(private, "producer_of", lambda _: None)
        monkeypatch.setattr(consumer, "group_member", lambda _: None)

    async def batch(self, value: bytes | None, *due: DueEntry) -> None:
        """With a record of this value, if any."""
        tp = TopicPartition(NAMES("a"), 0)
        chunks = [] if value is None else [Chunk(tp, [record(tp.topic, tp.partition, 7, KEY, value)], 8)]
        self.current.uncommitted.update((chunk.tp, chunk.next_offset) for chunk in chunks)
        await self.engine._batch(self.current, chunks, due)


@pytest.fixture
def working(consumer: Alone, monkeypatch: pytest.MonkeyPatch) -> Working:
    return Working(consumer, monkeypatch)


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
    assert working.engine.current is None
    assert (working.engine.stats.superseded, working.engine.stats.fenced) == (1, 1)


async def test_stores_are_left_alone_when_a_generation_ends_in_the_middle_of_a_sweep(
    working: Working, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are closed then."""
    engine, time = working.engine, working.current.time
    ended, asked = asyncio.Event(), []

    def sweep() -> Iterator[None]:
        engine.current = None
        ended.set()
        yield

    monkeypatch.setattr(time, "sweep", sweep)
    monkeypatch.setattr(time, "round_wanted", lambda: asked.append(engine.current))
    monkeypatch.setattr(engine, "_settings", replace(engine._settings, expiry_interval_s=0.0))
    task = asyncio.create_task(engine._housekeep())
    await ended.wait()
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not asked
