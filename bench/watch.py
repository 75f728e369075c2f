"""Watching a contestant from outside while it works through what was loaded."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from bench.broker import Broker
from bench.contestants import Launch
from bench.measured import Measured
from bench.site import Site

_INTERVAL_S: Final = 0.04
_QUIET_S: Final = 1.5
_STALL_S: Final = 40.0


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


@dataclass(frozen=True)
class Watched:
    """``samples`` up to the last one that showed progress; the leads, as they were read in the end."""

    samples: Sequence[Sample]
    peak_rss_bytes: int
    leads: Sequence[bytes]


async def watch(broker: Broker, site: Site, launch: Launch, events: int, leads: int) -> Watched:
    """Start it, and wait until it has done ``events`` events and ``leads`` leads, or makes no progress.

    Raises :class:`ContestantDied`.
    """
    with ExitStack() as stack:
        begin = time.monotonic()
        processes = [
            stack.enter_context(Measured(command, site.directory / f"process-{number}.log"))
            for number, command in enumerate(launch.commands)
        ]
        samples = await _samples(broker, site, launch, processes, begin, (events, leads))
        peak = sum(process.peak_rss_bytes() for process in processes)
        for process in processes:
            await asyncio.to_thread(process.stop)
    values = [record.value for record in await broker.records(site.names["leads"])]
    return Watched(samples, peak, values)


async def _samples(
    broker: Broker,
    site: Site,
    launch: Launch,
    processes: Sequence[Measured],
    begin: float,
    goal: tuple[int, int],
) -> list[Sample]:
    inputs = [full for short, full in site.names.items() if short != "leads"]
    events, leads = goal
    samples: list[Sample] = []
    moved = 0
    seen = 0
    async with broker.reader(site.names["leads"]) as reader:
        while True:
            fetched = await reader.getmany(timeout_ms=int(_INTERVAL_S * 1000))
            seen += sum(map(len, fetched.values()))
            committed = await broker.committed(launch.group, inputs) if launch.group else 0
            written = await broker.end(site.names["leads"])
            cpu = sum(process.cpu_s() for process in processes)
            now = Sample(time.monotonic() - begin, cpu, committed, written, seen)
            if samples and (now.committed, now.seen) != (samples[-1].committed, samples[-1].seen):
                moved = len(samples)
            samples.append(now)
            for process in processes:
                if not process.alive:
                    raise ContestantDied(process.complaint())
            quiet = now.at_s - samples[moved].at_s
            complete = seen >= leads and (committed >= events or not launch.group)
            if quiet > (_QUIET_S if complete else _STALL_S):
                return samples[: moved + 1]
