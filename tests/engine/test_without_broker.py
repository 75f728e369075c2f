"""Whole engines on topics that are lists: whatever happens to them, every record counts once.

What needs a real broker, process or disk is in ``test_exactly_once.py`` and ``test_expiry.py``.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from random import Random
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from processors.engine import generation, loop
from processors.engine.processor import Processor
from processors.engine.steps import Step
from tests.engine.members import Member, until
from tests.engine.memory import Broker
from tests.engine.sums import answers, numbered, up_to
from tests.engine.toys import Holder, Names, chain

NAMES = Names("t.")
PARTITIONS = 4
SOURCES = [NAMES(topic) for topic in ("a", "b", "mid")]
HOLD_MS = 1000


class Died(BaseException):
    """At a step."""


class Site:
    """Members of one group, each with a life after the other."""

    def __init__(
        self, deaths: list[BaseException], jobs: Callable[[], Sequence[Processor[Any, Any]]]
    ) -> None:
        self.broker = Broker(PARTITIONS)
        self.deaths = deaths
        self.members: list[Member] = []
        self._jobs = jobs

    def member(self) -> Member:
        """A new one, in no group yet."""
        self.members.append(Member(self.broker, self._jobs(), f"w{len(self.members)}", expiry_interval_s=0.0))
        return self.members[-1]

    async def work(self, *members: Member) -> None:
        """In one group, from now on."""
        await self.broker.rebalance(*(member.group for member in members))
        for member in members:
            member.engine.start()

    async def again(self, member: Member, **how: Any) -> None:
        """A new life, after a death that the group has not noticed."""
        await member.kill()
        for _ in range(5):  # what the last life has sent arrives
            await asyncio.sleep(0)
        member.made(**how)

    def load(self, events: int, dice: Random) -> None:
        for number in range(events):
            group = f"g{dice.randrange(9)}"
            topic, key = ("a", f"{group}.{dice.randrange(5)}") if number % 3 else ("b", group)
            self.broker.send(NAMES(topic), key.encode(), json.dumps({"key": key}).encode())

    async def caught_up(self, topics: Sequence[str] = SOURCES) -> None:
        await until(lambda: self.broker.lag(topics) == 0 or bool(self.deaths), "caught up")
        assert not self.deaths

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
            for member in self.members:
                if store := member.opened.get((table, partition)):
                    assert dict(store.states()) == up_to(rows, store.position)
        return merged


NewSite = Callable[[Callable[[], Sequence[Processor[Any, Any]]]], Site]


@pytest.fixture
async def new_site(deaths: list[BaseException], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NewSite]:
    """Of which nothing waits for a clock."""
    monkeypatch.setattr(loop, "_IDLE_S", 0.001)
    monkeypatch.setattr(generation, "_POLL_S", 0.0)
    sites: list[Site] = []

    def new(jobs: Callable[[], Sequence[Processor[Any, Any]]]) -> Site:
        sites.append(Site(deaths, jobs))
        return sites[-1]

    yield new
    for member in (member for site in sites for member in site.members):
        await member.kill()


@pytest.fixture
def counters(new_site: NewSite) -> Site:
    """The chain of counters."""
    return new_site(lambda: chain(NAMES))


async def test_a_group_that_changes_all_the_time(counters: Site) -> None:
    dice = Random(7)
    members = [counters.member() for _ in range(3)]
    for _ in range(12):
        counters.load(60, dice)
        await counters.work(*dice.sample(members, dice.randint(1, 3)))
        for _ in range(dice.randrange(200)):
            await asyncio.sleep(0)
    await counters.work(*members)
    await counters.caught_up()
    counters.check()


@pytest.mark.parametrize("step", Step)
async def test_deaths_at_every_step(counters: Site, step: Step) -> None:
    """Again and again, beside a worker that is well, which has taken over by the time it is back."""
    dice = Random(step)
    well, victim = counters.member(), counters.member()
    await counters.work(well)
    for nth in range(1, 6):
        left = nth

        def on_step(at: Step) -> None:
            nonlocal left
            left -= at is step
            if at is step and left <= 0:
                raise Died(step)

        await counters.again(victim, on_step=on_step, fetch=dice.randint(1, 9))
        await counters.work(well, victim)
        counters.load(120, dice)
        await until(lambda: bool(counters.deaths), f"dead at {step}")
        assert [type(death) for death in counters.deaths] == [Died]
        counters.deaths.clear()
        if nth % 2:
            await counters.broker.rebalance(well.group)
    await counters.again(victim)
    await counters.work(victim, well)
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
    counters: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused, and goes on as an ordinary member."""
    frozen, other = counters.member(), counters.member()
    thawed, reached = asyncio.Event(), asyncio.Event()
    send = frozen.producer.send

    async def wait(records: Any) -> Any:
        if records:  # not only offsets
            reached.set()
            await thawed.wait()
        return await send(records)

    monkeypatch.setattr(frozen.producer, "send", wait)
    counters.load(100, Random(1))
    await counters.work(frozen)
    await reached.wait()
    await counters.work(other)
    await counters.caught_up(SOURCES[:2])
    thawed.set()
    await until(lambda: frozen.stats.fenced > 0, "refused")
    await counters.work(frozen, other)
    counters.load(100, Random(2))
    await counters.caught_up()
    counters.check()
    assert (frozen.stats.superseded, other.stats.superseded) == (frozen.stats.fenced, 0)


async def test_a_worker_that_is_replaced_after_its_offsets(
    counters: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commit stands: the other one waits for it, and counts none of its records again."""
    frozen, other = counters.member(), counters.member()
    thawed, reached = asyncio.Event(), asyncio.Event()
    commit = frozen.producer.commit

    async def wait() -> None:
        reached.set()
        await thawed.wait()
        await commit()

    monkeypatch.setattr(frozen.producer, "commit", wait)
    counters.load(100, Random(1))
    await counters.work(frozen)
    await reached.wait()
    await counters.work(other)
    for _ in range(500):
        await asyncio.sleep(0)
    assert other.stats.batches == 0
    thawed.set()
    await counters.caught_up()
    counters.check()
    assert other.stats.stable_waits == 1


async def test_what_retention_has_taken_is_counted_and_passed(counters: Site) -> None:
    """While nobody was there, and under a worker that is far behind."""
    member = counters.member()
    counters.load(90, Random(3))
    lost = 0
    for topic in SOURCES[:2]:
        for partition in range(PARTITIONS):
            log = counters.broker.logs[TopicPartition(topic, partition)]
            counters.broker.offsets[TopicPartition(topic, partition)] = (0, "")
            log.begin = log.end // 2
            lost += log.begin
    await counters.work(member)
    await counters.caught_up()
    assert member.stats.retention_gaps == lost
    counters.check()


# --- time


@pytest.fixture
def holders(new_site: NewSite) -> Site:
    """Asks that wait for answers."""
    return new_site(lambda: [Holder(NAMES, HOLD_MS)])


ASKING = [NAMES("ask"), NAMES("answer")]


def send(site: Site, topic: str, numbers: range) -> None:
    for number in numbers:
        site.broker.send(NAMES(topic), b"k%d" % number, b"x")


def keys(site: Site, topic: str) -> list[bytes]:
    return sorted(record.key for record in site.broker.read(NAMES(topic)))


def started(member: Member) -> bool:
    """With all of its partitions."""
    current = member.generations.current
    return current is not None and current.stores.keys() == member.group.stores().keys()


async def test_what_is_due_is_given_up_once(holders: Site) -> None:
    member = holders.member()
    await holders.work(member)
    send(holders, "ask", range(100))
    await holders.caught_up(ASKING)
    send(holders, "answer", range(0, 100, 2))
    await holders.caught_up(ASKING)
    holders.broker.now_ms += HOLD_MS
    await until(lambda: len(keys(holders, "given-up")) >= 50, "given up")
    await holders.caught_up(ASKING)
    assert keys(holders, "met") == sorted(b"k%d" % i for i in range(0, 100, 2))
    assert keys(holders, "given-up") == sorted(b"k%d" % i for i in range(1, 100, 2))


async def test_an_outage_gives_nothing_up(holders: Site) -> None:
    """Answers that arrived while no worker was there count, however far the clock is ahead by then."""
    member = holders.member()
    await holders.work(member)
    send(holders, "ask", range(100))
    await holders.caught_up(ASKING)
    await holders.again(member, fetch=1)
    send(holders, "answer", range(100))
    holders.broker.now_ms += 2 * HOLD_MS
    await holders.work(member)
    await until(lambda: len(keys(holders, "met")) == 100, "met")
    await holders.caught_up(ASKING)
    assert keys(holders, "given-up") == []


async def test_time_waits_for_every_worker(holders: Site) -> None:
    """While one worker is away with unread records, another gives nothing up: they might concern it."""
    member, away = holders.member(), holders.member()
    await holders.work(member, away)
    await until(lambda: all(started(worker) for worker in holders.members), "both started")
    await holders.again(away)
    send(holders, "ask", range(40))
    holders.broker.now_ms += HOLD_MS
    await until(lambda: member.stats.events > 0, "at work")
    holders.broker.now_ms += HOLD_MS
    for _ in range(3000):
        await asyncio.sleep(0)
    assert keys(holders, "given-up") == []
    assert member.generations.current is not None
    assert member.generations.current.time.watermark.running
    await holders.work(member, away)
    await holders.caught_up(ASKING)
    holders.broker.now_ms += HOLD_MS
    await until(lambda: len(keys(holders, "given-up")) >= 40, "given up")
    await holders.caught_up(ASKING)
    assert keys(holders, "given-up") == sorted(b"k%d" % i for i in range(40))
