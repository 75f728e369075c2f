"""Traffic at a steady pace, and a reader with a stop-watch."""

import threading
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Protocol

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from processors.demo.faults import Faults, with_faults
from processors.demo.steps import DemoEvent
from processors.demo.traffic import generate
from processors.engine import partition_for
from schemas.topics import Topic
from tests.integration.stack import Stack

MESSY = Faults(malformed_share=0.01, duplicate_share=0.05, miskeyed_share=0.02, shuffle_window=2_000)
_TICK_S = 0.01


def mixed(events: int, seed: int) -> list[DemoEvent]:
    """At least so many events, out of order, duplicated, misplaced, malformed."""
    return list(with_faults(generate(events, seed, time.time_ns() // 1_000_000), MESSY, seed))


class Event(Protocol):
    """Where it belongs, under which key, and its bytes; None: a tombstone."""

    @property
    def topic(self) -> Topic: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...


class Load(threading.Thread):
    """Sends events, at most ``per_second``, up to a gate that whoever injects faults moves on."""

    def __init__(self, stack: Stack, events: Sequence[Event], per_second: int) -> None:
        super().__init__(name="load", daemon=True)
        self._stack = stack
        self._events = events
        self._per_second = per_second
        self._gate = len(events)
        self._given_up = False
        self.sent = 0
        self.refused: list[str] = []

    def gate(self, share: float) -> None:
        """Send this share of everything for now, and little more."""
        self._gate = int(share * len(self._events))

    def run(self) -> None:
        producer = self.producer()
        step = max(1, int(self._per_second * _TICK_S))
        due = time.monotonic()
        while self.sent < len(self._events) and not self._given_up:
            # At the gate a trickle goes on: who comes back from a fault shows it by working.
            until = min(self.sent + step, self._gate) if self.sent < self._gate else self.sent + 1
            for event in self._events[self.sent : until]:
                self._send(producer, event)
                self.sent += 1
            due += _TICK_S
            producer.poll(0)
            late = time.monotonic() - due
            time.sleep(max(0.0, -late))
            due += max(0.0, late - _TICK_S)  # what a busy machine has held up is not made up for at once
        producer.flush()

    def producer(self) -> Producer:
        """Idempotent, so that a broker that goes away neither loses nor doubles nor reorders."""
        return Producer(
            {
                "bootstrap.servers": self._stack.settings.kafka_bootstrap,
                "linger.ms": 5,
                "enable.idempotence": True,
                "delivery.timeout.ms": 300_000,
                "log_level": 0,
            }
        )

    def _send(self, producer: Producer, event: Event) -> None:
        settings = self._stack.settings
        place = {} if event.key is None else {"partition": partition_for(event.key, settings.partitions)}
        while True:
            try:
                producer.produce(
                    settings.topic(event.topic),
                    event.value,
                    key=event.key,
                    on_delivery=self._delivered,
                    **place,
                )
            except BufferError:
                producer.poll(0.1)
            else:
                return

    def _delivered(self, error: KafkaError | None, _: object) -> None:
        if error is not None:
            self.refused.append(str(error))

    def finish(self, timeout: float = 300) -> None:
        """Wait until the broker has acknowledged everything."""
        self.gate(1.0)
        self.join(timeout)
        assert not self.is_alive(), f"only {self.sent} of {len(self._events)} events sent"
        assert not self.refused, self.refused[:3]

    def give_up(self) -> None:
        """The test has failed."""
        self._given_up = True
        self.join(10)


class Watch(threading.Thread):
    """A ``read_committed`` reader of a topic that notes how long each partition had nothing to read.

    Under steady traffic that is a few hundredths of a second, unless something stands in the way.
    """

    def __init__(self, stack: Stack, topic: Topic) -> None:
        super().__init__(name="watch", daemon=True)
        self._stack = stack
        self._topic = topic
        self._ended = threading.Event()
        self._last: dict[int, float] = {}
        self.longest: dict[int, float] = {}
        self.read = 0

    def run(self) -> None:
        settings = self._stack.settings
        topic = settings.topic(self._topic)
        config = {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": "watch",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 20,
            "reconnect.backoff.max.ms": 500,
            "log_level": 0,
        }
        with closing(Consumer(config)) as consumer:
            consumer.assign([TopicPartition(topic, p, 0) for p in range(settings.partitions)])
            while not self._ended.is_set():
                for message in consumer.consume(500, 0.02):
                    if message.error() is None:
                        self._note(message.partition())

    def _note(self, partition: int) -> None:
        now = time.monotonic()
        gap = now - self._last.get(partition, now)
        self.longest[partition] = max(self.longest.get(partition, 0.0), gap)
        self._last[partition] = now
        self.read += 1

    def heard_since(self, moment: float) -> int:
        """Partitions that had something to read since."""
        return sum(last > moment for last in list(self._last.values()))

    def reset(self) -> None:
        """Forget the gaps so far, as those of a start."""
        self.longest.clear()

    def finish(self) -> float:
        """The longest gap of any partition, in seconds."""
        self._ended.set()
        self.join(30)
        return max(self.longest.values(), default=0.0)
