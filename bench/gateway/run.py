"""What is measured of a gateway, one after the other."""

import asyncio
import os
import pickle
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from bench.gateway import calls
from bench.gateway.calls import Clicks
from bench.gateway.load import Load, Loaded
from bench.gateway.place import Place, Sizes, furnished
from bench.latency import Percentiles
from bench.measured import Measured, cpu_s
from bench.site import ROOT
from deploy.local.ports import HOST, free_port
from deploy.local.process import Child
from processors.clock import epoch_ms
from processors.kafka.reading import TopicReader
from processors.programs import isolated
from processors.settings import variable
from schemas.topics import Topic

GATEWAY: Final = "gateway"
OLD_SHARE: Final = 0.2
"""Of the calls that name a click: those whose click is older than what the gateway keeps."""
_CONNECTIONS: Final = 64
_CONNECTIONS_AT_A_RATE: Final = 256
"""With so many, 1,500 calls a second wait for a free one only when each takes 170 ms."""
_START_S: Final = 60.0
_QUIET_S: Final = 1.0
_WARM: Final = "warm"


@dataclass(frozen=True)
class Round:
    """Calls of one kind. ``late``: of what they ``waited``, the part before they were made. ``busy``: the
    share of the machine's time that everything on it used. ``cpu_us``: a call, by whose it is; empty where
    others were served beside."""

    name: str
    count: int
    per_s: float
    waited: Percentiles
    late: Percentiles
    busy: float
    statuses: dict[str, int]
    cpu_us: Mapping[str, float]


@dataclass(frozen=True)
class Plan:
    """``calls`` as fast as they are answered; then for ``seconds`` both kinds at their rates a second;
    ``followed`` clicks of others at last."""

    calls: int
    seconds: int
    lead_rate: int
    visit_rate: int
    followed: int


@dataclass(frozen=True)
class Figures:
    """``ready_s``: from exec until it says that it is ready. ``follow_us``: CPU for a click made elsewhere.
    ``lost``: calls answered with 200 whose event is not in Kafka."""

    ready_s: float
    rounds: Sequence[Round]
    follow_us: float
    peak_rss_bytes: int
    lost: int

    @property
    def failure(self) -> str:
        """What is wrong, or nothing."""
        counts = [one.statuses for one in self.rounds]
        refused = sum(count for one in counts for status, count in one.items() if status >= "400")
        return f"{self.lost} events lost, {refused} calls refused" if self.lost or refused else ""


def measured(plan: Plan, links: int) -> Figures:
    """On servers of its own, with so many ``links`` in the registry. Raises what :func:`measure` does, and
    ``LeadstreamError``."""
    named = plan.calls + plan.calls // 10 + plan.lead_rate * plan.seconds
    sizes = Sizes(links, old=named // 5 + 1, recent=named * 4 // 5 + 1)

    async def run(directory: Path) -> Figures:
        async with furnished(directory, sizes) as place:
            return await measure(place, plan)

    with tempfile.TemporaryDirectory(prefix="leadstream-bench-") as directory:
        return asyncio.run(run(Path(directory)))


async def measure(place: Place, plan: Plan) -> Figures:
    """Starts a gateway and stops it. Raises ``RuntimeError`` when it, or the caller, dies."""
    port, metrics = free_port(), free_port()
    env = {
        variable("gateway_port"): str(port),
        variable("metrics_port"): str(metrics),
        variable("trusted_proxies"): f"{HOST}/32",
    }
    begin = time.monotonic()
    with place.process("gateway", **env) as gateway:
        await asyncio.to_thread(_until_ready, gateway, metrics)
        ready_s = time.monotonic() - begin
        caller = _Caller(place, gateway, port)
        rounds = [await caller.leads_at_full_speed(plan), *await caller.both_at_a_rate(plan)]
        follow_us = await caller.follow(plan.followed)
        peak = gateway.peak_rss_bytes()
    accepted = sum(one.statuses.get("200", 0) for one in rounds)
    return Figures(ready_s, rounds, follow_us, peak, accepted - await _written(place))


class _Caller:
    def __init__(self, place: Place, gateway: Measured, port: int) -> None:
        self._place, self._gateway, self._port = place, gateway, port
        self._ids = _mixed(place.old, place.recent)

    async def leads_at_full_speed(self, plan: Plan) -> Round:
        place = self._place
        warm, measured = plan.calls // 10, plan.calls
        await self._load(_WARM, list(calls.leads(self._take(warm), place.key, _WARM)), None)
        requests = list(calls.leads(self._take(measured), place.key, "fast"))
        before = self._cpu_s()
        loaded = await self._load("fast", requests, None)
        used = {name: now - before[name] for name, now in self._cpu_s().items()} | {"caller": loaded.cpu_s}
        used_us = {name: seconds / measured * 1e6 for name, seconds in used.items()}
        return _round("POST /track/lead, as fast as it goes", loaded, used_us)

    async def both_at_a_rate(self, plan: Plan) -> list[Round]:
        place, seconds = self._place, plan.seconds
        leads = list(calls.leads(self._take(plan.lead_rate * seconds), place.key, "paced"))
        visits = list(calls.visits(place.link, plan.visit_rate * seconds, 1))
        found = await asyncio.gather(
            self._load("leads", leads, plan.lead_rate), self._load("visits", visits, plan.visit_rate)
        )
        names = (f"POST /track/lead, {plan.lead_rate:,}/s", f"GET /{{key}} beside it, {plan.visit_rate:,}/s")
        return [_round(name, loaded, {}) for name, loaded in zip(names, found, strict=True)]

    async def follow(self, count: int) -> float:
        """Until the gateway has nothing to do any more."""
        await self._until_idle()
        before_s = self._gateway.cpu_s()
        await self._place.send(Clicks("far", count, epoch_ms()))
        await self._until_idle()
        return (self._gateway.cpu_s() - before_s) / count * 1e6

    def _cpu_s(self) -> dict[str, float]:
        servers = {name: cpu_s(pid) or 0.0 for name, pid in self._place.servers.items()}
        return {GATEWAY: self._gateway.cpu_s(), **servers}

    def _take(self, count: int) -> list[str]:
        taken, self._ids = self._ids[:count], self._ids[count:]
        if len(taken) < count:
            raise ValueError("more calls than clicks")
        return taken

    async def _load(self, name: str, requests: Sequence[bytes], rate: int | None) -> Loaded:
        directory = self._place.directory
        plan, out = directory / f"{name}.plan", directory / f"{name}.out"
        connections = _CONNECTIONS if rate is None else _CONNECTIONS_AT_A_RATE
        plan.write_bytes(pickle.dumps(Load(HOST, self._port, requests, rate, connections, out)))
        return await asyncio.to_thread(_called, plan, out, directory / f"{name}.log")

    async def _until_idle(self) -> None:
        used, before = 1.0, self._gateway.cpu_s()
        while used > _QUIET_S / 20:
            await asyncio.sleep(_QUIET_S)
            now = self._gateway.cpu_s()
            used, before = now - before, now


def _called(plan: Path, out: Path, log: Path) -> Loaded:
    child = Child(isolated("bench.gateway.load", str(plan)), cwd=ROOT, env=os.environ, log_path=log)
    with ExitStack() as stack:
        stack.callback(child.kill)
        while child.alive:
            child.wait(60)
        if child.returncode:
            raise RuntimeError(f"the calls failed: {child.log_tail()}")
    loaded: Loaded = pickle.loads(out.read_bytes())  # noqa: S301 - our own file
    return loaded


def _round(name: str, loaded: Loaded, cpu_us: Mapping[str, float]) -> Round:
    statuses = {status.decode(): count for status, count in sorted(loaded.statuses.items())}
    count = len(loaded.waited_ns)
    waited, late = Percentiles.of(loaded.waited_ns), Percentiles.of(loaded.late_ns)
    return Round(name, count, count / loaded.seconds, waited, late, loaded.busy, statuses, cpu_us)


def _mixed(old: Clicks, recent: Clicks) -> list[str]:
    """Every fifth one is old."""
    few, many = old.ids(), recent.ids()
    every = round(1 / OLD_SHARE)
    count = min(old.count * every, recent.count * every // (every - 1))
    return [next(few if number % every == 0 else many) for number in range(count)]


def _until_ready(gateway: Measured, port: int) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if not gateway.alive:
            break
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/readyz"):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    raise RuntimeError(f"the gateway is not ready: {gateway.complaint()}")


async def _written(place: Place) -> int:
    """Lead events of calls that were measured; each is of a customer of its own."""
    found: set[str] = set()
    async with TopicReader(place.settings) as reader:
        async for records in reader.records(await reader.spans([Topic.DEFERRED_LEADS])):
            found.update(orjson.loads(record.value)["customerExternalId"] for record in records)
    return sum(not one.startswith(_WARM) for one in found)
