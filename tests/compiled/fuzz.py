"""``python -m tests.compiled.fuzz worker|rewards RECORDS [BATCH]``: what a process makes of fuzzed records,
without a broker.

They come in as they lie on one, states go through RocksDB. A line for each batch, with the digest of all that
it did; or of one batch all of that in words.
"""

import json
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import TopicPartition

from processors.engine import Processor
from processors.engine.batch import Computer
from processors.engine.effects import DueEntry, Effects
from processors.engine.inbox import Chunk
from processors.engine.kafka.packing import CODECS, pack
from processors.engine.producer import Fields
from processors.engine.records import slim
from processors.engine.state.rocksdb import PartitionStore, new_cache
from processors.kafka.placement import partition_for
from processors.terminal.lines import say
from processors.worker.dead_letters import limits
from processors.worker.processors import ClickProcessor, CustomerProcessor
from schemas.times import DAY_MS
from tests.compiled import rewarded
from tests.compiled.building import imported
from tests.poison.inputs import NOW_MS, random_inputs
from tests.worker.test_processors import NAMES, POLICY

SEED: Final = 3_011
PARTITIONS: Final = 2
_EVENTS: Final = 150
"""In a batch, at most."""
_BATCH_BYTES: Final = 1 << 30

Jobs = Sequence[Processor[Any, Any]]


class Fuzzed(NamedTuple):
    """A process of which this is the clock. ``records``: so many, with their topics, always the same."""

    now_ms: int
    jobs: Callable[[], Jobs]
    records: Callable[[int], Iterator[tuple[str, Fields]]]

    @property
    def later_ms(self) -> int:
        """When nothing is held any longer."""
        return self.now_ms + 2 * DAY_MS


def _events(count: int) -> Iterator[tuple[str, Fields]]:
    for one in random_inputs(SEED, count):
        yield NAMES[one.topic], (b"any key", one.value, list(one.headers), one.timestamp)


def _of_a_worker() -> Jobs:
    return ClickProcessor(NAMES, POLICY), CustomerProcessor(NAMES, POLICY)


def _results(count: int) -> Iterator[tuple[str, Fields]]:
    for one in rewarded.random_records(random.Random(SEED), count):
        yield one.topic, (one.key, one.value, [], rewarded.NOW_MS)


FUZZED: Final[Mapping[str, Fuzzed]] = {
    "worker": Fuzzed(NOW_MS, _of_a_worker, _events),
    "rewards": Fuzzed(rewarded.NOW_MS, partial(rewarded.jobs, PARTITIONS), _results),
}


class Process:
    """Stores in ``directory``; what it writes to topics that it reads comes with the next batch."""

    def __init__(self, of: Fuzzed, directory: Path) -> None:
        jobs = of.jobs()
        self._of = of
        self._read = frozenset(topic for job in jobs for topic in job.topics)
        self._computer = Computer(PARTITIONS, jobs, limits(1))
        cache = new_cache()
        self._stores = {
            (job.table, number): PartitionStore(
                directory / f"{job.table}-{number}", cache, of.now_ms, job.retention_ms
            )
            for job in jobs
            for number in range(PARTITIONS)
        }
        self._waiting: defaultdict[TopicPartition, list[Fields]] = defaultdict(list)
        self._ends: Counter[TopicPartition] = Counter()

    def send(self, topic: str, fields: Fields) -> None:
        """Into the partition of its key."""
        self._waiting[TopicPartition(topic, partition_for(fields[0] or b"", PARTITIONS))].append(fields)

    def batch(self, until_ms: int = 0) -> Iterator[str]:
        """All that was sent, and what is due by then: what came in, and what it led to."""
        sent, self._waiting = self._waiting, defaultdict(list)
        chunks = [self._arrived(tp, fields) for tp, fields in sent.items()]
        due = [
            DueEntry(table, number, *entry)
            for (table, number), store in self._stores.items()
            for entry in store.due(until_ms, _EVENTS)
        ]
        effects = self._computer.compute(chunks, due, self._stores, self._of.now_ms, until_ms)
        for place, write in effects.states.items():
            self._stores[place].write(write.items, 1, self._of.now_ms, write.spent)
        for (topic, partition), outputs in effects.outputs.items():
            if topic in self._read:
                at_ms = self._of.now_ms
                self._waiting[TopicPartition(topic, partition)] += [
                    (one.key, one.value, list(one.headers), one.timestamp_ms or at_ms) for one in outputs
                ]
        yield from (f"{record}" for chunk in chunks for record in chunk.records)
        yield from _in_words(effects)

    def is_busy(self) -> bool:
        """Is anything left to do?"""
        return bool(self._waiting) or any(store.due(self._of.later_ms, 1) for store in self._stores.values())

    def _arrived(self, tp: TopicPartition, fields: list[Fields]) -> Chunk:
        raw, packed = pack(fields, CODECS["snappy"], (-1, -1), 0, _BATCH_BYTES)
        assert packed == len(fields)
        records = [slim(tp, one) for one in DefaultRecordBatch(self._ends[tp].to_bytes(8, "big") + raw[8:])]
        self._ends[tp] += packed
        return Chunk(tp, records, self._ends[tp])


def _in_words(effects: Effects) -> Iterator[str]:
    for place, outputs in effects.outputs.items():
        yield from (f"{place}: {output}" for output in outputs)
    for place, write in effects.states.items():
        yield from (f"{place}: {item}" for item in write.items.items())
        yield f"{place}: {write.spent}"
    yield f"{effects.rejected} {effects.forwarded} {effects.expired} {effects.troubles} {effects.quarantined}"


def batches(of: Fuzzed, count: int, directory: Path) -> Iterator[list[str]]:
    """Of the same records always, until nothing is held any longer."""
    process, rng = Process(of, directory), random.Random(SEED)
    records = of.records(count)
    while some := list(islice(records, rng.randrange(1, _EVENTS))):
        for topic, fields in some:
            process.send(topic, fields)
        yield list(process.batch())
    while process.is_busy():
        yield list(process.batch(of.later_ms))


def main() -> None:
    """Print the files of the modules that may be compiled, and a line for each batch; or one batch."""
    of, (count, *wanted) = FUZZED[sys.argv[1]], map(int, sys.argv[2:])
    if not wanted:
        say(json.dumps(imported()))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as directory:
        for number, lines in enumerate(batches(of, count, Path(directory))):
            if not wanted:
                say(f"{number} {sha256(ascii(lines).encode()).hexdigest()}")
            elif number == wanted[0]:
                for line in lines:
                    say(ascii(line))
                return


if __name__ == "__main__":
    main()
