"""What the bench asks of the broker: topics, loading, committed offsets, reading to the end."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from bench.record import Record
from processors.kafka.placement import partition_for

_BATCH_BYTES: Final = 256 * 1024
_IN_FLIGHT: Final = 64


class Broker:
    """A client of one broker; every topic has ``partitions`` partitions."""

    def __init__(
        self, bootstrap: str, partitions: int, admin: AIOKafkaAdminClient, offsets: AIOKafkaConsumer
    ) -> None:
        self.bootstrap = bootstrap
        self.partitions = partitions
        self._admin = admin
        self._offsets = offsets

    async def create(self, topics: Mapping[str, Mapping[str, str]]) -> None:
        """Topics (full names) with their configs. Raises ``KafkaError``."""
        new = [NewTopic(name, self.partitions, 1, topic_configs=dict(topics[name])) for name in topics]
        response = await self._admin.create_topics(new)
        for name, code, message in (tuple(row)[:3] for row in response.topic_errors):
            if code:
                raise for_code(code)(f"{name}: {message}")
        while await self._leaderless(topics):  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.05)

    async def _leaderless(self, topics: Iterable[str]) -> bool:
        described = await self._admin.describe_topics(list(topics))
        return any(one["error_code"] or any(p["leader"] < 0 for p in one["partitions"]) for one in described)

    async def load(self, records: Iterable[Record], names: Mapping[str, str]) -> int:
        """Produce everything, in order within a partition; returns how many. ``names``: short → full."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=_BATCH_BYTES,
        )
        await producer.start()
        try:
            return await _Loader(producer, names, self.partitions).load(records)
        finally:
            await producer.stop()

    async def committed(self, group: str, topics: Iterable[str]) -> int:
        """Records of these topics that the group is past; 0 without a group."""
        try:
            offsets = await self._admin.list_consumer_group_offsets(group)
        except KafkaError:
            return 0
        wanted = set(topics)
        return sum(max(0, one.offset) for place, one in offsets.items() if place.topic in wanted)

    async def end(self, topic: str) -> int:
        """Sum of the partitions' ends: grows with whatever is written."""
        places = [TopicPartition(topic, number) for number in range(self.partitions)]
        return sum((await self._offsets.end_offsets(places)).values())

    async def records(self, topic: str) -> list[ConsumerRecord[Any, Any]]:
        """Every committed record, in order within a partition, up to the present end."""
        found: list[ConsumerRecord[Any, Any]] = []
        async with self.reader(topic) as consumer:
            ends = await consumer.end_offsets(consumer.assignment())
            left = {place for place, end in ends.items() if end}
            while left:
                fetched = await consumer.getmany(timeout_ms=100)
                for batch in fetched.values():
                    found += batch
                for place in list(left):
                    if await consumer.position(place) >= ends[place]:
                        left.discard(place)
        return found

    @asynccontextmanager
    async def reader(self, topic: str, *, from_end: bool = False) -> AsyncIterator[AIOKafkaConsumer]:
        """A read_committed consumer of all partitions, from the beginning or from the present end."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 << 20,
        )
        await consumer.start()
        try:
            places = [TopicPartition(topic, number) for number in range(self.partitions)]
            consumer.assign(places)
            await (consumer.seek_to_end(*places) if from_end else consumer.seek_to_beginning(*places))
            yield consumer
        finally:
            await consumer.stop()


@asynccontextmanager
async def connected(bootstrap: str, partitions: int) -> AsyncIterator[Broker]:
    """Raises ``KafkaError`` when no broker answers."""
    async with AsyncExitStack() as stack:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=30_000)
        stack.push_async_callback(admin.close)
        await admin.start()
        # Ends are the log's, decided or not.
        offsets = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_uncommitted")
        stack.push_async_callback(offsets.stop)
        await offsets.start()
        yield Broker(bootstrap, partitions, admin, offsets)


class _Loader:
    """One open batch per partition; a bounded number of them on the way."""

    def __init__(self, producer: AIOKafkaProducer, names: Mapping[str, str], partitions: int) -> None:
        self._producer = producer
        self._names = names
        self._partitions = partitions
        self._open: dict[tuple[str, int], Any] = {}
        self._flying: set[asyncio.Future[Any]] = set()

    async def load(self, records: Iterable[Record]) -> int:
        count = 0
        for record in records:
            count += 1
            place = self._names[record.topic], partition_for(record.key, self._partitions)
            batch = self._open.get(place)
            if batch is None or batch.append(timestamp=None, key=record.key, value=record.value) is None:
                if batch is not None:
                    await self._send(place)
                batch = self._open[place] = self._producer.create_batch()
                batch.append(timestamp=None, key=record.key, value=record.value)
        for place in list(self._open):
            await self._send(place)
        for future in self._flying:
            await future
        return count

    async def _send(self, place: tuple[str, int]) -> None:
        batch = self._open.pop(place)
        self._flying.add(await self._producer.send_batch(batch, place[0], partition=place[1]))
        if len(self._flying) > _IN_FLIGHT:
            done, self._flying = await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                future.result()
