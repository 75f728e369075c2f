"""Whole workers without a broker, as slow as they may be: what arrived in time is in time."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
import pytest

from processors.attribution.policy import Policy
from processors.engine import Processor, expiry
from processors.worker.processors import ClickProcessor, CustomerProcessor
from schemas.times import DAY_MS, HOUR_MS
from schemas.topics import Topic
from tests.engine.crew import Crew, crew
from tests.engine.members import until

POLICY = Policy("first-click", 90 * DAY_MS, 365 * DAY_MS, HOUR_MS)
NAMES = {topic: topic.value for topic in Topic}
PEOPLE = 40


def joins() -> Sequence[Processor[Any, Any]]:
    return ClickProcessor(NAMES, POLICY), CustomerProcessor(NAMES, POLICY)


class Site:
    """Two workers. Each fetches one record of a partition at a time."""

    def __init__(self, made: Crew) -> None:
        self.broker = made.broker
        self._crew = made
        self._members = [made.member(max_batch=2, max_buffer=8) for _ in range(2)]

    async def start(self) -> None:
        """With what they have on their disks."""
        for member in self._members:
            await self._crew.again(member, fetch=1)
        await self._crew.work(*self._members)

    async def stop(self) -> None:
        for member in self._members:
            await member.stop()

    def send(self, topic: Topic, key: bytes, **fields: object) -> None:
        event = {"workspaceId": "acme", "timestamp": self.broker.now_ms, **fields}
        self.broker.send(NAMES[topic], key, orjson.dumps(event))

    def people(self, topic: Topic) -> list[str]:
        """Whom its records are of."""
        found = [orjson.loads(record.value) for record in self.broker.read(NAMES[topic])]
        return [result.get("customerExternalId") or result["customer"]["externalId"] for result in found]


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with crew(joins, monkeypatch) as made:
        yield Site(made)


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
