"""What is left of a person in tables, files and topics, byte by byte; and what makes them forget sooner."""

import asyncio
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from stat import S_ISREG

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as AioTopicPartition
from clickhouse_connect.driver.client import Client
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from processors.engine import changelog_topic
from processors.files import found_in
from processors.sink.erasing import ERASED_ROWS
from processors.worker.run import layouts_of
from schemas.topics import Topic
from tests.integration.stack import STORED, Stack

RAW = (*ERASED_ROWS, "erased_raw")


def drop_old_parts_soon(client: Client) -> None:
    soon = "old_parts_lifetime = 1, cleanup_delay_period = 1, max_cleanup_delay_period = 1"
    for table in RAW:
        client.command(f"ALTER TABLE {table} MODIFY SETTING {soon}")


def everything(client: Client) -> bytes:
    return b"".join(client.raw_query(f"SELECT * FROM {table} FORMAT TSVRaw") for table in RAW)


def files_with(directory: Path, mark: bytes) -> list[Path]:
    """Files may vanish while they are searched: what is gone holds nothing."""
    found = []
    for path, of_it in found_in(directory):
        with suppress(FileNotFoundError):
            if S_ISREG(of_it.st_mode) and mark in path.read_bytes():
                found.append(path)
    return found


def compacted(stack: Stack) -> list[str]:
    tables = [changelog_topic(stack.settings.worker_group, table) for table in ("clicks", "customers")]
    return [stack.settings.topic(Topic.CUSTOMERS), *tables]


def compact_eagerly(stack: Stack) -> None:
    eager = {"segment.ms": "500", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "500"}
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in eager.items()
    ]
    resources = [
        ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
        for name in compacted(stack)
    ]
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})
    for future in admin.incremental_alter_configs(resources).values():
        future.result(20)


def ends(stack: Stack) -> dict[tuple[str, int], int]:
    """Of every partition of every topic, changelogs included."""
    with closing(stack._consumer("reader")) as consumer:
        return {
            (layout.name, partition): consumer.get_watermark_offsets(
                TopicPartition(layout.name, partition), 20
            )[1]
            for layout in layouts_of(stack.settings)
            for partition in range(layout.partitions)
        }


def surviving(stack: Stack, name: str, since: Mapping[tuple[str, int], int] | None = None) -> list[bytes]:
    """Keys, values and headers of all committed records of a topic, or of those since these offsets."""
    return asyncio.run(_surviving(stack, name, since or {}))


async def _surviving(stack: Stack, name: str, since: Mapping[tuple[str, int], int]) -> list[bytes]:
    """By positions: of a topic that is compacted while it is read librdkafka may never see the end."""
    found: list[bytes] = []
    servers = stack.settings.kafka_bootstrap
    async with (
        asyncio.timeout(60),
        AIOKafkaConsumer(bootstrap_servers=servers, isolation_level="read_committed") as consumer,
    ):
        places = [AioTopicPartition(name, one) for one in range(stack.settings.partitions)]
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        consumer.assign(places)
        for place in places:
            consumer.seek(place, max(since.get((name, place.partition), 0), begins[place]))
        while [place for place in places if await consumer.position(place) < ends[place]]:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    found += [record.key or b"", record.value or b"", *(value for _, value in record.headers)]
    return found


def read_from_the_beginning(stack: Stack) -> None:
    """The sink, that is, which has left its group."""
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})
    places = [
        TopicPartition(stack.settings.topic(topic), partition, 0)
        for topic in STORED
        for partition in range(stack.settings.partitions)
    ]
    asked = [ConsumerGroupTopicPartitions(stack.settings.full_sink_group, places)]
    for future in admin.alter_consumer_group_offsets(asked).values():
        future.result(30)
