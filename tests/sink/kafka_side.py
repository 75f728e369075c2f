"""A deployment of the sink alone: its own topics and database, and somebody who writes to the topics."""

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from pydantic import SecretStr

from processors.kafka.topics import create_topics
from processors.settings import Settings
from processors.sink.loop import Sink
from processors.sink.writer import Writer
from processors.worker.run import layouts_of
from schemas.topics import Topic
from tests.clickhouse.database import Database
from tests.sink import records
from tests.sink.records import T0, click

PARTITIONS = 2
Message = tuple[Topic, bytes | None, bytes | None]
"""Topic, key, value."""


@dataclass
class Deployment:
    settings: Settings
    database: Database

    def topic(self, topic: Topic) -> str:
        return self.settings.topic(topic)

    async def send(self, messages: Sequence[Message], at_ms: int | None = None) -> None:
        """Wait until the brokers have them all; each goes where its key belongs."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap, linger_ms=5, acks="all")
        await producer.start()
        try:
            sent = [
                await producer.send(self.topic(topic), value, key, timestamp_ms=at_ms)
                for topic, key, value in messages
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def read(self, topic: Topic) -> list[ConsumerRecord]:
        """Everything that is in a topic."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            places = [TopicPartition(self.topic(topic), number) for number in range(PARTITIONS)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            records: list[ConsumerRecord] = []
            while len(records) < sum(ends.values()):
                for some in (await consumer.getmany(timeout_ms=100)).values():
                    records += some
            return records
        finally:
            await consumer.stop()

    async def committed(self) -> int:
        """Records of all topics that the group has committed."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.settings.kafka_bootstrap,
            group_id=self.settings.full_sink_group,
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            places = [
                TopicPartition(self.topic(topic), number)
                for topic in (Topic.CLICKS, Topic.LEADS, Topic.SALES, Topic.CUSTOMERS, Topic.UNMATCHED)
                for number in range(PARTITIONS)
            ]
            consumer.assign(places)
            return sum([await consumer.committed(place) or 0 for place in places])
        finally:
            await consumer.stop()

    def count(self, view: str) -> int:
        return int(str(self.database.client.command(f"SELECT count() FROM {view}")))

    @asynccontextmanager
    async def running(self, **clients: Writer) -> AsyncIterator[Sink]:
        """A sink in this process, which ends by being told to."""
        stopping = asyncio.Event()
        writer = clients.get("writer") or Writer(
            self.database.client, stopping, lambda _: None, longest_pause_s=0.2
        )
        sink = Sink(self.settings, writer, stopping)
        task = asyncio.create_task(sink.run())
        try:
            yield sink
        finally:
            stopping.set()
            await task

    def spawn(self) -> "subprocess.Popen[bytes]":
        """A sink in a process of its own."""
        program = (
            "import asyncio, sys\n"
            "from processors.settings import Settings\n"
            "from processors.sink import SinkFailed, run_sink\n"
            "try:\n"
            "    asyncio.run(run_sink(Settings()))\n"
            "except SinkFailed as error:\n"
            "    print(error, file=sys.stderr)\n"
            "    sys.exit(error.exit_code)\n"
        )
        env = {
            **os.environ,
            "LEADSTREAM_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "LEADSTREAM_CLICKHOUSE_URL": self.database.url,
            "LEADSTREAM_TOPIC_PREFIX": self.settings.topic_prefix,
            "LEADSTREAM_SESSION_TIMEOUT": f"{self.settings.session_timeout}ms",
            "LEADSTREAM_SINK_FLUSH_INTERVAL": f"{self.settings.sink_flush_interval}ms",
            "LEADSTREAM_SINK_BATCH_ROWS": str(self.settings.sink_batch_rows),
        }
        return subprocess.Popen([sys.executable, "-c", program], env=env, stderr=subprocess.PIPE)


async def deploy(bootstrap: str, database: Database, **settings: int) -> Deployment:
    """Topics under a prefix of their own."""
    chosen = Settings(
        kafka_bootstrap=bootstrap,
        clickhouse_url=SecretStr(database.url),
        topic_prefix=f"sink-{uuid.uuid4().hex[:8]}.",
        partitions=PARTITIONS,
        **{"sink_flush_interval": 100, "session_timeout": 6_000, **settings},  # type: ignore[arg-type]
    )
    await create_topics(chosen, layouts_of(chosen))
    return Deployment(chosen, database)


async def until(condition: Callable[[], bool | Awaitable[bool]], timeout_s: float = 30) -> None:
    """Ask until it holds."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if await answer if isinstance(answer, Awaitable) else answer:
            return
        assert time.monotonic() < deadline, "still not so"
        await asyncio.sleep(0.02)


def clicks(count: int, tag: str = "k") -> list[Message]:
    return [
        (Topic.CLICKS, f"w:{tag}{number}".encode(), click(f"{tag}{number}", T0 + number))
        for number in range(count)
    ]


def leads(count: int) -> list[Message]:
    return [
        (Topic.LEADS, f"w:c{number}".encode(), records.lead(f"c{number}", revision=revision))
        for revision in (1, 2)
        for number in range(count)
    ]


def whole(deployment: Deployment) -> dict[str, int]:
    return {view: len(rows) for view, rows in deployment.database.snapshot().items() if rows}
