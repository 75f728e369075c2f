"""The sink's loop: gather, insert, dead-letter, commit. In this order, so that nothing is lost.

1. **gather** until the batch is full or its time is up. A crash: nothing happened.
2. **insert** who was erased, then one table after the other, without rows of erased customers. A crash, or no
   answer: the rows may be there. They will come again, and collapse into themselves.
3. **look** whether another sink has meanwhile heard that one of those whose rows were just inserted was
   erased. Each sink first writes and then looks: one of the two sees what the other wrote. What is there of
   erased customers is deleted in rounds (``deletions``). A crash: the next start begins with a round.
4. **dead-letter** what cannot be stored. A crash: it will be in ``dead-letters`` twice, once in the table.
5. **commit** the offsets. Refused, because the partitions have gone to another sink: that one stores the rows
   again.

What was fetched is stored even when its partition has meanwhile gone: nothing that was fetched is ever passed
over, so that no later offset of the same partition can be committed above a gap.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Set
from typing import Final, TypeVar

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
)
from aiokafka.structs import OffsetAndMetadata

from processors.clock import epoch_ms
from processors.kafka.connecting import connection_of
from processors.kafka.connection import KafkaRefused, NoBroker
from processors.kafka.connection.failures import refusal_of, unless_refused
from processors.kafka.groups import committed_offsets
from processors.kafka.header_names import tolerate
from processors.settings import Settings
from processors.sink.assignment import Reassigned
from processors.sink.batch import Batch, TableBatch
from processors.sink.broker_time import BrokerTime
from processors.sink.deletions import Deletions
from processors.sink.lag import Lag
from processors.sink.rejects import Failures, Rejects
from processors.sink.stats import Stats
from processors.sink.tables import CLICKS, ERASED, TABLES, by_topic
from processors.sink.undated_clicks import lost_among
from processors.sink.writer import GivenUp, Writer
from schemas.reasons import DeadLetterReason
from schemas.topics import SPECS

log = logging.getLogger(__name__)

START_PATIENCE_S: Final = 30.0
"""How long a sink that starts waits for a server that does not answer."""

_POLL_MS: Final = 200
_RETRY_S: Final = 0.5
_FETCH_BYTES: Final = 4 << 20
_BATCH_BYTES: Final = 32 << 20
# The batch's bytes are known only after a fetch: of the largest records so many are 64 MiB.
_FETCH_RECORDS: Final = 256
_LAST_WORDS_S: Final = 10.0
# What was made just now is not known to every broker yet.
_TOPICS_S: Final = 3.0

T = TypeVar("T")


class NoTopics(Exception):
    """The brokers lack these topics."""


class Sink:
    """Reads the topics of ``tables.TABLES`` as a member of the sink's group.

    ``stopping``: once set, the batch under way is finished, or given up if ClickHouse or Kafka does not take
    it. Given up or killed, its records are read again by whoever comes next.
    """

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        stopping: asyncio.Event,
        stats: Stats | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stats = stats or Stats()
        self._settings = settings
        self._writer = writer
        self._clock = clock
        self._tables = by_topic(settings.topic)
        self._stopping = stopping
        tolerate()
        self._consumer = connection_of(settings).consumer(
            group_id=settings.full_sink_group,
            group_instance_id=settings.instance_id,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=settings.session_timeout,
            # Of joining the group, which waits for its other members.
            request_timeout_ms=max(20_000, 2 * settings.session_timeout),
            heartbeat_interval_ms=max(settings.session_timeout // 5, 100),
            # While ClickHouse is down nothing is polled; that is no reason to leave the group.
            max_poll_interval_ms=24 * 3600 * 1000,
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        self._rejects = Rejects(settings)
        self._failures = Failures(clock)
        self._times = BrokerTime()
        self._deletions = Deletions(writer, clock)
        self.lag = Lag(self._consumer, self.stats)

    async def run(self) -> None:
        """Until told to stop. Raises ``CannotStore``, ``NoTopics`` and ``NoBroker`` at start, and what Kafka
        refuses.
        """
        try:
            if not await self._started():
                return
            while not self._stopping.is_set():
                batch = await self._gather()
                if batch.records:
                    await self._store(batch)
                if self._deletions.due():
                    await self._look()
            await self._deletions.finish()
        except GivenUp:
            log.warning("stopped with records that were not stored; they will be read again")
        finally:
            await self._close()

    async def _started(self) -> bool:
        """A broker that is restarting is waited for, so that no supervisor need start us again and again.

        False: told to stop meanwhile.
        """
        deadline = self._clock() + START_PATIENCE_S
        steps = [self._consumer.start, self._subscribe, self._rejects.start]
        while steps and not self._stopping.is_set():
            try:
                await steps[0]()
            except (NoBroker, KafkaConnectionError) as error:
                if self._clock() >= deadline:
                    raise
                self._retry("waiting for a Kafka broker", error)
                await asyncio.sleep(_RETRY_S)
            else:
                del steps[0]
        return not steps

    async def _subscribe(self) -> None:
        """To a topic that is missing, aiokafka would subscribe all the same, or wait for it for a minute."""
        deadline = self._clock() + _TOPICS_S
        while missing := self._tables.keys() - await self._topics():
            if self._clock() >= deadline:
                raise NoTopics(", ".join(sorted(missing)))
            await asyncio.sleep(_RETRY_S)
        self._consumer.subscribe(list(self._tables), listener=Reassigned(self._times, self.stats))

    async def _topics(self) -> Set[str]:
        """All that the brokers have. Raises ``NoBroker``, and aiokafka's errors when a right is missing."""
        try:
            topics: Set[str] = await self._consumer.topics()
        except KafkaError as error:
            unless_refused(error)
            # Of any other kind is only what aiokafka says when none of the brokers it knows has answered.
            raise NoBroker(f"no Kafka broker answers at {self._settings.kafka_bootstrap}") from error
        return topics

    async def _gather(self) -> Batch:
        """What arrives from the first record on, within the flush interval."""
        batch, deadline = Batch(times=self._times), None
        limit = self._settings.sink_batch_rows
        while batch.records < limit and batch.bytes < _BATCH_BYTES and not self._stopping.is_set():
            left_ms = _POLL_MS
            if deadline is not None:
                left_ms = min(_POLL_MS, int((deadline - self._clock()) * 1000))
                if left_ms <= 0:
                    break
            try:
                fetched = await self._consumer.getmany(
                    timeout_ms=left_ms, max_records=min(limit - batch.records, _FETCH_RECORDS)
                )
            except KafkaError as error:
                unless_refused(error)
                self._retry("fetching failed, trying again", error)
                await asyncio.sleep(_RETRY_S)
                continue
            if not fetched and deadline is None and self._deletions.due():
                break
            if fetched and deadline is None:
                deadline = self._clock() + self._settings.sink_flush_interval / 1000
            await self._know_the_time_of(fetched, batch)
            batch.add_all(fetched, self._tables)
        return batch

    async def _know_the_time_of(self, fetched: Mapping[TopicPartition, object], batch: Batch) -> None:
        """As it was committed, or as the batch, which is not committed yet, has come to it."""
        stamped = [place for place in fetched if SPECS[self._tables[place.topic][0].topic].broker_time]
        while unknown := self._times.unknown(stamped):
            try:
                committed = await self._finish(
                    committed_offsets(self._settings, self._settings.full_sink_group)
                )
            except (NoBroker, KafkaRefused) as error:
                if refusal_of(error.__cause__ or error, ""):
                    raise
                self._retry("reading what was committed failed, trying again", error)
                await self._wait_to_retry()
                continue
            for place in unknown:
                one = committed.get(place, OffsetAndMetadata(-1, ""))
                reached = batch.offsets.get(place, -1), batch.metadata.get(place, "")
                self._times.resume(place, *max((one.offset, one.metadata), reached))

    async def _store(self, batch: Batch) -> None:
        erased = batch.tables.pop(ERASED.name, None)
        if erased and erased.rows:
            await self._insert(erased)
        await self._leave_out_erased(batch)
        if clicks := batch.tables.get(CLICKS.name):
            lost = await lost_among(clicks, self._writer.stored_clicks)
            if lost.rows:
                await self._insert(lost)
        for one in batch.tables.values():
            if one.rows:
                await self._insert(one)
        if (erased and erased.rows) or await self._erased_in(batch):
            self._deletions.want()
        for record, unreadable in batch.refused:
            if unreadable.failed:
                self._failures.count(record, unreadable)
            await self._reject(record, unreadable.reason, unreadable.detail)
        await self._commit(batch)
        self.stats.committed(batch, self._clock())
        await self.lag.look()

    async def _leave_out_erased(self, batch: Batch) -> None:
        if erased := await self._erased_in(batch):
            for one in batch.tables.values():
                one.drop(erased)

    async def _erased_in(self, batch: Batch) -> set[str]:
        persons: set[str] = set().union(*(one.persons() for one in batch.tables.values()))
        return await self._writer.erased(persons) if persons else set()

    async def _insert(self, batch: TableBatch) -> None:
        started = self._clock()
        poisoned = await self._writer.insert(batch.table, batch.rows)
        self.stats.inserted(batch, self._clock() - started, epoch_ms())
        for poison in poisoned:
            record = batch.records[poison.place]
            await self._reject(record, DeadLetterReason.REJECTED_BY_CLICKHOUSE, poison.detail)
        self.stats.stored(batch.table.name, len(batch.rows) - len(poisoned))

    async def _reject(self, record: ConsumerRecord, reason: DeadLetterReason, detail: str) -> None:
        while True:
            try:
                if await self._finish(self._rejects.send(record, reason, detail)):
                    self.stats.rejected(reason)
            except KafkaError as error:
                if not (error.retriable or isinstance(error, KafkaTimeoutError)):
                    raise
                self._retry("dead-lettering failed, trying again", error)
                await self._wait_to_retry()
            else:
                return

    async def _commit(self, batch: Batch) -> None:
        offsets = {place: (offset, batch.metadata.get(place, "")) for place, offset in batch.offsets.items()}
        while True:
            try:
                await self._finish(self._consumer.commit(offsets))
            except (CommitFailedError, IllegalStateError) as error:
                log.info(
                    "partitions have moved to another sink, which stores these rows again",
                    extra={"because": str(error)},
                )
                return
            except KafkaError as error:
                unless_refused(error)
                self._retry("committing failed, trying again", error)
                await self._wait_to_retry()
            else:
                return

    def _retry(self, what: str, error: Exception) -> None:
        self.stats.retry(type(error).__name__)
        log.warning(what, extra={"error": repr(error)})

    async def _wait_to_retry(self) -> None:
        if self._stopping.is_set():
            raise GivenUp
        await asyncio.sleep(_RETRY_S)

    async def _finish(self, action: Awaitable[T]) -> T:
        """Its result, however long it takes; once told to stop, :class:`GivenUp` after a while."""
        task, stopped = asyncio.ensure_future(action), asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            done, _ = await asyncio.wait({task}, timeout=_LAST_WORDS_S)
            if not done:
                raise GivenUp
            return task.result()
        finally:
            stopped.cancel()
            task.cancel()

    async def _look(self) -> None:
        """What has to be seen to from time to time, also when no record comes."""
        await self._deletions.look()
        if not self.stats.tables_there:  # ClickHouse was away at the start
            self.stats.tables_there = await self._writer.check(TABLES)
        await self.lag.look()

    async def _close(self) -> None:
        """Without a broker, flushing and leaving the group may take for ever, or fail; nothing depends on it.

        In tasks of their own: aiokafka lets the cancellation of its inner tasks out, which is not ours.
        """
        goodbyes = [asyncio.ensure_future(stop()) for stop in (self._rejects.stop, self._consumer.stop)]
        await asyncio.wait(goodbyes, timeout=_LAST_WORDS_S)
        for task in goodbyes:
            if not task.done() or task.cancelled() or task.exception() is not None:
                log.warning("left Kafka without saying goodbye")
                task.cancel()
        await self._writer.close()
