"""W1 by hand on aiokafka: at least once, state in memory, its changelog in Kafka.

State is kept as bytes in one dict per partition. Every second, and when partitions go: leads acknowledged,
then changelog acknowledged, then offsets. In any other order a crash can lose a lead, because the state says
that it was emitted.
"""

import asyncio
import os
import signal
import time
from collections.abc import Collection
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition

from bench.peers import w1join

COMMIT_S = 1.0
ENV = os.environ
DEFERRED, QUALIFIED, LEADS = ENV["BENCH_DEFERRED"], ENV["BENCH_QUALIFIED"], ENV["BENCH_LEADS"]
CHANGELOG = ENV["BENCH_APP"] + "-changelog"


class Loop(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer, one producer."""

    def __init__(self) -> None:
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=ENV["BENCH_BOOTSTRAP"],
            group_id=ENV["BENCH_APP"],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=1 << 20,
        )
        self._producer = AIOKafkaProducer(
            bootstrap_servers=ENV["BENCH_BOOTSTRAP"],
            acks="all",
            enable_idempotence=True,
            compression_type="snappy",
            linger_ms=5,
            max_batch_size=256 << 10,
        )
        self._states: dict[int, dict[bytes, bytes]] = {}
        self._changed: dict[int, set[bytes]] = {}
        self._flying: list[asyncio.Future[Any]] = []
        self._stop = asyncio.Event()

    async def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        await self._producer.start()
        await self._consumer.start()
        self._consumer.subscribe([DEFERRED, QUALIFIED], listener=self)
        last = time.monotonic()
        while not self._stop.is_set():
            fetched = await self._consumer.getmany(timeout_ms=100, max_records=5_000)
            for place, records in fetched.items():
                await self._process(place, records)
            if time.monotonic() - last > COMMIT_S:
                await self._commit()
                last = time.monotonic()
        await self._commit()
        await self._consumer.stop()
        await self._producer.stop()

    async def _process(self, place: TopicPartition, records: list[Any]) -> None:
        states, changed = self._states[place.partition], self._changed[place.partition]
        is_deferred = place.topic == DEFERRED
        send = self._producer.send
        for record in records:
            state, lead = w1join.apply(states.get(record.key), is_deferred, record.value)
            if state is not None:
                states[record.key] = state
                changed.add(record.key)
            if lead is not None:
                self._flying.append(await send(LEADS, lead, key=record.key, partition=place.partition))

    async def _commit(self) -> None:
        positions = {
            place: await self._consumer.position(place)
            for place in self._consumer.assignment()
            if place.partition in self._states and place not in self._consumer.paused()
        }
        await self._acknowledged()
        for partition, keys in self._changed.items():
            states = self._states[partition]
            for key in keys:
                self._flying.append(
                    await self._producer.send(CHANGELOG, states[key], key=key, partition=partition)
                )
            keys.clear()
        await self._acknowledged()
        if positions:
            await self._consumer.commit(positions)

    async def _acknowledged(self) -> None:
        for future in self._flying:
            await future
        self._flying.clear()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if revoked:
            await self._commit()
        self._states.clear()
        self._changed.clear()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        # Records are handed out while this runs, unless their partitions are paused.
        self._consumer.pause(*assigned)
        partitions = {place.partition for place in assigned}
        self._states = await restored(partitions)
        self._changed = {partition: set() for partition in partitions}
        self._consumer.resume(*assigned)


async def restored(partitions: set[int]) -> dict[int, dict[bytes, bytes]]:
    """The changelog, read to its end."""
    states: dict[int, dict[bytes, bytes]] = {partition: {} for partition in partitions}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=ENV["BENCH_BOOTSTRAP"], enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        places = [TopicPartition(CHANGELOG, partition) for partition in partitions]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        left = {place for place in places if ends[place]}
        while left:
            fetched = await consumer.getmany(timeout_ms=100)
            for place, records in fetched.items():
                states[place.partition].update((record.key, record.value) for record in records)
            for place in list(left):
                if await consumer.position(place) >= ends[place]:
                    left.discard(place)
    finally:
        await consumer.stop()
    return states


async def main() -> None:
    await Loop().run()


if __name__ == "__main__":
    asyncio.run(main())
