"""What a sink costs at most: time to end, and memory."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clickhouse.connection import connect
from processors.settings import Settings
from processors.sink import run
from processors.sink.loop import Sink
from processors.sink.writer import Writer
from schemas.decoding import MAX_RECORD_BYTES
from schemas.topics import Topic
from tests.clickhouse.database import Database, fresh_database
from tests.sink.kafka_side import deploy, until
from tests.sink.records import T0, click

ORCHESTRATORS_GRACE_S = 30
"""From SIGTERM to SIGKILL, in Kubernetes."""


@pytest.mark.integration
async def test_it_ends_though_clickhouse_is_frozen(kafka: LocalKafka, tmp_path: Path) -> None:
    """A server that takes a request and never answers: no error ends the wait, only a timeout does."""
    with LocalClickHouse(tmp_path / "clickhouse") as server, fresh_database(server.url) as database:
        deployment = await deploy(kafka.bootstrap, database)
        client, stopping = connect(database.url, patience_s=2), asyncio.Event()
        waiting: list[str] = []
        sink = Sink(deployment.settings, Writer(client, stopping, waiting.append), stopping)
        running = asyncio.create_task(sink.run())
        await deployment.send([(Topic.CLICKS, b"w:a", click("a", T0))])
        await until(lambda: deployment.count("clicks") == 1)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            await deployment.send([(Topic.CLICKS, b"w:b", click("b", T0))])
            await until(lambda: bool(waiting))
            stopping.set()
            async with asyncio.timeout(ORCHESTRATORS_GRACE_S):
                await running
        finally:
            os.kill(server.pid, signal.SIGCONT)
            client.close()
        async with deployment.running():
            await until(lambda: deployment.count("clicks") == 2)


def test_an_insert_under_way_is_waited_for_within_the_grace() -> None:
    assert run._SILENCE_S <= ORCHESTRATORS_GRACE_S / 2


class Endless:
    """A topic of the largest records, as many as one asks for."""

    def __init__(self, topic: str) -> None:
        self._place = TopicPartition(topic, 0)
        self._value = click("c", T0, unknownField="x" * (MAX_RECORD_BYTES - 200))

    async def getmany(
        self,
        *,
        timeout_ms: int,  # noqa: ARG002 - it never has to wait
        max_records: int,
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        record = ConsumerRecord(
            topic=self._place.topic,
            partition=0,
            offset=0,
            timestamp=T0,
            timestamp_type=0,
            key=b"w:c",
            value=self._value,
            checksum=None,
            serialized_key_size=3,
            serialized_value_size=len(self._value),
            headers=(),
        )
        return {self._place: [record] * max_records}


@pytest.mark.integration
async def test_a_batch_is_bound_by_bytes_too(database: Database) -> None:
    """By rows alone, two thousand of the largest records would be 500 MB."""
    stopping, settings = asyncio.Event(), Settings(sink_batch_rows=2_000)
    writer = Writer(database.client, stopping, lambda _: None)
    sink = Sink(settings, writer, stopping)
    consumer, sink._consumer = sink._consumer, Endless(settings.topic(Topic.CLICKS))
    try:
        batch = await sink._gather()
        assert 32 << 20 <= batch.bytes <= 128 << 20
    finally:
        sink._consumer = consumer
        await sink._close()
