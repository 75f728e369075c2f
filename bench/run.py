"""Runs of contestants on one broker, and what is kept of each."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Final

from bench import w1
from bench.broker import Broker, connected
from bench.environments import OURS
from bench.latency import Latency, latency
from bench.plan import HEAD, Sizes, Step
from bench.recovery import Recovery, recovery
from bench.sink import SinkFigures, sink
from bench.site import Site, run_id
from bench.throughput import Throughput, throughput
from bench.watch import ContestantDied
from bench.workloads import LEADS, Core, CustomerJoin, Pipeline, Workload
from deploy.local.errors import LocalServerError
from processors.clock import epoch_ms

Figures = Throughput | Latency | Recovery | SinkFigures

_DEFERRED_BEFORE_S: Final = 0.5


@dataclass(frozen=True)
class Result:
    """``failure``: why there are no figures. ``seconds``: how long it took with everything around it."""

    step: Step
    figures: Figures | None
    failure: str = ""
    seconds: float = 0.0

    @property
    def counts(self) -> bool:
        """Exactly the right leads came out."""
        return self.figures is not None and self.figures.verdict.good


class Bench:
    """Runs steps against one broker. ``directory`` holds logs, and states while a run needs them;
    ``python`` runs every contestant that is in Python."""

    def __init__(self, broker: Broker, sizes: Sizes, directory: Path, now_ms: int, python: str) -> None:
        self._broker = broker
        self._sizes = sizes
        self._directory = directory
        self._now_ms = now_ms
        self._python = python
        self._pipeline = Pipeline(sizes.events, now_ms)
        self._throughput: dict[str, Workload] = {
            "w1": CustomerJoin("w1", w1.plan(sizes.customers)),
            "w1-long": CustomerJoin("w1-long", w1.plan(sizes.long_customers)),
            "w2": self._pipeline,
            "w2-core": Core(sizes.events, now_ms),
        }
        self._shared: dict[str, dict[str, str]] = {}

    async def run(self, step: Step) -> Result:
        """Never raises for what a contestant does, or a server that is there for it alone."""
        began = monotonic()
        try:
            result = Result(step, await self._figures(step))
        except ContestantDied as died:
            result = Result(step, None, f"died: {died}")
        except LocalServerError as error:
            result = Result(step, None, str(error))
        return replace(result, seconds=monotonic() - began)

    async def _figures(self, step: Step) -> Figures:
        match step.measure:
            case "latency":
                return await self._latency(step, step.rate or 0)
            case "recovery":
                names = await self._topics(self._throughput["w1"], run_id("w1"))
                with self._place(names, step) as site:
                    return await recovery(self._broker, site, step.contestant, self._sizes.customers)
            case "sink":
                names = await self._topics(self._pipeline, run_id("w2"))
                await self._broker.load(self._pipeline.records(), names)
                with self._place(names, step) as site:
                    return await sink(self._broker, site, step.contestant, self._pipeline)
            case "throughput":
                workload = self._throughput[step.workload]
                names = await self._loaded(workload)
                with self._place(names, step) as site:
                    return await throughput(self._broker, site, step.contestant, workload)

    async def _latency(self, step: Step, rate: int) -> Latency:
        events = rate * self._sizes.seconds + HEAD
        workload: Workload
        if step.workload == "w1":
            workload = CustomerJoin("w1", w1.paced(events // 2, int(rate / 2 * _DEFERRED_BEFORE_S)))
        else:
            workload = (Core if step.workload == "w2-core" else Pipeline)(events, self._now_ms)
        names = await self._topics(workload, run_id(step.workload))
        with self._place(names, step) as site:
            return await latency(self._broker, site, step.contestant, workload, rate, HEAD)

    @contextmanager
    def _place(self, names: dict[str, str], step: Step) -> Iterator[Site]:
        """A site with a directory of its own, in which only the logs are left in the end."""
        run = names[LEADS].removesuffix(f".{LEADS}")
        site = Site(
            self._broker.bootstrap,
            self._broker.partitions,
            run,
            names,
            self._directory / f"{run}-{step.contestant.name}",
            eager=step.measure == "latency",
            patience_s=self._sizes.patience_s,
            python=self._python,
        )
        site.directory.mkdir(parents=True)
        try:
            yield site
        finally:
            for state in site.directory.glob("state-*"):
                shutil.rmtree(state, ignore_errors=True)

    async def _loaded(self, workload: Workload) -> dict[str, str]:
        """W1 is loaded once. Topics of W2 hold what a run makes of them, too: every run gets its own."""
        names = self._shared.get(workload.name)
        if names is None:
            names = await self._topics(workload, run_id(workload.name))
            await self._broker.load(workload.records(), names)
            if workload.name.startswith("w1"):
                self._shared[workload.name] = names
            return names
        return {**names, LEADS: f"{run_id(workload.name)}.{LEADS}"}

    async def _topics(self, workload: Workload, run: str) -> dict[str, str]:
        inputs = {short: f"{run}.{short}" for short in workload.inputs}
        await self._broker.create({full: {} for full in inputs.values()})
        return {**inputs, LEADS: f"{run}.{LEADS}"}


async def run_bench(
    bootstrap: str,
    partitions: int,
    directory: Path,
    todo: Sequence[Step],
    sizes: Sizes,
    tell: Callable[[Result], None],
    python: str = OURS,
) -> None:
    """Every step, one after the other. Raises ``KafkaError`` when the broker does not answer."""
    async with connected(bootstrap, partitions) as broker:
        bench = Bench(broker, sizes, directory, epoch_ms(), python)
        for step in todo:
            tell(await bench.run(step))
