"""Workers without a broker: an engine on :mod:`.memory`, alone in its hands or at work."""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import pytest

from processors.engine import EngineSettings, Stats, exits, generation, loop
from processors.engine.generation import Generations
from processors.engine.intake import Intake
from processors.engine.loop import Engine
from processors.engine.processor import Processor
from processors.engine.state.memory import MemoryStore
from processors.engine.steps import OnStep, ignore
from processors.engine.stores import Place, Store
from tests.engine.memory import Broker, MemoryProducer
from tests.engine.memory_group import MemoryChangelogs, MemoryGroup

APPLICATION = "t"


def settings_of(broker: Broker, **others: Any) -> EngineSettings:
    """With the broker's clock."""
    named = {"max_batch": 20, "max_buffer": 60, "expiry_interval_s": 0.001, **others}
    return EngineSettings(
        bootstrap="nowhere:1",
        application_id=APPLICATION,
        data_dir=Path("nowhere"),
        partitions=broker.partitions,
        clock=lambda: broker.now_ms,
        **named,
    )


class Member:
    """A worker slot: its name and its stores outlive its lives."""

    def __init__(
        self, broker: Broker, jobs: Sequence[Processor[Any, Any]], name: str = "w0", **settings: Any
    ) -> None:
        self.broker = broker
        self.jobs = jobs
        self.name = name
        self.settings = settings_of(broker, **settings)
        self.opened: dict[Place, MemoryStore] = {}
        self.made()

    def made(self, on_step: OnStep = ignore, fetch: int = 7) -> Engine:
        """A new life, in no group yet."""
        settings, jobs = self.settings, self.jobs
        self.stats = Stats()
        inner = frozenset(topic for job in jobs for topic in job.inner)
        topics = [topic for job in jobs for topic in job.topics]
        self.intake = Intake(settings.max_buffer, inner, self.stats)
        self.group = MemoryGroup(
            self.broker, self.name, topics, self.intake, settings.max_buffer, fetch, self._open
        )
        self.producer = MemoryProducer(self.broker, self.name)
        self.engine = Engine(
            settings,
            jobs,
            group=self.group,
            producer=lambda: self.producer,
            intake=self.intake,
            restore=MemoryChangelogs(self.broker),
            stats=self.stats,
            on_step=on_step,
        )
        self.group.engine = self.engine
        return self.engine

    @property
    def generations(self) -> Generations:
        return self.engine.generations

    async def kill(self) -> None:
        """At once: what is open stays open, and the group does not know."""
        self.group.flowing = False
        await self.engine.stop()

    async def stop(self) -> None:
        """In good order, but for leaving the group."""
        await self.group.revoke()
        await self.engine.stop()

    def _open(self, partitions: Set[int]) -> Mapping[Place, Store]:
        for place in [place for place in self.opened if place[1] not in partitions]:
            self.opened.pop(place).close()
        for job in self.jobs:
            for partition in partitions:
                path = Path(f"{job.table}-{partition}")
                self.opened.setdefault((job.table, partition), MemoryStore(path))
        return dict(self.opened)


async def until(condition: Callable[[], bool], what: str, turns: int = 100_000) -> None:
    """Give way to the loop until it holds."""
    for _ in range(turns):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError(f"not {what} after {turns} turns of the loop")


def note_deaths(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What would have ended the process, from now on."""
    reasons: list[BaseException] = []
    for module in (exits, loop):
        monkeypatch.setattr(module, "die", reasons.append)
    return reasons


def wait_for_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines do at once what they would do at leisure."""
    monkeypatch.setattr(loop, "_IDLE_S", 0.001)
    monkeypatch.setattr(generation, "_POLL_S", 0.0)
