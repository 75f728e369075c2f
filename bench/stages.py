"""Where the CPU time of a worker goes: ``leadstream bench stages``.

One process and no broker: the records of w2, as a broker would hand them over, go batch by batch through all
that a worker does with them but the network. Beside them, in the same moments, goes a reference that has
nothing to do with us: orjson reads and writes every input once. Ratios to it compare between machines and
days; times do not.
"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import orjson
from aiokafka.structs import TopicPartition

from bench.workloads import Pipeline
from processors.clock import epoch_ms
from processors.engine import Record
from processors.engine.batch import Computer, _Batch
from processors.engine.effects import Effects
from processors.engine.inbox import Chunk
from processors.engine.kafka.packing import CODECS, pack
from processors.engine.producer import Fields
from processors.engine.records import slim
from processors.engine.state.rocksdb import PartitionStore, new_cache
from processors.engine.view import View
from processors.garbage import collect_rarely
from processors.kafka.header_names import CheckedRecords
from processors.kafka.placement import partition_for
from processors.settings import Settings
from processors.worker.run import processors_of
from schemas.topics import WORKER_TOPICS, Topic

PARTITIONS: Final = 8
BATCH: Final = 4_000
STAGES: Final = ("unpack", "parse", "load", "apply", "dump", "pack", "store")
_INNER: Final = CODECS["snappy"]
_PUBLISHED: Final = CODECS["gzip"]
_BATCH_BYTES: Final = 16 << 20


@dataclass
class Measured:
    """CPU seconds of this thread by stage, and of the reference."""

    events: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    reference: float = 0.0

    @property
    def ratio(self) -> float:
        """All stages to the reference."""
        return sum(self.seconds.values()) / self.reference

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Of a block."""
        start = time.thread_time()
        try:
            yield
        finally:
            self.seconds[stage] += time.thread_time() - start

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function that is part of ``apply`` and counts as a stage of its own."""

        def timing(*args: Any) -> Any:
            start = time.thread_time()
            try:
                return function(*args)
            finally:
                spent = time.thread_time() - start
                self.seconds[stage] += spent
                self.seconds["apply"] -= spent

        return timing


class _Log:
    """Partitions of topics: records are packed into what a broker keeps, and unpacked from it."""

    def __init__(self) -> None:
        self._ends: defaultdict[TopicPartition, int] = defaultdict(int)

    def pack(self, place: TopicPartition, records: list[tuple[Any, Any, Any]], codec: int) -> bytes:
        """One record batch: key, value, headers of each."""
        now_ms = epoch_ms()
        fields: list[Fields] = [(key, value, list(headers), now_ms) for key, value, headers in records]
        raw = bytes(pack(fields, codec, (-1, -1), 0, _BATCH_BYTES)[0])
        start, self._ends[place] = self._ends[place], self._ends[place] + len(records)
        return start.to_bytes(8, "big") + raw[8:]

    def unpack(self, place: TopicPartition, raw: bytes) -> Chunk:
        """As the engine has it from the consumer."""
        records: list[Record] = [slim(place, record) for record in CheckedRecords(raw).next_batch()]
        return Chunk(place, records, records[-1].offset + 1)


def measure(events: int) -> Measured:
    """W2 of about so many events, once."""
    inputs = Pipeline(events, epoch_ms()).records()
    found, log = Measured(), _Log()
    computer, stores, directory = _worker()
    waiting: dict[TopicPartition, list[tuple[Any, Any, Any]]] = {}
    with (
        directory,
        patch.object(_Batch, "_parse", found.timed("parse", _Batch._parse)),  # noqa: SLF001
        patch.object(View, "load", found.timed("load", View.load)),
        patch.object(View, "dump", found.timed("dump", View.dump)),
    ):
        while inputs or waiting:
            arrived, waiting = waiting, {}
            for record in inputs[:BATCH]:
                place = TopicPartition(record.topic, partition_for(record.key, PARTITIONS))
                arrived.setdefault(place, []).append((record.key, record.value, ()))
            packed = {place: log.pack(place, records, 0) for place, records in arrived.items()}
            found.events += len(inputs[:BATCH])
            found.reference += _reference([record.value for record in inputs[:BATCH]])
            inputs = inputs[BATCH:]
            with found.time("unpack"):
                chunks = [log.unpack(place, raw) for place, raw in packed.items()]
            with found.time("apply"):
                effects = computer.compute(chunks, (), stores, epoch_ms(), 0)
            waiting = _made_true(effects, stores, found, log)
    return found


def _worker() -> tuple[Computer, dict[tuple[str, int], PartitionStore], Any]:
    """The computing part of a worker, with stores in a directory that goes in the end."""
    settings = Settings()
    directory = tempfile.TemporaryDirectory(prefix="stages-")
    jobs = processors_of(settings)
    cache, path = new_cache(), Path(directory.name)
    stores = {
        (job.table, number): PartitionStore(
            path / f"{job.table}-{number}", cache, epoch_ms(), job.retention_ms
        )
        for job in jobs
        for number in range(PARTITIONS)
    }
    return Computer(PARTITIONS, jobs), stores, directory


def _made_true(
    effects: Effects, stores: dict[tuple[str, int], PartitionStore], found: Measured, log: _Log
) -> dict[TopicPartition, list[tuple[Any, Any, Any]]]:
    """What a transaction does; returns what comes back to the worker itself."""
    back: dict[TopicPartition, list[tuple[Any, Any, Any]]] = {}
    with found.time("pack"):
        for (topic, partition), outputs in effects.outputs.items():
            place = TopicPartition(topic, partition)
            codec = _INNER if topic in WORKER_TOPICS else _PUBLISHED
            log.pack(place, [(one.key, one.value, one.headers) for one in outputs], codec)
        for (table, partition), write in effects.states.items():
            place = TopicPartition(f"{table}-changelog", partition)
            log.pack(place, [(key, value, ()) for key, value in write.items.items()], _INNER)
    with found.time("store"):
        for store, write in effects.states.items():
            stores[store].write(write.items, 1, effects.now_ms, write.spent)
    for (topic, partition), outputs in effects.outputs.items():
        if topic == Topic.TOUCHES:
            back[TopicPartition(topic, partition)] = [(one.key, one.value, one.headers) for one in outputs]
    return back


def _reference(values: list[bytes]) -> float:
    start = time.thread_time()
    for value in values:
        orjson.dumps(orjson.loads(value))
    return time.thread_time() - start


def told(events: int) -> str:
    """As Markdown; after a small run that does not count."""
    collect_rarely()  # as a worker does
    measure(2 * BATCH)
    found = measure(events)
    unit = 1e6 / found.events
    rows = [(stage, seconds * unit) for stage, seconds in found.seconds.items()]
    rows += [("all of them", sum(found.seconds.values()) * unit), ("reference", found.reference * unit)]
    lines = "".join(f"| {stage} | {us:.2f} |\n" for stage, us in rows)
    return (
        f"| stage | µs per event |\n|---|---|\n{lines}\n{found.events:,} events;"
        f" ratio to the reference {found.ratio:.2f}\n"
    )
