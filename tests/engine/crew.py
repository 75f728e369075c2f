"""Several workers at work, without a broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from processors.engine.processor import Processor
from tests.engine.members import Member, note_deaths, until, wait_for_no_clock
from tests.engine.memory import Broker
from tests.engine.memory_group import rebalance

PARTITIONS = 4

Jobs = Callable[[], Sequence[Processor[Any, Any]]]
"""Made anew for each member."""


class Crew:
    """Members of one group, each with a life after the other."""

    def __init__(self, jobs: Jobs, deaths: list[BaseException]) -> None:
        """``deaths``: of engines, as they come."""
        self.broker = Broker(PARTITIONS)
        self.deaths = deaths
        self.members: list[Member] = []
        self._jobs = jobs

    def member(self, **settings: Any) -> Member:
        """A new one, in no group yet."""
        name = f"w{len(self.members)}"
        self.members.append(Member(self.broker, self._jobs(), name, expiry_interval_s=0.0, **settings))
        return self.members[-1]

    async def work(self, *members: Member) -> None:
        """In one group, from now on."""
        await rebalance(self.broker, *(member.group for member in members))
        for member in members:
            member.engine.start()

    async def again(self, member: Member, **how: Any) -> None:
        """A new life, after a death that the group has not noticed."""
        await member.kill()
        for _ in range(5):  # what the last life has sent arrives
            await asyncio.sleep(0)
        member.made(**how)

    async def caught_up(self, topics: Sequence[str]) -> None:
        """All that is there is committed; nobody has died."""
        await until(lambda: self.broker.lag(topics) == 0 or bool(self.deaths), "caught up")
        assert not self.deaths


@asynccontextmanager
async def crew(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crew]:
    """For which nothing waits for a clock. All of them are killed in the end."""
    wait_for_no_clock(monkeypatch)
    made = Crew(jobs, note_deaths(monkeypatch))
    yield made
    for member in made.members:
        await member.kill()
    assert made.deaths == []
