"""Whole workers without a broker, as slow as they may be: what arrived in time is in time."""

from collections.abc import AsyncIterator

import orjson
import pytest

from processors.attribution.policy import Policy
from processors.engine import expiry
from processors.worker.processors import ClickProcessor, CustomerProcessor
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import Topic
from tests.engine.members import Member, note_deaths, until, wait_for_no_clock
from tests.engine.memory import Broker

POLICY = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, HOUR_MS)
NAMES = {topic: topic.value for topic in Topic}
PARTITIONS = 4
PEOPLE = 40


class Site:
    """Two workers. Each fetches one record of a partition at a time."""

    def __init__(self) -> None:
        self.broker = Broker(PARTITIONS)
        self.members = [self._member(name) for name in ("w0", "w1")]

    def _member(self, name: str) -> Member:
        def clock() -> int:
            return self.broker.now_ms

        jobs = (ClickProcessor(NAMES, POLICY, clock), CustomerProcessor(NAMES, POLICY, clock))
        member = Member(self.broker, jobs, name, expiry_interval_s=0.0, max_batch=2, max_buffer=8)
        member.made(fetch=1)
        return member

    def send(self, topic: Topic, key: bytes, **fields: object) -> None:
        event = {"workspaceId": "acme", "timestamp": self.broker.now_ms, **fields}
        self.broker.send(NAMES[topic], key, orjson.dumps(event))

    def people(self, topic: Topic) -> list[str]:
        """Whom its records are of."""
        found = [orjson.loads(record.value) for record in self.broker.read(NAMES[topic])]
        return [one.get("customerExternalId") or one["customer"]["externalId"] for one in found]

    async def start(self) -> None:
        await self.broker.rebalance(*(member.group for member in self.members))
        for member in self.members:
            member.engine.start()

    async def stop(self) -> None:
        """Until they are started again, with what they have on their disks."""
        for member in self.members:
            await member.stop()
            member.made(fetch=1)


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """Of which nothing waits for a clock."""
    wait_for_no_clock(monkeypatch)
    deaths, made = note_deaths(monkeypatch), Site()
    yield made
    for member in made.members:
        await member.kill()
    assert deaths == []


async def given_up(site: Site) -> int:
    """How many qualifications lead to nothing, though their sign-ups arrived within the hold?

    They did so while no worker was there, and in the wrong topic: each has three topics to pass before it
    meets its qualification, whose hold is over when the workers are back.
    """
    for number in range(PEOPLE):
        person = {"customerExternalId": f"u{number}"}
        site.send(Topic.CLICKS, b"acme:c%d" % number, clickId=f"c{number}", linkId="l1")
        site.send(Topic.QUALIFICATIONS, b"acme:u%d" % number, eventName="Demo", **person)
    await site.start()
    await until(lambda: site.broker.lag([NAMES[Topic.CLICKS], NAMES[Topic.QUALIFICATIONS]]) == 0, "asked")
    await site.stop()
    for number in range(PEOPLE):
        event = {"clickId": f"c{number}", "eventName": "Sign Up", "mode": "deferred"}
        person = {"customerExternalId": f"u{number}"}
        site.send(Topic.QUALIFICATIONS, b"acme:u%d" % number, **person, **event)
    site.broker.now_ms += POLICY.hold_ms
    await site.start()
    await until(lambda: len({*site.people(Topic.LEADS), *site.people(Topic.UNMATCHED)}) == PEOPLE, "decided")
    return len(site.people(Topic.UNMATCHED))


async def test_a_misplaced_sign_up_is_in_time(site: Site) -> None:
    assert await given_up(site) == 0


async def test_it_would_not_be_with_fewer_rounds(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the test above proves nothing."""
    monkeypatch.setattr(expiry, "hops", lambda _: 1)
    assert await given_up(site) > 0
