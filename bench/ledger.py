"""``leadstream bench ledger``: a process of the ledger of rewards on a real broker, as shipped.

First many leads as fast as they can be written, each of a new customer, all of one partner under a monthly
cap: what a lead costs, and how large what is known of the cap has become. The cap has room for all of them
but for part of the last one, so that one minor unit too much, or too little, would show. Then leads of
another partner at a fixed rate: how long it takes from a lead to its reward, as a read_committed reader in
another process sees it.
"""

import asyncio
import pickle
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer
from msgspec import Struct
from msgspec.json import Decoder

from bench.broker import Broker, connected
from bench.builds import THIS, Build
from bench.contestants import product
from bench.kafka import broker as broker_of
from bench.latency import Percentiles, beside, reading
from bench.measured import Command, Measured
from bench.pacer import Pace
from bench.reader import Seen
from bench.record import Record
from bench.rewards import AMOUNT, WORKSPACE, lead, policy_of, source_of
from bench.site import Site, run_id
from processors.clock import epoch_ms
from processors.engine.placement import changelog_topic
from processors.errors import CheckFailed
from processors.garbage import collect_rarely
from processors.rewarding import caps
from processors.rewarding.policies import write_policy
from processors.rewarding.run import layouts_of
from processors.rewards.parsing import document_of
from processors.settings import Settings
from schemas.topics import Topic

PARTITIONS: Final = 8
FIRST, MANY, STEADY = "pn_first", "pn_many", "pn_steady"
_SHORT: Final = AMOUNT // 2 - 1
"""Minor units that the last lead has no room for."""
_POLL_MS: Final = 200
_PATIENCE_S: Final = 60.0
_WARM_S: Final = 3.0


class _Reward(Struct, rename="camel", gc=False):
    source_id: str
    partner_id: str
    amount: int


_reward: Final = Decoder(_Reward).decode


@dataclass(frozen=True)
class Backlog:
    """``start_cpu_s``: of the process, from exec to its first reward; ``cpu_us``: for each lead after that.
    ``state_bytes``: of the cap, key and value, as the changelog has it.
    """

    start_cpu_s: float
    cpu_us: float
    leads_per_s: float
    peak_rss_bytes: int
    state_bytes: int


@dataclass(frozen=True)
class Steady:
    """``sent_rate``: leads a second as the producer achieved it. ``cpu_us``: of the process, for each.
    ``rewards``: milliseconds from the hand-over of a lead until its reward is read.
    """

    sent_rate: float
    cpu_us: float
    rewards: Percentiles

    @property
    def waits(self) -> tuple[float, float, float]:
        """p50, p95, p99."""
        return self.rewards.p50, self.rewards.p95, self.rewards.p99


@dataclass(frozen=True)
class Figures:
    """``leads``: in the backlog."""

    leads: int
    backlog: Backlog
    steady: Steady


@dataclass(frozen=True)
class Plan:
    """``leads`` come at once; when all are rewarded, ``rate`` a second for ``seconds``. ``build``: of the
    process.
    """

    leads: int
    rate: int
    seconds: int
    build: Build = THIS


class WrongRewards(CheckFailed):
    """What was published is not what is owed."""


class Ledger:
    """What a reader has seen of the backlog's rewards."""

    def __init__(self) -> None:
        self.sources: set[str] = set()
        self.seen = self.amount = 0

    def add(self, value: bytes) -> None:
        """One reward."""
        reward = _reward(value)
        self.sources.add(reward.source_id)
        self.seen += 1
        self.amount += reward.amount

    def check(self, leads: int) -> None:
        """Each lead has one reward, and together they are the cap. Raises :class:`WrongRewards`."""
        missing = sum(source_of(number, MANY) not in self.sources for number in range(leads))
        if missing or self.seen != leads:
            raise WrongRewards(f"{self.seen} rewards for {leads} leads, {missing} have none")
        if self.amount != cap_of(leads):
            raise WrongRewards(f"rewards of {self.amount} under a cap of {cap_of(leads)}")


def cap_of(leads: int) -> int:
    """Of the partner with so many leads."""
    return leads * AMOUNT - _SHORT


def measured(plan: Plan, kafka: str | None = None) -> Figures:
    """On the broker at ``kafka``, or on one of its own. Raises :class:`WrongRewards`, or ``CheckFailed`` when
    the process died.
    """
    collect_rarely()
    with (
        tempfile.TemporaryDirectory(prefix="leadstream-bench-") as directory,
        broker_of(kafka, lambda _: None) as bootstrap,
    ):
        return asyncio.run(_measured(bootstrap, Path(directory), plan))


async def _measured(bootstrap: str, directory: Path, plan: Plan) -> Figures:
    run = run_id("ledger")
    settings = Settings(kafka_bootstrap=bootstrap, topic_prefix=f"{run}.", partitions=PARTITIONS)
    names = {topic.value: name for topic, name in settings.names.items()}
    site = Site(bootstrap, PARTITIONS, run, names, directory)
    async with connected(bootstrap, PARTITIONS) as broker:
        await broker.create({one.name: one.configs for one in layouts_of(settings)})
        await write_policy(settings, WORKSPACE, document_of(policy_of(_rules(plan.leads))), epoch_ms)
        with Measured(_command(site, settings, plan), directory / "process.log") as process:
            backlog = await _backlog(broker, site, settings, process, plan.leads)
            steady = await _steady(broker, site, process, plan)
            process.stop()
    return Figures(plan.leads, backlog, steady)


def _rules(leads: int) -> dict[str, object]:
    def under(amount: int) -> dict[str, object]:
        return {"lead": {"amount": AMOUNT, "cap": {"amount": amount, "per": "month"}}}

    return {"partners": {FIRST: under(AMOUNT), MANY: under(cap_of(leads)), STEADY: under(10**12)}}


def _records(partner: str, count: int) -> Iterator[Record]:
    """Of now: none of the rewards is payable yet."""
    at_ms = epoch_ms()
    for number in range(count):
        yield Record(Topic.LEADS, *lead(number, at_ms, partner))


def _command(site: Site, settings: Settings, plan: Plan) -> Command:
    return product(
        site,
        plan.build,
        "processors.cli.main",
        "rewards",
        "run",
        LEADSTREAM_KAFKA_BOOTSTRAP=site.bootstrap,
        LEADSTREAM_TOPIC_PREFIX=settings.topic_prefix,
        LEADSTREAM_PARTITIONS=str(site.partitions),
        LEADSTREAM_INSTANCE_ID=site.run,
        LEADSTREAM_DATA_DIR=str(site.directory / "state"),
    )


async def _follow(reader: AIOKafkaConsumer, process: Measured, count: int) -> AsyncIterator[list[bytes]]:
    """Values of at least so many records, as they come. Raises ``CheckFailed`` when none come any more."""
    moved_s = time.monotonic()
    while count > 0:
        fetched = await reader.getmany(timeout_ms=_POLL_MS)
        values = [record.value for records in fetched.values() for record in records]
        if values:
            moved_s = time.monotonic()
            count -= len(values)
            yield values
        elif not process.alive or time.monotonic() - moved_s > _PATIENCE_S:
            raise CheckFailed(f"the process does not get on: {process.complaint()}")


async def _backlog(broker: Broker, site: Site, settings: Settings, process: Measured, leads: int) -> Backlog:
    found = Ledger()
    async with broker.reader(site.names[Topic.REWARDS]) as reader:
        await broker.load(_records(FIRST, 1), site.names)
        async for _ in _follow(reader, process, 1):
            began_s, start_s = time.monotonic(), process.cpu_s()
        await broker.load(_records(MANY, leads), site.names)
        async for values in _follow(reader, process, leads):
            took_s, used_s = time.monotonic() - began_s, process.cpu_s() - start_s
            for value in values:
                found.add(value)
    found.check(leads)
    states = await broker.records(changelog_topic(settings.rewards_group, caps.TABLE))
    return Backlog(
        start_cpu_s=start_s,
        cpu_us=used_s / leads * 1e6,
        leads_per_s=leads / took_s,
        peak_rss_bytes=process.peak_rss_bytes(),
        state_bytes=max(len(one.key) + len(one.value or b"") for one in states),
    )


async def _steady(broker: Broker, site: Site, process: Measured, plan: Plan) -> Steady:
    records = list(_records(STEADY, int(plan.rate * (plan.seconds + _WARM_S))))
    pace = Pace(site.bootstrap, site.partitions, site.names, records, plan.rate, site.directory / "sent")
    paced = site.directory / "pace"
    paced.write_bytes(pickle.dumps(pace))
    topic, used_s = site.names[Topic.REWARDS], process.cpu_s()
    async with broker.reader(topic, from_end=True) as reader, reading(site, topic, new=True) as out:
        with beside(site, site.directory / "pacer.log", "bench.pacer", str(paced)) as pacer:
            async for _ in _follow(reader, process, len(records)):
                if not pacer.alive and pacer.returncode:
                    raise CheckFailed(f"the producer failed: {pacer.log_tail()}")
        used_s = process.cpu_s() - used_s
    seen: Seen = pickle.loads(out.read_bytes())  # noqa: S301 - our own file
    return _figures(pace, seen, used_s)


def _figures(pace: Pace, seen: Seen, used_s: float) -> Steady:
    sent, leads = pace.sent_ns(), len(pace.records)
    numbers = {source_of(number, STEADY): number for number in range(leads)}
    arrived = {numbers.get(_reward(value).source_id): at_ns for at_ns, value in seen}
    if len(seen) != leads or arrived.keys() != set(numbers.values()):
        raise WrongRewards(f"{len(seen)} rewards for {leads} leads at a fixed rate")
    from_ns = sent[0] + int(_WARM_S * 1e9)
    waits = [
        at_ns - sent[number]
        for number, at_ns in arrived.items()
        if number is not None and sent[number] >= from_ns
    ]
    return Steady((leads - 1) / ((sent[-1] - sent[0]) / 1e9), used_s / leads * 1e6, Percentiles.of(waits))


def table(figures: Figures) -> str:
    """Markdown."""
    of, steady = figures.backlog, figures.steady
    rows = (
        (f"CPU µs/lead, of a backlog of {figures.leads:,}", f"{of.cpu_us:.1f}"),
        ("CPU s of the start", f"{of.start_cpu_s:.1f}"),
        ("leads/s", f"{of.leads_per_s:,.0f}"),
        ("peak RSS, MB", f"{of.peak_rss_bytes / 1e6:.0f}"),
        ("the cap's key and state, bytes", f"{of.state_bytes}"),
        (f"CPU µs/lead at {steady.sent_rate:,.0f}/s", f"{steady.cpu_us:.1f}"),
        ("lead → reward p50 / p95 / p99, ms", " / ".join(f"{one:.1f}" for one in steady.waits)),
    )
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)
