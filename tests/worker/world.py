"""Both joins on one partition, without a broker: topics are lists, and what a batch wants happens at once."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from aiokafka.structs import TopicPartition

from processors.attribution.policy import Policy
from processors.engine import EngineSettings, Output, Stats
from processors.engine.batch import Computer
from processors.engine.expiry import Timekeeper
from processors.engine.inbox import Chunk
from processors.engine.records import Record
from processors.engine.stores import Store
from processors.worker.processors import ClickProcessor, CustomerProcessor
from schemas.topics import Topic

NOW = 1_780_000_000_000
NAMES = {topic: topic.value for topic in Topic}

Stores = Mapping[tuple[str, int], Store]


class World:
    """``now_ms`` is the clock. Each :meth:`start` is another life of the worker, on the same stores."""

    def __init__(self, stores: Stores, policy: Policy) -> None:
        self.stores = stores
        self.now_ms = NOW
        self.logs: defaultdict[str, list[Record]] = defaultdict(list)
        self.processed: dict[TopicPartition, int] = {}
        self.start(policy)

    def start(self, policy: Policy) -> None:
        self.jobs = (
            ClickProcessor(NAMES, policy, lambda: self.now_ms),
            CustomerProcessor(NAMES, policy, lambda: self.now_ms),
        )
        self.sources = sorted(topic for job in self.jobs for topic in job.topics)
        self.processed = {TopicPartition(topic, 0): 0 for topic in self.sources} | self.processed
        settings = EngineSettings(
            bootstrap="", application_id="w", data_dir=Path(), partitions=1, clock=lambda: self.now_ms
        )
        self._computer = Computer(1, self.jobs)
        self.time = Timekeeper(settings, self.jobs, Stats(), self.stores)

    def send(self, topic: Topic, **fields: Any) -> None:
        """An event of one workspace, of now unless it says otherwise, under the key of its content."""
        value = orjson.dumps({"workspaceId": "acme", "timestamp": self.now_ms} | fields)
        named = fields.get("clickId") or fields["customerExternalId"]
        self._append(Output(NAMES[topic], f"acme:{named}".encode(), value))

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
            self._append(output)
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

    def _append(self, output: Output) -> None:
        log = self.logs[output.topic]
        log.append(Record(output.topic, 0, len(log), self.now_ms, output.key, output.value, output.headers))


def of_topic(outputs: list[Output], topic: Topic) -> list[Any]:
    return [orjson.loads(one.value or b"null") for one in outputs if one.topic == NAMES[topic]]
