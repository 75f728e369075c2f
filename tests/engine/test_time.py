"""Time as far as the input goes, in whole engines on topics that are lists: late rather than early.

What needs a real broker, process or disk is in ``test_expiry.py``.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.engine.crew import Crew, crew
from tests.engine.members import Member, until
from tests.engine.toys import Holder, Names

NAMES = Names("t.")
HOLD_MS = 1000


@pytest.fixture
async def holders(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crew]:
    """Asks that wait for answers."""
    async with crew(lambda: [Holder(NAMES, HOLD_MS)], monkeypatch) as made:
        yield made


ASKING = [NAMES("ask"), NAMES("answer")]


def send(site: Crew, topic: str, numbers: range) -> None:
    for number in numbers:
        site.broker.send(NAMES(topic), b"k%d" % number, b"x")


def keys(site: Crew, topic: str) -> list[bytes]:
    return sorted(record.key for record in site.broker.read(NAMES(topic)))


def started(member: Member) -> bool:
    """With all of its partitions."""
    current = member.generations.current
    return current is not None and current.stores.keys() == member.group.stores().keys()


async def test_what_is_due_is_given_up_once(holders: Crew) -> None:
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


async def test_an_outage_gives_nothing_up(holders: Crew) -> None:
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


async def test_time_waits_for_every_worker(holders: Crew) -> None:
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
