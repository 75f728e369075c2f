"""How long it takes from an event to its lead, at a fixed rate."""

import asyncio
import os
import pickle
import statistics
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.broker import Broker
from bench.contestants import Contestant
from bench.pacer import Pace
from bench.reader import Seen
from bench.site import Site
from bench.throughput import OUTPUT
from bench.verdict import Verdict, judge
from bench.watch import ContestantDied, Watch
from bench.workloads import LEADS, Kind, Workload
from deploy.local.process import Child
from processors.programs import isolated

_WARM_S: Final = 3.0
_POLL_S: Final = 0.1
_START_S: Final = 30.0


@dataclass(frozen=True)
class Percentiles:
    """Milliseconds from the hand-over of the event that completes a lead to the producer, until a
    read_committed reader in another process has the lead."""

    count: int
    p50: float
    p95: float
    p99: float
    longest: float

    @staticmethod
    def of(nanoseconds: Iterable[int]) -> "Percentiles":
        """Of at least two durations."""
        values = sorted(one / 1e6 for one in nanoseconds)
        cuts = statistics.quantiles(values, n=100, method="inclusive")
        return Percentiles(len(values), cuts[49], cuts[94], cuts[98], values[-1])


@dataclass(frozen=True)
class Latency:
    """One run at ``rate`` events per second, the first seconds left out.

    ``sent_rate``: what the producer achieved. ``cpu_us``: of the contestant, per event.
    """

    rate: int
    sent_rate: float
    cpu_us: float
    leads: dict[Kind, Percentiles]
    verdict: Verdict


async def latency(
    broker: Broker, site: Site, contestant: Contestant, workload: Workload, rate: int, head: int
) -> Latency:
    """The first ``head`` events are there before the contestant starts; the others come when it is done
    with them. Raises ``ContestantDied``."""
    launch = contestant.workloads[workload.name](site)
    await broker.create({site.names[LEADS]: OUTPUT, **launch.topics})
    records = list(workload.records())
    await broker.load(records[:head], site.names)
    pace = Pace(
        broker.bootstrap, broker.partitions, site.names, records[head:], rate, site.directory / "sent"
    )
    async with Watch(broker, site, launch, reading=False) as watch:
        await watch.until(head, 0)
        async with reading(site, site.names[LEADS]) as out:
            usage = await _pace(site, pace, watch)
            await watch.until(len(records), 0)
        await watch.stop()
    seen: Seen = pickle.loads(out.read_bytes())  # noqa: S301 - our own file
    verdict = judge(workload.leads(), workload.found(value for _, value in seen))
    return _figures(pace, head, workload, seen, usage, verdict)


@asynccontextmanager
async def reading(site: Site, topic: str, *, new: bool = False) -> AsyncIterator[Path]:
    """A reader that is at the end of what is there; its file is complete on exit. ``new``: without what is
    there.
    """
    out, log = site.directory / "seen", site.directory / "reader.log"
    arguments = [site.bootstrap, str(site.partitions), topic, str(out), *(["new"] if new else [])]
    with beside(site, log, "bench.reader", *arguments) as reader:
        if not await asyncio.to_thread(reader.wait_until, lambda: "ready" in log.read_text(), _START_S):
            raise ContestantDied(f"the reader did not start: {reader.log_tail()}")
        yield out
        await asyncio.to_thread(reader.stop, _START_S)


async def _pace(site: Site, pace: Pace, watch: Watch) -> list[tuple[int, float]]:
    """(monotonic nanoseconds, CPU seconds) again and again until everything is sent."""
    plan = site.directory / "pace"
    plan.write_bytes(pickle.dumps(pace))
    usage = []
    with beside(site, site.directory / "pacer.log", "bench.pacer", str(plan)) as pacer:
        while pacer.alive:
            usage.append((time.monotonic_ns(), watch.cpu_s()))
            await asyncio.sleep(_POLL_S)
        if pacer.returncode:
            raise ContestantDied(f"the producer failed: {pacer.log_tail()}")
    return usage


@contextmanager
def beside(site: Site, log: Path, *module: str) -> Iterator[Child]:
    """One of our own programs, as a process."""
    child = Child(isolated(*module), cwd=site.root, env=os.environ, log_path=log)
    try:
        yield child
    finally:
        child.kill()


def _figures(
    pace: Pace,
    head: int,
    workload: Workload,
    seen: Seen,
    usage: Sequence[tuple[int, float]],
    verdict: Verdict,
) -> Latency:
    sent = pace.sent_ns()
    from_ns, to_ns = sent[0] + int(_WARM_S * 1e9), sent[-1]
    window = [one for one in usage if from_ns <= one[0] <= to_ns]
    (cpu_from_ns, cpu_from), (cpu_to_ns, cpu_to) = window[0], window[-1]
    events = sum(cpu_from_ns <= at_ns < cpu_to_ns for at_ns in sent)
    durations: dict[Kind, list[int]] = {}
    trigger = workload.triggers()
    for at_ns, value in seen:
        index, kind = trigger(value)
        if index >= head and sent[index - head] >= from_ns:
            durations.setdefault(kind, []).append(at_ns - sent[index - head])
    return Latency(
        rate=int(pace.rate),
        sent_rate=(len(sent) - 1) / ((sent[-1] - sent[0]) / 1e9),
        cpu_us=(cpu_to - cpu_from) / events * 1e6,
        leads={kind: Percentiles.of(values) for kind, values in durations.items() if len(values) > 1},
        verdict=verdict,
    )
