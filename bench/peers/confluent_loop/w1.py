"""W1 by hand on librdkafka: at least once, state in memory, its changelog in Kafka.

As fast as Python gets, and the same order as in the loop on aiokafka: leads acknowledged, then changelog
acknowledged, then offsets.
"""

import gc
import os
import signal
import time
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from bench.peers import w1join

COMMIT_S = 1.0
ENV = os.environ
DEFERRED, QUALIFIED, LEADS = ENV["BENCH_DEFERRED"], ENV["BENCH_QUALIFIED"], ENV["BENCH_LEADS"]
CHANGELOG = ENV["BENCH_APP"] + "-changelog"


class Loop:
    """One consumer, one producer."""

    def __init__(self) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": ENV["BENCH_BOOTSTRAP"],
                "group.id": ENV["BENCH_APP"],
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 10_000,
                "fetch.wait.max.ms": 10,
            }
        )
        self._producer = Producer(
            {
                "bootstrap.servers": ENV["BENCH_BOOTSTRAP"],
                "enable.idempotence": True,
                "linger.ms": 5,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 1_000_000,
                "delivery.report.only.error": True,
                "on_delivery": _delivered,
            }
        )
        self._states: dict[int, dict[bytes, bytes]] = {}
        self._changed: dict[int, set[bytes]] = {}
        self._positions: dict[tuple[str, int], int] = {}
        self._going = True

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        gc.freeze()
        gc.set_threshold(100_000, 20, 100)
        self._consumer.subscribe([DEFERRED, QUALIFIED], on_assign=self._assigned, on_revoke=self._revoked)
        last = time.monotonic()
        while self._going:
            self._process(self._consumer.consume(5_000, 0.02))
            if time.monotonic() - last > COMMIT_S:
                self._commit()
                last = time.monotonic()
        self._commit()
        self._consumer.close()

    def _process(self, messages: list[Any]) -> None:
        produce, apply = self._producer.produce, w1join.apply
        for message in messages:
            if message.error() is not None:
                raise KafkaException(message.error())
            key, topic, partition = message.key(), message.topic(), message.partition()
            states = self._states[partition]
            state, lead = apply(states.get(key), topic == DEFERRED, message.value())
            if state is not None:
                states[key] = state
                self._changed[partition].add(key)
            if lead is not None:
                produce(LEADS, lead, key, partition)
            self._positions[topic, partition] = message.offset() + 1
        self._producer.poll(0)

    def _commit(self) -> None:
        if not self._positions:
            return
        self._producer.flush()
        for partition, keys in self._changed.items():
            states = self._states[partition]
            for key in keys:
                self._producer.produce(CHANGELOG, states[key], key, partition)
            keys.clear()
        self._producer.flush()
        offsets = [TopicPartition(*place, offset) for place, offset in self._positions.items()]
        self._consumer.commit(offsets=offsets, asynchronous=False)
        self._positions.clear()

    def _assigned(self, consumer: Any, places: list[Any]) -> None:
        partitions = {place.partition for place in places}
        self._states = restored(partitions)
        self._changed = {partition: set() for partition in partitions}
        consumer.assign(places)

    def _revoked(self, *_: object) -> None:
        self._commit()
        self._states.clear()
        self._changed.clear()

    def _stop(self, *_: object) -> None:
        self._going = False


def restored(partitions: set[int]) -> dict[int, dict[bytes, bytes]]:
    """The changelog, read to its end."""
    states: dict[int, dict[bytes, bytes]] = {partition: {} for partition in partitions}
    consumer = Consumer(
        {
            "bootstrap.servers": ENV["BENCH_BOOTSTRAP"],
            "group.id": ENV["BENCH_APP"] + "-restore",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
        }
    )
    consumer.assign([TopicPartition(CHANGELOG, partition, OFFSET_BEGINNING) for partition in partitions])
    left = set(partitions)
    while left:
        for message in consumer.consume(10_000, 0.1):
            if message.error() is None:
                states[message.partition()][message.key()] = message.value()
            elif message.error().code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                left.discard(message.partition())
            else:
                raise KafkaException(message.error())
    consumer.close()
    return states


def _delivered(error: Any, _: object) -> None:
    if error is not None:
        raise KafkaException(error)


if __name__ == "__main__":
    Loop().run()
