"""Whole engines on topics that are lists: whatever happens to them, every record counts once.

What needs a real broker, process or disk is in ``test_exactly_once.py``, time in ``test_time.py``.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from processors.engine.gaps import fetch_missing
from processors.engine.steps import Step
from tests.engine.crew import PARTITIONS, Crew, crew
from tests.engine.members import until
from tests.engine.memory import Broker
from tests.engine.memory_group import rebalance
from tests.engine.sums import answers, numbered, up_to
from tests.engine.toys import Names, chain

NAMES = Names("t.")
SOURCES = [NAMES(topic) for topic in ("a", "b", "mid")]


class Died(BaseException):
    """At a step."""


class Counters:
    """A crew of the chain of counters, and the one question: does everything add up?"""

    def __init__(self, made: Crew) -> None:
        self.crew = made
        self.broker = made.broker

    def load(self, events: int, dice: Random) -> None:
        for number in range(events):
            group = f"g{dice.randrange(9)}"
            topic, key = ("a", f"{group}.{dice.randrange(5)}") if number % 3 else ("b", group)
            self.broker.send(NAMES(topic), key.encode(), json.dumps({"key": key}).encode())

    async def caught_up(self, topics: Sequence[str] = SOURCES) -> None:
        await self.crew.caught_up(topics)

    def check(self) -> None:
        """Outputs, changelogs and stores of the chain."""
        first = Counter(self._keys("a"))
        mid = answers(record.value for record in self.broker.read(NAMES("mid")))
        assert mid == numbered(first, lambda key: key.split(".")[0])
        second = Counter(key.split(".")[0] for key in first.elements())
        second.update(self._keys("b"))
        assert answers(record.value for record in self.broker.read(NAMES("out"))) == numbered(second, str)
        for table, counts in (("first", first), ("second", second)):
            assert self._table(table) == {key.encode(): b"%d" % n for key, n in counts.items()}

    def _keys(self, topic: str) -> list[str]:
        return [record.key.decode() for record in self.broker.read(NAMES(topic))]

    def _table(self, table: str) -> dict[bytes, bytes]:
        """By its changelog, which every store is a prefix of."""
        merged: dict[bytes, bytes] = {}
        for partition in range(PARTITIONS):
            log = self.broker.logs[TopicPartition(f"t-{table}-changelog", partition)]
            rows = [(record.offset, record.key, record.value) for record in log.committed(0, log.end)[0]]
            merged |= up_to(rows, None)
            for member in self.crew.members:
                if store := member.opened.get((table, partition)):
                    assert dict(store.states()) == up_to(rows, store.position)
        return merged


@pytest.fixture
async def counters(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counters]:
    async with crew(lambda: chain(NAMES), monkeypatch) as made:
        yield Counters(made)


async def test_a_group_that_changes_all_the_time(counters: Counters) -> None:
    dice = Random(7)
    members = [counters.crew.member() for _ in range(3)]
    for _ in range(12):
        counters.load(60, dice)
        await counters.crew.work(*dice.sample(members, dice.randint(1, 3)))
        for _ in range(dice.randrange(200)):
            await asyncio.sleep(0)
    await counters.crew.work(*members)
    await counters.caught_up()
    counters.check()


@pytest.mark.parametrize("step", Step)
async def test_deaths_at_every_step(counters: Counters, step: Step) -> None:
    """Again and again, beside a worker that is well, which has taken over by the time it is back."""
    dice = Random(step)
    well, victim = counters.crew.member(), counters.crew.member()
    await counters.crew.work(well)
    for nth in range(1, 6):
        left = nth

        def on_step(at: Step) -> None:
            nonlocal left
            left -= at is step
            if at is step and left <= 0:
                raise Died(step)

        await counters.crew.again(victim, on_step=on_step, fetch=dice.randint(1, 9))
        await counters.crew.work(well, victim)
        counters.load(120, dice)
        await until(lambda: bool(counters.crew.deaths), f"dead at {step}")
        assert [type(death) for death in counters.crew.deaths] == [Died]
        counters.crew.deaths.clear()
        if nth % 2:
            await rebalance(counters.broker, well.group)
    await counters.crew.again(victim)
    await counters.crew.work(victim, well)
    await counters.caught_up()
    counters.check()
    aborted = step in (Step.SENT, Step.PRODUCED, Step.OFFSETS)
    assert (undone(counters.broker) > 0) == aborted


def undone(broker: Broker) -> int:
    """Records that a reader of what is not committed would see, and nobody else."""
    logs = broker.logs.values()
    return sum(
        sum(record is not None for record, _ in log.entries) - len(log.committed(0, log.end)[0])
        for log in logs
    )


async def test_a_worker_that_is_replaced_in_the_middle_of_a_batch(
    counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused, and goes on as an ordinary member."""
    frozen, other = counters.crew.member(), counters.crew.member()
    thawed, reached = asyncio.Event(), asyncio.Event()
    send = frozen.producer.send

    async def wait(records: Any) -> Any:
        if records:  # not only offsets
            reached.set()
            await thawed.wait()
        return await send(records)

    monkeypatch.setattr(frozen.producer, "send", wait)
    counters.load(100, Random(1))
    await counters.crew.work(frozen)
    await reached.wait()
    await counters.crew.work(other)
    await counters.caught_up(SOURCES[:2])
    thawed.set()
    await until(lambda: frozen.stats.fenced > 0, "refused")
    await counters.crew.work(frozen, other)
    counters.load(100, Random(2))
    await counters.caught_up()
    counters.check()
    assert (frozen.stats.superseded, other.stats.superseded) == (frozen.stats.fenced, 0)


async def test_a_worker_that_is_replaced_after_its_offsets(
    counters: Counters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commit stands: the other one waits for it, and counts none of its records again."""
    frozen, other = counters.crew.member(), counters.crew.member()
    thawed, reached = asyncio.Event(), asyncio.Event()
    commit = frozen.producer.commit

    async def wait() -> None:
        reached.set()
        await thawed.wait()
        await commit()

    monkeypatch.setattr(frozen.producer, "commit", wait)
    counters.load(100, Random(1))
    await counters.crew.work(frozen)
    await reached.wait()
    await counters.crew.work(other)
    for _ in range(500):
        await asyncio.sleep(0)
    assert other.stats.batches == 0
    thawed.set()
    await counters.caught_up()
    counters.check()
    assert other.stats.stable_waits == 1


async def test_what_retention_has_taken_is_counted_and_passed(counters: Counters) -> None:
    """While nobody was there, and under a worker that is far behind."""
    member = counters.crew.member()
    counters.load(90, Random(3))
    lost = 0
    for topic in SOURCES[:2]:
        for partition in range(PARTITIONS):
            log = counters.broker.logs[TopicPartition(topic, partition)]
            counters.broker.offsets[TopicPartition(topic, partition)] = (0, "")
            log.begin = log.end // 2
            lost += log.begin
    await counters.crew.work(member)
    await counters.caught_up()
    assert member.stats.retention_gaps == lost
    counters.check()


async def test_nothing_to_do_is_committed_once(counters: Counters) -> None:
    """Markers behind the last records are, at leisure; then there is nothing more to say."""
    member = counters.crew.member()
    await counters.crew.work(member)
    counters.load(20, Random(4))
    await counters.caught_up()
    batches = member.stats.batches
    await asyncio.sleep(0.02)  # many times as long as it waits for something to do
    assert member.stats.batches == batches


async def test_retention_overtakes_a_worker_that_is_behind(counters: Counters) -> None:
    """What it has not fetched by then is gone: counted, and passed."""
    member = counters.crew.member()
    tp = TopicPartition(NAMES("b"), 0)
    log = counters.broker.logs[tp]
    for _ in range(10):
        counters.broker.send(tp.topic, b"k", b"never read", tp.partition)
    await rebalance(counters.broker, member.group)
    member.intake.open(member.group.generation, {tp: 3})
    log.begin = 8
    fetching = asyncio.create_task(fetch_missing(member.group, member.intake, member.stats))
    await until(lambda: member.intake.records == 2, "fetched")
    assert (member.intake.wanted(tp), member.stats.retention_gaps) == (10, 5)
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)
