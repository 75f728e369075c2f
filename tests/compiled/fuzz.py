"""``python -m tests.compiled.fuzz EVENTS [BATCH]``: what a worker makes of fuzzed events, without a broker.

They come in as they lie on one, states go through RocksDB. A line for each batch, with the digest of all that
it did; or of one batch all of that in words.
"""

import json
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.structs import TopicPartition

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
from schemas.topics import WORKER_TOPICS
from tests.compiled.building import imported
from tests.poison.inputs import NOW_MS, random_inputs
from tests.worker.test_processors import NAMES, POLICY

SEED: Final = 3_011
PARTITIONS: Final = 2
LATER_MS: Final = NOW_MS + 2 * DAY_MS
"""When nothing is held any longer."""
_EVENTS: Final = 150
"""In a batch, at most."""
_BATCH_BYTES: Final = 1 << 30
_READ: Final = frozenset(NAMES[topic] for topic in WORKER_TOPICS)


class Worker:
    """Stores in ``directory``; what it writes to topics that it reads comes with the next batch."""

    def __init__(self, directory: Path) -> None:
        jobs = ClickProcessor(NAMES, POLICY, lambda: NOW_MS), CustomerProcessor(NAMES, POLICY, lambda: NOW_MS)
        self._computer = Computer(PARTITIONS, jobs, limits(1))
        cache = new_cache()
        self._stores = {
            (job.table, number): PartitionStore(directory / f"{job.table}-{number}", cache, NOW_MS)
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
        effects = self._computer.compute(chunks, due, self._stores, NOW_MS, until_ms)
        for place, write in effects.states.items():
            self._stores[place].write(write.items, 1, NOW_MS, write.spent)
        for (topic, partition), outputs in effects.outputs.items():
            if topic in _READ:
                self._waiting[TopicPartition(topic, partition)] += [
                    (one.key, one.value, list(one.headers), one.timestamp_ms or NOW_MS) for one in outputs
                ]
        yield from (f"{record}" for chunk in chunks for record in chunk.records)
        yield from _in_words(effects)

    def is_busy(self) -> bool:
        """Is anything left to do?"""
        return bool(self._waiting) or any(store.due(LATER_MS, 1) for store in self._stores.values())

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


def batches(events: int, directory: Path) -> Iterator[list[str]]:
    """Of the same events always, until nothing is held any longer."""
    worker, rng = Worker(directory), random.Random(SEED)
    inputs = random_inputs(SEED, events)
    while some := list(islice(inputs, rng.randrange(1, _EVENTS))):
        for one in some:
            worker.send(NAMES[one.topic], (b"any key", one.value, list(one.headers), one.timestamp))
        yield list(worker.batch())
    while worker.is_busy():
        yield list(worker.batch(LATER_MS))


def main() -> None:
    """Print the files of the modules that may be compiled, and a line for each batch; or one batch."""
    events, *wanted = map(int, sys.argv[1:])
    if not wanted:
        say(json.dumps(imported()))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as directory:
        for number, lines in enumerate(batches(events, Path(directory))):
            if not wanted:
                say(f"{number} {sha256(ascii(lines).encode()).hexdigest()}")
            elif number == wanted[0]:
                for line in lines:
                    say(ascii(line))
                return


if __name__ == "__main__":
    main()
