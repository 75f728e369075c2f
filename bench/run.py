"""The whole bench: which runs, in which order, and what is kept of each."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from bench import w1
from bench.broker import Broker, connected
from bench.contestants import Contestant
from bench.latency import Latency, latency
from bench.site import Site, run_id
from bench.throughput import Throughput, throughput
from bench.watch import ContestantDied
from bench.workloads import LEADS, CustomerJoin, Pipeline, Workload

Measure = Literal["throughput", "latency"]
Figures = Throughput | Latency

_HEAD: Final = 4_000
"""Events that are there before a fixed rate begins."""
_DEFERRED_BEFORE_S: Final = 0.5


@dataclass(frozen=True)
class Sizes:
    """How much of everything. ``seconds``: of a fixed rate."""

    runs: int
    customers: int
    events: int
    rates: tuple[int, ...]
    seconds: int


FULL: Final = Sizes(
    runs=5, customers=150_000, events=200_000, rates=(200, 1_000, 2_000, 5_000, 10_000), seconds=15
)
QUICK: Final = Sizes(runs=1, customers=10_000, events=20_000, rates=(1_000,), seconds=6)


@dataclass(frozen=True)
class Step:
    """One run of one contestant. ``rate``: events per second, of a latency."""

    measure: Measure
    workload: str
    contestant: Contestant
    number: int
    rate: int | None = None

    def __str__(self) -> str:
        at = "" if self.rate is None else f" at {self.rate:,}/s"
        return f"{self.measure} {self.workload}{at}: {self.contestant.title}, run {self.number}"


@dataclass(frozen=True)
class Result:
    """``failure``: why there are no figures."""

    step: Step
    figures: Figures | None
    failure: str = ""


def steps(
    contestants: Sequence[Contestant], workloads: Sequence[str], measures: Sequence[Measure], sizes: Sizes
) -> Iterator[Step]:
    """Contestants take turns, so that a change of the machine's mood meets all of them."""
    for workload in workloads:
        able = [one for one in contestants if workload in one.workloads]
        for number in range(1, sizes.runs + 1):
            if "throughput" in measures:
                yield from (Step("throughput", workload, one, number) for one in able)
            if "latency" in measures:
                for rate in sizes.rates:
                    yield from (Step("latency", workload, one, number, rate) for one in able)


class Bench:
    """Runs steps against one broker. ``directory`` holds logs, and states while a run needs them."""

    def __init__(self, broker: Broker, sizes: Sizes, directory: Path, now_ms: int) -> None:
        self._broker = broker
        self._sizes = sizes
        self._directory = directory
        self._now_ms = now_ms
        self._throughput: dict[str, Workload] = {
            "w1": CustomerJoin(w1.plan(sizes.customers)),
            "w2": Pipeline(sizes.events, now_ms),
        }
        self._loaded: dict[str, str] = {}

    async def run(self, step: Step) -> Result:
        """Never raises for what a contestant does."""
        try:
            return Result(step, await self._figures(step))
        except ContestantDied as died:
            return Result(step, None, f"died: {died}")

    async def _figures(self, step: Step) -> Figures:
        if step.rate is not None:
            return await self._latency(step, step.rate)
        workload = self._throughput[step.workload]
        # The product reads its own internal topics from the beginning: they cannot be shared between runs.
        if step.workload == "w1":
            names = await self._shared(workload)
        else:
            names = await self._topics(workload, run_id(step.workload))
            await self._broker.load(workload.records(), names)
        with _Place(self._broker, self._directory, names, step) as site:
            return await throughput(self._broker, site, step.contestant, workload)

    async def _latency(self, step: Step, rate: int) -> Latency:
        events = rate * self._sizes.seconds + _HEAD
        workload: Workload
        if step.workload == "w1":
            workload = CustomerJoin(w1.paced(events // 2, int(rate / 2 * _DEFERRED_BEFORE_S)))
        else:
            workload = Pipeline(events, self._now_ms)
        names = await self._topics(workload, run_id(step.workload))
        with _Place(self._broker, self._directory, names, step) as site:
            return await latency(self._broker, site, step.contestant, workload, rate, _HEAD)

    async def _shared(self, workload: Workload) -> dict[str, str]:
        if not self._loaded:
            self._loaded = await self._topics(workload, run_id(workload.name))
            await self._broker.load(workload.records(), self._loaded)
        return {**self._loaded, LEADS: f"{run_id(workload.name)}.{LEADS}"}

    async def _topics(self, workload: Workload, run: str) -> dict[str, str]:
        inputs = {short: f"{run}.{short}" for short in workload.inputs}
        await self._broker.create({full: {} for full in inputs.values()})
        return {**inputs, LEADS: f"{run}.{LEADS}"}


class _Place:
    """A site with a directory of its own, in which only the logs are left in the end."""

    def __init__(self, broker: Broker, directory: Path, names: dict[str, str], step: Step) -> None:
        run = names[LEADS].removesuffix(f".{LEADS}")
        home = directory / f"{run}-{step.contestant.name}"
        self._site = Site(broker.bootstrap, broker.partitions, run, names, home)

    def __enter__(self) -> Site:
        self._site.directory.mkdir(parents=True)
        return self._site

    def __exit__(self, *_: object) -> None:
        for state in self._site.directory.glob("state-*"):
            shutil.rmtree(state, ignore_errors=True)


async def run_bench(
    bootstrap: str,
    partitions: int,
    directory: Path,
    todo: Sequence[Step],
    sizes: Sizes,
    tell: Callable[[Result], Any],
) -> list[Result]:
    """Every step, one after the other. Raises ``KafkaError`` when the broker is lost."""
    async with connected(bootstrap, partitions) as broker:
        bench = Bench(broker, sizes, directory, time.time_ns() // 1_000_000)
        results = []
        for step in todo:
            results.append(await bench.run(step))
            tell(results[-1])
        return results
