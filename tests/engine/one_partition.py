"""Processors on one partition, without a broker: topics are lists, and what a batch wants happens at once."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiokafka.structs import TopicPartition

from processors.engine import EngineSettings, Output, Processor, Stats
from processors.engine.batch import Computer
from processors.engine.expiry import Timekeeper
from processors.engine.inbox import Chunk
from processors.engine.records import Record
from processors.engine.stores import Store
from processors.kafka.connection import KafkaConnection

Stores = Mapping[tuple[str, int], Store]


def settings_by(clock: Callable[[], int]) -> EngineSettings:
    """Of an engine without a broker and without a directory."""
    return EngineSettings(
        connection=KafkaConnection(bootstrap=""),
        application_id="w",
        data_dir=Path(),
        partitions=1,
        clock=clock,
    )


class OnePartition:
    """``now_ms`` is the clock. Each :meth:`begin` is another life of the process, on the same stores."""

    def __init__(self, stores: Stores, now_ms: int) -> None:
        self.stores = stores
        self.now_ms = now_ms
        self.logs: defaultdict[str, list[Record]] = defaultdict(list)
        self.processed: dict[TopicPartition, int] = {}

    def begin(self, jobs: Sequence[Processor[Any, Any]]) -> None:
        self.sources = sorted(topic for job in jobs for topic in job.topics)
        self.processed = {TopicPartition(topic, 0): 0 for topic in self.sources} | self.processed
        settings = settings_by(lambda: self.now_ms)
        self._computer = Computer(1, jobs)
        self.time = Timekeeper(settings, jobs, Stats(), self.stores)

    def append(self, output: Output) -> None:
        """Somebody writes a record."""
        log = self.logs[output.topic]
        log.append(Record(output.topic, 0, len(log), self.now_ms, output.key, output.value, output.headers))

    def ends(self) -> dict[TopicPartition, int]:
        return {TopicPartition(topic, 0): len(self.logs[topic]) for topic in self.sources}

    def work(self, ends: Mapping[TopicPartition, int] | None = None) -> list[Output]:
        """One batch: all that is there, or what was there when it ended so; and what is due. Its outputs."""
        due = self.time.take(self.processed)
        chunks = [
            Chunk(tp, self.logs[tp.topic][self.processed[tp] : end], end)
            for tp, end in (ends or self.ends()).items()
        ]
        watermark_ms = self.time.watermark.time_ms
        effects = self._computer.compute(chunks, due, self.stores, self.now_ms, watermark_ms)
        for place, write in effects.states.items():
            self.stores[place].write(write.items, 0, self.now_ms, write.spent)
        self.processed |= effects.offsets
        outputs = [output for outputs in effects.outputs.values() for output in outputs]
        for output in outputs:
            self.append(output)
        return outputs

    def pass_time(self, ms: int) -> list[Output]:
        """Let the watermark reach a later moment with nothing left to do; all that comes of it."""
        self.now_ms += ms
        outputs: list[Output] = []
        while self.time.watermark.time_ms < self.now_ms or self.processed != self.ends():
            if not self.time.watermark.running:
                self.time.watermark.begin(self.now_ms, self.ends())
            outputs += self.work()
        return outputs + self.work()

    def states(self, table: str) -> dict[bytes, bytes]:
        return dict(self.stores[table, 0].states())
