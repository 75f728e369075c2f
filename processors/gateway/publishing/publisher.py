"""What handlers call to write events."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from processors.clock import epoch_ms
from processors.gateway.answers import TryAgain
from processors.gateway.publishing.producing import Producing
from processors.gateway.publishing.queues import Queues, Waiting
from processors.kafka.connection.failures import NoSuchTopic
from processors.kafka.placement import partition_for
from processors.kafka.topics import partition_counts
from processors.settings import Settings
from schemas.events import AnyEvent
from schemas.headers import Headers
from schemas.routing import Routed, routed_of
from schemas.topics import EVENT_TOPICS, Topic

log = logging.getLogger(__name__)

Learn = Callable[[AnyEvent, int, Headers], None]
"""An event that is in Kafka now, its time in epoch milliseconds, and its record's headers."""

PUBLISH_S: Final = 2.5
KEEP_S: Final = 0.1
_SWEEP_S: Final = 0.1
_PACE_S: Final = 0.003
"""Least time between two rounds: under load, calls share batches and requests, each of which costs more than
a record."""
_DRAIN_S: Final = 5.0
_MOST_BYTES: Final = 64 << 20
_MOST_KEPT: Final = 50_000
"""Beyond these, what is to be kept is dropped, and what is to be published is refused at once."""


class EventPublisher:
    """The ``Publisher`` of a gateway.

    ``published``, ``kept``: records that were acknowledged, the latter with nobody waiting any more.
    ``late``: calls that were told to try again. ``dropped``: records that ``keep`` was given and that are
    lost. ``waiting``: records without an acknowledgement. Opening raises ``NoBroker`` or ``KafkaRefused``;
    once open, it outlives every outage of the brokers. Closing takes a few seconds at most and drops what is
    not written by then.
    """

    def __init__(self, settings: Settings, learn: Learn, clock: Callable[[], int] = epoch_ms) -> None:
        self._settings = settings
        self._learn = learn
        self._clock = clock
        self._producing = Producing(settings)
        self._places: dict[Topic, list[TopicPartition]] = {}
        self._queues = Queues()
        self._flying: dict[TopicPartition, list[Waiting]] = {}
        self._deadlines: deque[tuple[float, asyncio.Future[None]]] = deque()
        self._sweeping = False
        self._wake, self._landing = asyncio.Event(), asyncio.Event()
        self._kept_now = 0
        self.published = self.kept = self.late = self.dropped = self.batches = 0

    @property
    def waiting(self) -> int:
        """Records without an acknowledgement."""
        return len(self._queues) + sum(map(len, self._flying.values()))

    @property
    def producers(self) -> int:
        """How many there were. More than one: a batch was refused."""
        return self._producing.made

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        counts = await partition_counts(self._settings)
        for topic in EVENT_TOPICS:
            name = self._settings.topic(topic)
            if name not in counts:
                raise NoSuchTopic(name)
            self._places[topic] = [TopicPartition(name, number) for number in range(counts[name])]
        await self._producing.open()
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                await self._drained()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._producing.close()
        lost = [one for records in self._flying.values() for one in records if one.kept]
        lost += [one for place in self._queues.places() for one in self._queues.take(place) if one.kept]
        self.dropped += len(lost)
        if lost:
            log.error("%d events that were to be kept are lost: no broker took them in time", len(lost))

    async def follow(self) -> None:
        """Returns never; raises what has ended the writing, after which nothing is written any more."""
        await asyncio.shield(self._task)

    async def publish(self, value: bytes, *, headers: Headers = (), routed: Routed | None = None) -> None:
        """As ``Publisher`` says."""
        if self._queues.size > _MOST_BYTES:
            self.late += 1
            raise TryAgain("Too many events wait to be written. Try again.")
        record = self._add(value, headers, routed, kept=False)
        self._deadlines.append((self._loop.time() + PUBLISH_S, record.answer))
        if not self._sweeping:
            self._sweeping = True
            self._loop.call_later(_SWEEP_S, self._sweep)
        await record.answer

    async def keep(self, value: bytes, *, headers: Headers = ()) -> None:
        """As ``Publisher`` says."""
        if self._kept_now >= _MOST_KEPT or self._queues.size > _MOST_BYTES:
            self.dropped += 1
            return
        record = self._add(value, headers, None, kept=True)
        self._kept_now += 1
        # Less than half of what asyncio.timeout takes.
        late = self._loop.call_later(KEEP_S, _let_go, record.answer)
        try:
            with suppress(TryAgain):
                await record.answer
        finally:
            late.cancel()

    def _add(self, value: bytes, headers: Headers, routed: Routed | None, *, kept: bool) -> Waiting:
        now_ms = self._clock()
        topic, key, event, at_ms = routed or routed_of(value, now_ms)
        places = self._places[topic]
        place = places[partition_for(key, len(places))]
        answer: asyncio.Future[None] = self._loop.create_future()
        record = Waiting(place, key, value, headers, now_ms, event, at_ms, answer, kept=kept)
        self._queues.add(record)
        if place not in self._flying:
            self._wake.set()
        return record

    def _sweep(self) -> None:
        """Tell those who have waited for too long. Who has an answer is let go at once: thousands that stay
        for seconds are what a garbage collector looks through, in the middle of everything."""
        now, late = self._loop.time(), 0
        while self._deadlines and (self._deadlines[0][1].done() or self._deadlines[0][0] <= now):
            _, answer = self._deadlines.popleft()
            if not answer.done():
                answer.set_exception(TryAgain("Kafka has not acknowledged the event in time. Try again."))
                late += 1
        if late:
            self.late += late
            self._queues.prune()
        self._sweeping = bool(self._deadlines)
        if self._sweeping:
            self._loop.call_later(_SWEEP_S, self._sweep)

    async def _run(self) -> None:
        """Until it is cancelled: whenever a partition has no batch under way, send it the next one."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            producer = await self._producing.ready()
            begun = self._loop.time()
            for place in self._queues.places():
                if place not in self._flying:
                    await self._dispatch(producer, place)
            if (left := _PACE_S - (self._loop.time() - begun)) > 0:
                await asyncio.sleep(left)

    async def _dispatch(self, producer: AIOKafkaProducer, place: TopicPartition) -> None:
        batch = producer.create_batch()
        records = []
        for record in self._queues.take(place):
            headers = list(record.headers)
            added = batch.append(
                timestamp=record.timestamp_ms, key=record.key, value=record.value, headers=headers
            )
            if added is None:
                self._queues.put_back([record])
                break
            records.append(record)
        if not records:
            return
        self._flying[place] = records
        self.batches += 1
        try:
            answer = await producer.send_batch(batch, place.topic, partition=place.partition)
        except KafkaError as error:
            self._refused(producer, place, records, error)
        else:
            answer.add_done_callback(partial(self._landed, producer, place, records))

    def _landed(
        self,
        producer: AIOKafkaProducer,
        place: TopicPartition,
        records: Sequence[Waiting],
        answer: asyncio.Future[Any],
    ) -> None:
        if answer.cancelled():
            return
        if error := answer.exception():
            self._refused(producer, place, records, error)
            return
        self._left(place)
        for record in records:
            self._kept_now -= record.kept
            if not record.answer.done():
                record.answer.set_result(None)
            elif record.kept:
                self.kept += 1
        self.published += len(records)
        # Before any of those who wait goes on, and after all of them were told: what is learned says nothing
        # of whether it is written.
        for record in records:
            self._learn(record.event, record.at_ms, record.headers)

    def _refused(
        self,
        producer: AIOKafkaProducer,
        place: TopicPartition,
        records: Sequence[Waiting],
        error: BaseException,
    ) -> None:
        """Another producer tries them again, as far as somebody still wants that."""
        self._left(place)
        self._producing.retire(producer, error)
        if isinstance(error, MessageSizeTooLargeError):
            self._give_up(place, records)
        else:
            self._queues.put_back(records)

    def _give_up(self, place: TopicPartition, records: Sequence[Waiting]) -> None:
        log.error("topic %s takes no batch of %d bytes: `leadstream topics check`", place.topic, len(records))
        for record in records:
            self._kept_now -= record.kept
            self.dropped += record.kept
            if record.answer.done():
                continue
            if record.kept:
                record.answer.set_result(None)  # lost, and counted: who keeps something never fails
            else:
                record.answer.set_exception(TryAgain("Kafka does not take the event."))

    def _left(self, place: TopicPartition) -> None:
        """The partition is free for its next batch."""
        del self._flying[place]
        self._wake.set()
        self._landing.set()

    async def _drained(self) -> None:
        while self._queues or self._flying:
            self._landing.clear()
            await self._landing.wait()


def _let_go(answer: "asyncio.Future[None]") -> None:
    """Whoever waits goes on."""
    if not answer.done():
        answer.set_result(None)
