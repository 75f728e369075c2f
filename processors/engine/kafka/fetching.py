"""The consumer thread: what has been fetched, with the range of the log it covers."""

import asyncio
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from typing import Any

from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as driver

from processors.clock import boottime
from processors.engine.contiguity import Fetched
from processors.engine.exits import die
from processors.engine.intake import least_grant
from processors.engine.kafka import private
from processors.engine.kafka.tables import FAUST_LOG
from processors.engine.records import slim
from processors.kafka.header_names import tolerate

#: Records taken from the fetcher at a time: bounds how long the thread unpacks without sending a heartbeat.
_TAKE = 5000
#: Between two looks whether records may flow again.
_PAUSE_S = 0.01
_TURN_S = 1.0
#: A long poll holds up every other request on the connection, such as those for offsets.
FETCH_WAIT_MS = 100
#: Under load the broker answers when it has this much, or when the time to gather is over.
GATHER_BYTES = 256 << 10


@contextmanager
def _fatal() -> Iterator[None]:
    """aiokafka only logs what its rebalance listeners raise, and goes on without what they did not do."""
    try:
        yield
    except Exception as exc:
        die(exc)


class BatchConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """The thread that owns the aiokafka consumer."""

    logger = FAUST_LOG

    def __post_init__(self) -> None:
        super().__post_init__()
        #: Records that may still be handed over; few of them are not worth the trouble.
        self._credit = self.app.settings.max_buffer
        self._least = least_grant(self._credit)
        self._in_credit = asyncio.Event()
        self._in_credit.set()

    def _create_worker_consumer(self, transport: Any) -> Any:
        tolerate()
        return private.configure(super()._create_worker_consumer(transport), FETCH_WAIT_MS)

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """Fetch nothing yet: :meth:`go_on_at` says from where. No await before the pause."""
        with _fatal():
            private.kafka_consumer(self).pause(*(TopicPartition(*tp) for tp in assigned))
            await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Waits for the batch in flight."""
        with _fatal():
            await super().on_partitions_revoked(revoked)

    async def go_on_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Seek, and fetch from there."""
        await self.seek_wait(offsets)
        await self.call_thread(self._resume, list(offsets))

    async def _resume(self, tps: list[TopicPartition]) -> None:
        kafka = private.kafka_consumer(self)
        kafka.resume(*(tp for tp in tps if tp in kafka.assignment()))

    def stand_still(self, tp: TopicPartition) -> None:
        """Fetch nothing of it until :meth:`go_on_at`, which comes later. From the main thread."""
        self.thread_loop.call_soon_threadsafe(self._pause, tp)

    def _pause(self, tp: TopicPartition) -> None:
        kafka = private.kafka_consumer(self)
        if tp in kafka.assignment():
            kafka.pause(tp)

    def grant(self, records: int) -> None:
        """So many more may be handed over. From the main thread."""
        self.thread_loop.call_soon_threadsafe(self._add_credit, records)

    def _add_credit(self, records: int) -> None:
        self._credit += records
        if self._credit >= self._least:
            self._in_credit.set()

    @driver.AIOKafkaConsumerThread.task  # type: ignore[untyped-decorator]
    async def _turn(self) -> None:
        """A sign of life for whoever watches over this process."""
        while not self.should_stop:
            self.consumer.app.consumer_turned = boottime()
            await asyncio.sleep(_TURN_S)

    @driver.AIOKafkaConsumerThread.task  # type: ignore[untyped-decorator]
    async def _know_topics(self) -> None:
        """A broker that has not yet heard of a topic makes the leader of the group give it to nobody, and
        aiokafka looks again after five minutes. What a look finds makes the group rebalance.
        """
        while not self.should_stop:
            kafka = private.kafka_consumer(self)
            if kafka and any(kafka.partitions_for_topic(one) is None for one in kafka.subscription()):
                await private.look_for_topics(kafka)
            await asyncio.sleep(_TURN_S)

    @driver.AIOKafkaConsumerThread.task  # type: ignore[untyped-decorator]
    async def _hand_over(self) -> None:
        """What has been fetched goes to the main thread as it comes, while there is credit.

        Nobody asks for it: question and answer would wake up either thread once more for every batch.
        """
        app = self.consumer.app
        try:
            while not self.should_stop:
                await self._in_credit.wait()
                generation, fetches = await self._take(private.kafka_consumer(self))
                if fetches:
                    records = sum([len(fetched.records) for fetched in fetches])
                    self._credit -= records
                    if self._credit < self._least:
                        self._in_credit.clear()
                    self.parent_loop.call_soon_threadsafe(self.consumer.accept, generation, fetches)
                await asyncio.sleep(0 if fetches else _PAUSE_S)  # heartbeats, and the next fetch
        except Exception as exc:
            if not app.should_stop:
                die(exc)

    async def _take(self, kafka: Any) -> tuple[int, list[Fetched]]:
        """What has been fetched, with the generation it was fetched in. Waits for something; of nothing the
        generation is -1.
        """
        fetches = private.Fetches(kafka)
        with fetches.asking():
            while True:
                # Such an error is told to those who wait at that moment. Until somebody asks for it the
                # member lives on without a coordinator.
                fetches.check()
                await fetches.assignment()
                if not self.consumer.flow_active:
                    return -1, []
                taken = self._unpack(fetches) if fetches else []
                if taken:
                    # No await since the records were unpacked: generation and records belong together.
                    return private.member(kafka)[0], taken
                await fetches.arrival()  # raises an authorization error, for instance

    def _unpack(self, fetches: private.Fetches) -> list[Fetched]:
        """Like ``Fetcher.fetched_records``, which does not say which range of the log its records cover, and
        empties one partition after the other.

        Of a backlog each partition gives a share as large as its own: both sides of a join come together, and
        the first results with the first batch. Inner topics do so among themselves, and go first.
        """
        taken: list[Fetched] = []
        inner = self.consumer.app.inner
        shares = _shares(fetches, inner, min(_TAKE, self._credit))
        for tp, result in fetches.of_partitions():
            if not fetches.is_assigned(tp):
                fetches.forget(tp)
                continue
            if fetches.is_error(result):
                if taken:
                    break  # raised by the next call
                fetches.discard(tp)
                result.check_raise()
            state = fetches.state(tp)
            if not state.has_valid_position:
                fetches.discard(tp)
                continue
            start = state.position
            private.make_records_with(result, slim)
            share = (state.highwater - start) * shares[tp.topic in inner]
            # Empty if the position has moved since the fetch was sent.
            records = result.getall(1 + int(share))
            if not result.has_more():
                fetches.discard(tp)
            if state.position > start:
                taken.append(Fetched(tp, start, state.position, records))
        return taken


def _shares(fetches: private.Fetches, inner: Set[str], room: int) -> tuple[float, float]:
    """Of each offset that is not yet taken, as far as is known, how much there is room for: of events, and of
    inner topics, which go first.
    """
    lags = [0, 0]
    for tp in fetches.assigned():
        state = fetches.state(tp)
        if state.highwater is not None and state.has_valid_position and not state.paused:
            lags[tp.topic in inner] += max(0, state.highwater - state.position)
    for_inner = min(lags[True], room // 2)
    return (room - for_inner) / max(1, lags[False]), for_inner / max(1, lags[True])
