"""The sink's loop: gather, insert, dead-letter, commit. In this order, so that nothing is lost.

1. **gather** until the batch is full or its time is up. A crash: nothing happened.
2. **insert** one table after the other. A crash, or no answer: the rows may be there. They will come again,
   and collapse into themselves.
3. **dead-letter** what cannot be stored. A crash: it will be in ``dead-letters`` twice, once in the table.
4. **commit** the offsets. Refused, because the partitions have gone to another sink: that one stores the rows
   again.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from processors.settings import Settings
from processors.sink.batch import Batch, TableBatch
from processors.sink.tables import TABLES
from processors.sink.writer import GivenUp, Writer
from schemas.headers import Header
from schemas.reasons import DeadLetterReason
from schemas.topics import Topic

log = logging.getLogger(__name__)

_POLL_MS = 200
_RETRY_S = 0.5
_FETCH_BYTES = 4 << 20


@dataclass
class Stats:
    """What the sink has done since it started."""

    records: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    batches: int = 0
    dead_letters: int = 0
    waiting_because: str | None = None


class Sink:
    """Reads the topics of ``tables`` as a member of the sink's group.

    ``stopping``: once set, the batch under way is finished, or given up if ClickHouse does not take it.
    """

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        stopping: asyncio.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stats = Stats()
        self._settings = settings
        self._writer = writer
        self._clock = clock
        self._tables = {settings.topic(table.topic): table for table in TABLES}
        self._dead_letters = settings.topic(Topic.DEAD_LETTERS)
        self._stopping = stopping
        self._consumer = AIOKafkaConsumer(
            *self._tables,
            bootstrap_servers=settings.kafka_bootstrap,
            group_id=settings.full_sink_group,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=settings.session_timeout,
            heartbeat_interval_ms=max(settings.session_timeout // 5, 100),
            # While ClickHouse is down nothing is polled; that is no reason to leave the group.
            max_poll_interval_ms=24 * 3600 * 1000,
            max_partition_fetch_bytes=_FETCH_BYTES,
        )
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap, acks="all", enable_idempotence=True
        )

    async def run(self) -> None:
        """Until told to stop. Raises the writer's ``CannotStore``, and aiokafka's errors at start."""
        await self._consumer.start()
        try:
            await self._producer.start()
            try:
                while not self._stopping.is_set():
                    batch = await self._gather()
                    if batch.records:
                        await self._store(batch)
            except GivenUp:
                log.info("stopped with rows that ClickHouse did not take; they will be read again")
            finally:
                await self._producer.stop()
        finally:
            await self._writer.close()
            await self._consumer.stop()

    async def _gather(self) -> Batch:
        """What arrives from the first record on, within the flush interval."""
        batch, deadline = Batch(), None
        limit = self._settings.sink_batch_rows
        while batch.records < limit and not self._stopping.is_set():
            left_ms = _POLL_MS
            if deadline is not None:
                left_ms = min(_POLL_MS, int((deadline - self._clock()) * 1000))
                if left_ms <= 0:
                    break
            try:
                fetched = await self._consumer.getmany(timeout_ms=left_ms, max_records=limit - batch.records)
            except KafkaError as error:
                log.warning("fetching failed, trying again: %r", error)
                await asyncio.sleep(_RETRY_S)
                continue
            if fetched and deadline is None:
                deadline = self._clock() + self._settings.sink_flush_interval / 1000
            batch.add_all(fetched, self._tables)
        return batch

    async def _store(self, batch: Batch) -> None:
        for one in batch.tables.values():
            if one.rows:
                await self._insert(one)
        for record, unreadable in batch.refused:
            await self._dead_letter(record, unreadable.reason, unreadable.detail)
        await self._commit(batch)
        self.stats.records += batch.records
        self.stats.batches += 1
        self.stats.waiting_because = None

    async def _insert(self, batch: TableBatch) -> None:
        poisoned = await self._writer.insert(batch.table, batch.rows, batch.token())
        for poison in poisoned:
            record = batch.records[poison.place]
            await self._dead_letter(record, DeadLetterReason.REJECTED_BY_CLICKHOUSE, poison.detail)
        rows = self.stats.rows
        rows[batch.table.name] = rows.get(batch.table.name, 0) + len(batch.rows) - len(poisoned)

    async def _dead_letter(self, record: ConsumerRecord, reason: DeadLetterReason, detail: str) -> None:
        if record.topic == self._dead_letters:
            # It is where it belongs already; another copy would be refused again, and so on.
            log.error("a dead letter cannot be stored: %s at %d: %s", record.topic, record.offset, detail)
            return
        self.stats.dead_letters += 1
        headers = [
            (Header.REASON.value, reason.encode()),
            (Header.DETAIL.value, detail.encode()),
            (Header.SOURCE_TOPIC.value, record.topic.encode()),
            (Header.SOURCE_PARTITION.value, b"%d" % record.partition),
            (Header.SOURCE_OFFSET.value, b"%d" % record.offset),
            (Header.SOURCE_TIMESTAMP.value, b"%d" % record.timestamp),
            (Header.ATTEMPT.value, b"1"),
        ]
        await self._producer.send_and_wait(
            self._dead_letters, record.value, record.key, partition=record.partition, headers=headers
        )

    async def _commit(self, batch: Batch) -> None:
        while True:
            try:
                await self._consumer.commit(batch.offsets)
            except (CommitFailedError, IllegalStateError) as error:
                log.info("partitions have moved to another sink, which stores these rows again: %s", error)
                return
            except KafkaError as error:
                log.warning("committing failed, trying again: %r", error)
                await asyncio.sleep(_RETRY_S)
            else:
                return
