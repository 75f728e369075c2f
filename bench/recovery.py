"""How long a restarted contestant is away, and what a pending customer costs."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import w1
from bench.broker import Broker
from bench.contestants import Contestant
from bench.record import Record
from bench.site import Site
from bench.throughput import OUTPUT
from bench.verdict import Verdict, judge
from bench.watch import ContestantDied, Watch
from bench.workloads import LEADS, CustomerJoin

_PROBES: Final = 100
_SPREAD: Final = 100_000
_LONGEST_S: Final = 180.0


@dataclass(frozen=True)
class Comeback:
    """From exec until the leads of :data:`_PROBES` customers, who qualified meanwhile, are read.

    ``cpu_s``: of the process, until then."""

    seconds: float
    cpu_s: float
    peak_rss_bytes: int


@dataclass(frozen=True)
class Recovery:
    """After a stop in good order, with ``pending`` customers. *warm*: local state kept; *cold*: deleted.

    ``disk_bytes``: local state. A contestant with state in memory has none, and comes back alike.
    ``busy_us``: CPU per qualification in between, of :data:`_SPREAD` customers spread over all, or of half.
    """

    pending: int
    disk_bytes: int
    warm: Comeback
    busy_us: float
    cold: Comeback
    verdict: Verdict


async def recovery(broker: Broker, site: Site, contestant: Contestant, pending: int) -> Recovery:
    """Raises ``ContestantDied``; needs a contestant that commits offsets."""
    launch = contestant.workloads["w1"](site)
    await broker.create({site.names[LEADS]: OUTPUT, **launch.topics})
    await broker.load(
        w1.records(w1.Plan(tuple((w1.DEFERRED, who) for who in range(pending)), ())), site.names
    )
    async with Watch(broker, site, launch) as watch:
        await watch.until(pending, 0)
        await watch.stop()
    disk = sum(_size(Path(command.env["BENCH_STATE"])) for command in launch.commands)
    warm = await _comeback(broker, site, contestant, range(_PROBES))
    spread = range(2 * _PROBES, pending, max(2, pending // _SPREAD))
    busy_us = await _busy(broker, site, contestant, pending + _PROBES, spread)
    for command in launch.commands:
        shutil.rmtree(command.env["BENCH_STATE"])
    cold = await _comeback(broker, site, contestant, range(_PROBES, 2 * _PROBES))
    expected = w1.leads(w1.Plan((), (*range(2 * _PROBES), *spread)))
    values = [record.value for record in await broker.records(site.names[LEADS])]
    verdict = judge(expected, CustomerJoin.found(values))
    return Recovery(pending, disk, warm, busy_us, cold, verdict)


async def _comeback(broker: Broker, site: Site, contestant: Contestant, who: Sequence[int]) -> Comeback:
    probes = _qualifications(who)
    await broker.load(probes, site.names)
    launch = contestant.workloads["w1"](site)
    async with Watch(broker, site, launch) as watch:
        deadline = time.monotonic() + _LONGEST_S
        now = await watch.sample()
        while now.seen < len(probes):
            now = await watch.sample()
            if time.monotonic() > deadline:
                raise ContestantDied(f"not back after {_LONGEST_S:.0f} s")
        peak = watch.peak_rss_bytes()
        await watch.stop()
    return Comeback(now.at_s, now.cpu_s, peak)


async def _busy(broker: Broker, site: Site, contestant: Contestant, before: int, who: Sequence[int]) -> float:
    """Microseconds of each, once what the start and the load have left behind is done. ``before``: events
    that are done already."""
    async with Watch(broker, site, contestant.workloads["w1"](site)) as watch:
        first = await watch.until_idle()
        await broker.load(_qualifications(who), site.names)
        samples = await watch.until(before + len(who), len(who))
        await watch.stop()
    last = next((one for one in samples if one.seen >= len(who)), samples[-1])
    return (last.cpu_s - first.cpu_s) / len(who) * 1e6


def _qualifications(who: Sequence[int]) -> list[Record]:
    return list(w1.records(w1.Plan(tuple((w1.QUALIFIED, one) for one in who), ())))


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
