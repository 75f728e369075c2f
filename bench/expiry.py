"""What it costs that time passes: a worker's states under a steady stream of clicks, none of which stays.

One process and no broker: the joins of a worker, their stores on the disk, and what drops and gives up what
is too old. The clock is scaled: so many clicks arrive at 5,000 a second, and meanwhile the retention of a
click passes several times. Beside it the same events with a clock by which nothing gets old. A lead event in
every thousand waits for a click that never comes.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final

import orjson
from aiokafka.structs import TopicPartition

from processors.engine import EngineSettings, Record, Stats
from processors.engine.batch import Computer
from processors.engine.expiry import Timekeeper
from processors.engine.inbox import Chunk
from processors.engine.state.rocksdb import PartitionStore, new_cache
from processors.engine.stores import Store
from processors.kafka.connection import KafkaConnection
from processors.kafka.placement import partition_for
from processors.settings import Settings
from processors.worker.run import processors_of
from schemas.topics import WORKER_TOPICS, Topic, click_key

PARTITIONS: Final = 1
RATE: Final = 5_000
SPANS: Final = 6
"""Retentions that pass."""
_WAITS_IN_VAIN: Final = 1_000
_BEGIN_MS: Final = 1_767_225_600_000
"""2026-01-01."""
_Arrived = dict[TopicPartition, list[Record]]


@dataclass(frozen=True)
class Life:
    """``cpu_us``: an event, everything but the making of events; ``expiry_us`` of it in what looks for old
    states, and drops them. ``most``: states of clicks at a time; ``disk_bytes``: at the end."""

    events: int
    cpu_us: float
    expiry_us: float
    dropped: int
    given_up: int
    most: int
    disk_bytes: int


@dataclass(frozen=True)
class Figures:
    """``aging`` and ``ageless``: lives with and without anything that gets old, in pairs."""

    minutes: float
    aging: list[Life]
    ageless: list[Life]

    @property
    def needed(self) -> int:
        """Clicks that are within their retention at a time."""
        return int(self.minutes * 60 * RATE / SPANS)

    @property
    def failure(self) -> str:
        """What is wrong, or nothing."""
        if min(life.dropped for life in self.aging) == 0:
            return "no click was dropped"
        if min(life.given_up for life in self.aging) == 0:
            return "no lead event was given up"
        return ""


def measured(minutes: float, pairs: int) -> Figures:
    """So many minutes of 5,000 clicks a second."""
    events = int(minutes * 60 * RATE)
    aging, ageless = [], []
    for _ in range(pairs):
        aging.append(_lived(events, aging=True))
        ageless.append(_lived(events, aging=False))
    return Figures(minutes, aging, ageless)


def table(figures: Figures) -> str:
    """Medians, as Markdown."""
    rows = "".join(
        f"| {name} | {median(one.cpu_us for one in lives):.2f} | {median(one.expiry_us for one in lives):.2f}"
        f" | {max(one.most for one in lives):,} | {max(one.disk_bytes for one in lives) / 1e6:,.0f}"
        f" | {lives[-1].dropped:,} | {lives[-1].given_up:,} |\n"
        for name, lives in (("clicks get old", figures.aging), ("nothing gets old", figures.ageless))
    )
    cost = median(
        one.cpu_us - other.cpu_us for one, other in zip(figures.aging, figures.ageless, strict=True)
    )
    return (
        "| states | CPU µs/event | in expiry | most clicks at a time | disk, MB | dropped | given up |\n"
        "|---|---|---|---|---|---|---|\n"
        f"{rows}\n{figures.minutes:g} minutes of {RATE:,} clicks/s, {len(figures.aging)} pairs; {SPANS}"
        f" retentions pass, {figures.needed:,} clicks are within theirs at a time. Time costs {cost:.2f}"
        " µs an event.\n"
    )


def _lived(events: int, *, aging: bool) -> Life:
    with tempfile.TemporaryDirectory(prefix="leadstream-bench-") as name:
        worker = _Worker(Path(name), events, aging=aging)
        try:
            return worker.lived()
        finally:
            worker.close()


class _Worker:
    def __init__(self, directory: Path, events: int, *, aging: bool) -> None:
        settings = Settings()
        self._directory, self._events = directory, events
        self._now_ms = _BEGIN_MS
        jobs = processors_of(settings)
        cache = new_cache()
        self._stores: dict[tuple[str, int], Store] = {
            (job.table, number): PartitionStore(
                directory / f"{job.table}-{number}", cache, _BEGIN_MS, job.retention_ms
            )
            for job in jobs
            for number in range(PARTITIONS)
        }
        engine = EngineSettings(
            connection=KafkaConnection(bootstrap=""),
            application_id="bench",
            data_dir=directory,
            partitions=PARTITIONS,
            clock=lambda: self._now_ms,
        )
        self._stats = Stats()
        self._computer = Computer(PARTITIONS, jobs)
        self._time = Timekeeper(engine, jobs, self._stats, self._stores)
        #: Of this clock, while the events of a second arrive.
        self._second_ms = SPANS * (jobs[0].retention_ms or 0) * RATE // events if aging else 1_000
        self._ends: defaultdict[TopicPartition, int] = defaultdict(int)
        self._making_s = self._expiry_s = 0.0
        self._given_up = 0

    def lived(self) -> Life:
        """All events."""
        random, most, written = Random(20), 0, 0
        began = time.process_time()
        for first in range(0, self._events, RATE):
            count = min(RATE, self._events - first)
            with self._making():
                arrived = self._arrivals(random, count)
                written += sum(len(some) for place, some in arrived.items() if place.topic == Topic.CLICKS)
            while arrived:
                arrived = self._processed(arrived)
            self._now_ms += self._second_ms
            self._pass_time()
            most = max(most, written - self._stats.dropped)
        used_s = time.process_time() - began - self._making_s
        per_event = 1e6 / self._events
        self.close()  # what was dropped is removed then
        disk = sum(path.stat().st_size for path in self._directory.rglob("*") if path.is_file())
        cpu_us, expiry_us = used_s * per_event, self._expiry_s * per_event
        return Life(self._events, cpu_us, expiry_us, self._stats.dropped, self._given_up, most, disk)

    def close(self) -> None:
        while self._stores:
            self._stores.popitem()[1].close()

    def _processed(self, arrived: _Arrived) -> _Arrived:
        """What comes back to the worker itself."""
        chunks = []
        for place, records in arrived.items():
            self._ends[place] += len(records)
            chunks.append(Chunk(place, records, self._ends[place]))
        with self._expiring():
            due = self._time.take({})
        effects = self._computer.compute(
            chunks, due, self._stores, self._now_ms, self._time.watermark.time_ms
        )
        for (table, partition), write in effects.states.items():
            self._stores[table, partition].write(write.items, 0, self._now_ms, write.spent)
        back: _Arrived = {}
        for (topic, partition), outputs in effects.outputs.items():
            if topic in WORKER_TOPICS:
                back[TopicPartition(topic, partition)] = [
                    Record(topic, partition, 0, self._now_ms, one.key or b"", one.value, one.headers)
                    for one in outputs
                ]
            elif topic == Topic.UNMATCHED:
                self._given_up += len(outputs)
        return back

    def _pass_time(self) -> None:
        """One look of the housekeeping; everything that has arrived is processed."""
        with self._expiring():
            if self._time.round_wanted():
                self._time.watermark.begin(self._now_ms, {})
            for _ in self._time.drop():
                pass

    def _arrivals(self, random: Random, count: int) -> _Arrived:
        arrived: _Arrived = {}
        for _ in range(count):
            record = self._event(random)
            arrived.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        return arrived

    def _event(self, random: Random) -> Record:
        click_id = f"{random.getrandbits(64):016x}"
        event: dict[str, Any] = {"workspaceId": "acme", "clickId": click_id, "timestamp": self._now_ms}
        topic = Topic.CLICKS
        if random.randrange(_WAITS_IN_VAIN):
            event |= _CLICK
        else:
            topic = Topic.DEFERRED_LEADS
            event |= {"eventName": "Sign Up", "customerExternalId": f"c-{click_id}", "mode": "deferred"}
        key = click_key("acme", click_id)
        value = orjson.dumps(event)
        return Record(topic.value, partition_for(key, PARTITIONS), 0, self._now_ms, key, value, ())

    @contextmanager
    def _making(self) -> Iterator[None]:
        began = time.thread_time()
        yield
        self._making_s += time.thread_time() - began

    @contextmanager
    def _expiring(self) -> Iterator[None]:
        began = time.thread_time()
        yield
        self._expiry_s += time.thread_time() - began


_CLICK: Final = {
    "linkId": "link_1",
    "domain": "go.example.com",
    "key": "summer",
    "url": "https://example.com/landing?utm_source=bench",
    "partnerId": "pn_1",
    "country": "US",
    "city": "Boston",
    "device": "desktop",
    "browser": "Chrome",
    "os": "Windows",
    "referer": "(direct)",
    "trigger": "link",
}
