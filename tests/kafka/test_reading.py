"""Reading topics as they are at one moment, against a real Kafka."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from deploy.local.kafka import LocalKafka
from processors.kafka.connection import KafkaRefused, NoBroker
from processors.kafka.reading import Span, TopicReader
from processors.kafka.topics import create_topics
from processors.settings import Settings
from processors.worker.run import layouts_of
from schemas.topics import Topic

pytestmark = pytest.mark.integration


@pytest.fixture
async def settings(kafka: LocalKafka, tmp_path: Path) -> Settings:
    settings = Settings(kafka_bootstrap=kafka.bootstrap, topic_prefix=f"{tmp_path.name}.", partitions=2)
    await create_topics(settings, layouts_of(settings))
    return settings


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """Every record of it is in a transaction."""
    async with AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, transactional_id=settings.topic_prefix
    ) as producer:
        yield producer


async def write(producer: AIOKafkaProducer, settings: Settings, *values: bytes, **fields: int) -> None:
    for value in values:
        await producer.send(settings.topic(Topic.CLICKS), value, **{"partition": 0, **fields})


async def read(reader: TopicReader, spans: dict[TopicPartition, Span]) -> list[bytes]:
    return [record.value async for records in reader.records(spans) for record in records]


async def test_reads_what_was_committed_at_the_start(settings: Settings, producer: AIOKafkaProducer) -> None:
    async with TopicReader(settings) as reader:
        assert await read(reader, await reader.spans([Topic.CLICKS, Topic.LEADS])) == []
        async with producer.transaction():
            await write(producer, settings, b"1", b"2")
            await write(producer, settings, b"other", partition=1)
        await producer.begin_transaction()
        await write(producer, settings, b"aborted")
        await producer.abort_transaction()
        async with producer.transaction():
            await write(producer, settings, b"3")
        spans = await reader.spans([Topic.CLICKS])
        async with producer.transaction():
            await write(producer, settings, b"too late")

        assert sorted(await read(reader, spans)) == [b"1", b"2", b"3", b"other"]
        first = TopicPartition(settings.topic(Topic.CLICKS), 0)
        assert await read(reader, {first: spans[first]}) == [b"1", b"2", b"3"]
        assert await read(reader, {first: Span(1, 2)}) == [b"2"]


async def test_waits_for_no_transaction(settings: Settings, producer: AIOKafkaProducer) -> None:
    async with TopicReader(settings) as reader:
        async with producer.transaction():
            await write(producer, settings, b"decided")
        await producer.begin_transaction()
        await write(producer, settings, b"undecided")
        await producer.flush()
        assert await read(reader, await reader.spans([Topic.CLICKS])) == [b"decided"]
        await producer.abort_transaction()


async def test_reads_from_a_time_on(settings: Settings, producer: AIOKafkaProducer) -> None:
    async with TopicReader(settings) as reader, producer.transaction():
        await write(producer, settings, b"old", timestamp_ms=1_780_000_000_000)
        await write(producer, settings, b"new", timestamp_ms=1_780_000_000_001)
    async with TopicReader(settings) as reader:
        spans = await reader.spans([Topic.CLICKS], since_ms=1_780_000_000_001)
        assert await read(reader, spans) == [b"new"]
        assert await read(reader, await reader.spans([Topic.CLICKS], since_ms=1_780_000_000_002)) == []


async def test_more_than_one_fetch(settings: Settings, producer: AIOKafkaProducer) -> None:
    values = [b"%06d" % number for number in range(12_000)]
    async with producer.transaction():
        await write(producer, settings, *values)
    async with TopicReader(settings) as reader:
        assert await read(reader, await reader.spans([Topic.CLICKS])) == values


async def test_says_what_is_not_there(kafka: LocalKafka, tmp_path: Path) -> None:
    settings = Settings(kafka_bootstrap=kafka.bootstrap, topic_prefix=f"{tmp_path.name}.")
    async with TopicReader(settings) as reader:
        with pytest.raises(KafkaRefused, match=r"clicks does not exist: run `leadstream topics create`"):
            await reader.spans([Topic.CLICKS])
    with pytest.raises(NoBroker, match=r"no Kafka broker answers at 127\.0\.0\.1:1"):
        async with TopicReader(Settings(kafka_bootstrap="127.0.0.1:1")):
            pass
