"""A contestant at work, watched from outside."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer

from bench.broker import Broker
from bench.contestants import Launch
from bench.measured import Measured
from bench.site import Site
from bench.workloads import LEADS

_INTERVAL_S: Final = 0.04
_QUIET_S: Final = 1.5
_IDLE: Final = 0.15
"""Of one CPU."""


class ContestantDied(Exception):
    """``str()`` is the end of its log."""


@dataclass(frozen=True)
class Sample:
    """``at_s`` and ``cpu_s`` since the start; ``committed`` events; ``written``: length of the log of leads,
    decided or not; ``seen``: leads that a reader has seen."""

    at_s: float
    cpu_s: float
    committed: int
    written: int
    seen: int


class Watch:
    """The contestant's processes run inside the context.

    ``reading``: read the leads as they come, from the end of what is there now, in this process.
    """

    def __init__(self, broker: Broker, site: Site, launch: Launch, *, reading: bool = True) -> None:
        self._broker = broker
        self._site = site
        self._launch = launch
        self._reading = reading
        self._reader: AIOKafkaConsumer | None = None
        self._seen = 0
        self._inputs = [full for short, full in site.names.items() if short != LEADS]
        self.processes: Sequence[Measured] = ()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            if self._reading:
                reader = self._broker.reader(self._site.names[LEADS], from_end=True)
                self._reader = await stack.enter_async_context(reader)
            self._begin = time.monotonic()
            self.processes = [
                stack.enter_context(Measured(command, self._site.directory / f"process-{number}.log"))
                for number, command in enumerate(self._launch.commands)
            ]
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def sample(self) -> Sample:
        """How far it is, after waiting a moment. Raises :class:`ContestantDied`."""
        if self._reader is None:
            await asyncio.sleep(_INTERVAL_S)
        else:
            fetched = await self._reader.getmany(timeout_ms=int(_INTERVAL_S * 1000))
            self._seen += sum(map(len, fetched.values()))
        group = self._launch.group
        committed = await self._broker.committed(group, self._inputs) if group else 0
        written = await self._broker.end(self._site.names[LEADS])
        for process in self.processes:
            if not process.alive:
                raise ContestantDied(process.complaint())
        return Sample(time.monotonic() - self._begin, self.cpu_s(), committed, written, self._seen)

    async def until(self, events: int, leads: int) -> list[Sample]:
        """Until so many events are committed and leads seen, and nothing more comes; or nothing moves.

        Ends with the last sample that shows progress. A contestant that commits no offsets has to write at
        least something. Raises :class:`ContestantDied`.
        """
        samples = [await self.sample()]
        moved = 0
        while True:
            now = await self.sample()
            samples.append(now)
            before = samples[-2]
            if (now.committed, now.written, now.seen) != (before.committed, before.written, before.seen):
                moved = len(samples) - 1
            complete = now.seen >= leads and (
                now.committed >= events if self._launch.group else now.written > 0
            )
            if now.at_s - samples[moved].at_s > (_QUIET_S if complete else self._site.patience_s):
                return samples[: moved + 1]

    async def until_idle(self) -> Sample:
        """Until it has used next to no CPU for a while. Raises :class:`ContestantDied`."""
        while True:
            before = await self.sample()
            await asyncio.sleep(_QUIET_S)
            now = await self.sample()
            if now.cpu_s - before.cpu_s < _IDLE * (now.at_s - before.at_s):
                return now

    def cpu_s(self) -> float:
        """Of all processes."""
        return sum(process.cpu_s() for process in self.processes)

    def peak_rss_bytes(self) -> int:
        """Of all processes together."""
        return sum(process.peak_rss_bytes() for process in self.processes)

    async def stop(self) -> None:
        """As an orchestrator does it."""
        for process in self.processes:
            await asyncio.to_thread(process.stop)
