"""Lag in records and in seconds, and rates, as a real Kafka knows them."""

from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from deploy.local.kafka import LocalKafka
from processors.kafka.connecting import connection_of
from processors.kafka.lag import LagReader
from processors.kafka.topics import create_topics
from processors.settings import Settings
from processors.status.figures import Rates, Stage
from processors.status.kafka_side import MINUTE_MS, KafkaSide
from processors.worker.run import layouts_of
from schemas.topics import Topic

pytestmark = pytest.mark.integration

NOW_MS = 1_795_905_555_507


@pytest.fixture
async def settings(kafka: LocalKafka, tmp_path: Path) -> Settings:
    name = tmp_path.name
    settings = Settings(
        kafka_bootstrap=kafka.bootstrap,
        topic_prefix=f"{name}.",
        application_id=name,
        sink_group=name,
        partitions=2,
    )
    await create_topics(settings, layouts_of(settings))
    return settings


async def write(settings: Settings, topic: Topic, ages_s: list[int], partition: int = 0) -> None:
    """Records so many seconds old, in a transaction."""
    async with (
        AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap, transactional_id=settings.topic_prefix
        ) as producer,
        producer.transaction(),
    ):
        for age in ages_s:
            at = NOW_MS - 1_000 * age
            await producer.send(settings.topic(topic), b"1", partition=partition, timestamp_ms=at)


async def commit(settings: Settings, offsets: dict[int, int]) -> None:
    """What the sink has read of clicks."""
    consumer = connection_of(settings).consumer(group_id=settings.full_sink_group, enable_auto_commit=False)
    await consumer.start()
    try:
        topic = settings.topic(Topic.CLICKS)
        consumer.assign([TopicPartition(topic, number) for number in offsets])
        await consumer.commit(
            {TopicPartition(topic, number): OffsetAndMetadata(at, "") for number, at in offsets.items()}
        )
    finally:
        await consumer.stop()


def sink(records: int, seconds: float) -> Stage:
    return Stage("sink", "", 0, records, seconds)


async def test_lag_and_rates(settings: Settings) -> None:
    now = NOW_MS
    async with LagReader(settings) as reader:
        side = KafkaSide(settings, reader, lambda: now)

        async def seen() -> tuple[Stage, Rates]:
            flow = await side.flow()
            _, found = flow.stages
            return Stage(found.name, "", found.members, found.records, found.seconds), flow.rates

        assert await seen() == (sink(0, 0.0), Rates(0, 0, 0))
        await write(settings, Topic.CLICKS, [300, 50, 10])
        await write(settings, Topic.CLICKS, [20, 5], partition=1)
        now += MINUTE_MS // 10
        stage, rates = await seen()
        assert stage == sink(5, 306.0)
        assert rates == Rates(4, 0, 0)
        # The oldest has been read; then all of them, the markers of the transactions not.
        await commit(settings, {0: 1})
        assert await seen() == (sink(4, 56.0), rates)
        await commit(settings, {0: 3, 1: 2})
        assert await seen() == (sink(0, 0.0), rates)
        now += MINUTE_MS
        assert await seen() == (sink(0, 0.0), Rates(0, 0, 0))
