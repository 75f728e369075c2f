"""Many events into Kafka, fast, each acknowledged by all replicas in sync and none twice."""

import asyncio
import zlib
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

from aiokafka.errors import KafkaError

from processors.errors import LeadstreamError
from processors.kafka.connecting import connection_of
from processors.kafka.connection import KafkaRefused, NoBroker, told
from processors.kafka.connection.failures import NoSuchTopic
from processors.kafka.placement import partition_for
from processors.kafka.topics import partition_counts
from processors.settings import Settings
from schemas.headers import Headers
from schemas.topics import Topic

_BATCH_BYTES: Final = 256 * 1024
_STALL_S: Final = 20.0
TRANSACTIONS: Final = "leadstream-send-"
"""So begin the ids of its transactions."""


class EventSender:
    """Puts events into batches per partition. ``sent`` counts what was given, ``acknowledged`` what is safe.

    Every method may raise ``NoBroker`` (nothing was acknowledged for 20 s) or ``KafkaRefused``. Leaving the
    context without an error flushes; with one, what is not acknowledged may or may not be in Kafka.

    ``transactional``: what is sent between two flushes is there for readers at once and as a whole, with the
    second of them, or never. Flush soon after sending: readers of the topics wait for an open transaction.
    """

    def __init__(self, settings: Settings, *, transactional: bool = False) -> None:
        self._settings = settings
        # One of its own for every run: two runs at once must not fence each other.
        self._transactional_id = f"{TRANSACTIONS}{uuid4().hex}" if transactional else None
        self._in_transaction = False
        self._landed_count = 0
        self._partitions: dict[Topic, int] = {}
        self._open: dict[tuple[Topic, int], Any] = {}
        self._flying: set[asyncio.Future[Any]] = set()
        self._failure: BaseException | None = None
        self.sent = 0
        self.acknowledged = 0

    async def __aenter__(self) -> Self:
        counts = await partition_counts(self._settings)
        self._partitions = {topic: counts.get(self._settings.topic(topic), 0) for topic in Topic}
        # aiokafka wants its event loop running when it is made.
        self._producer = connection_of(self._settings).producer(
            client_id="leadstream-send",
            acks="all",
            enable_idempotence=True,
            # A transaction may have results in it, which every client has to be able to read.
            compression_type="gzip" if self._transactional_id else "lz4",
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=int(_STALL_S * 1000),
            transactional_id=self._transactional_id,
            transaction_timeout_ms=self._settings.transaction_timeout,
        )
        try:
            await self._producer.start()
        except (KafkaError, OSError, LeadstreamError) as error:
            await self._producer.stop()
            raise self._told(error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.flush()
            elif self._in_transaction:
                # Without a broker its own timeout aborts it.
                with suppress(TimeoutError, KafkaError):
                    await asyncio.wait_for(self._producer.abort_transaction(), 2)
        finally:
            # It would wait for ever for a broker that is gone.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._producer.stop(), 2 if self._flying else None)

    async def send(
        self,
        topic: Topic,
        key: bytes | None,
        value: bytes | None,
        timestamp_ms: int | None = None,
        headers: Headers = (),
    ) -> None:
        """Add one event; blocks while the broker is behind. ``timestamp_ms`` None: now."""
        partitions = self._partitions[topic]
        if not partitions:
            raise NoSuchTopic(self._settings.topic(topic))
        partition = zlib.crc32(value or b"") % partitions if key is None else partition_for(key, partitions)
        place = topic, partition
        batch = self._open.get(place)
        if batch is None:
            batch = self._open[place] = self._producer.create_batch()
        record = {"timestamp": timestamp_ms, "key": key, "value": value, "headers": list(headers)}
        if batch.append(**record) is None:
            await self._dispatch(place)
            batch = self._open[place] = self._producer.create_batch()
            batch.append(**record)
        self.sent += 1

    async def dispatch(self) -> None:
        """Send what has gathered so far, without waiting for the answer."""
        for place in list(self._open):
            await self._dispatch(place)

    async def flush(self) -> None:
        """Returns when everything is acknowledged, and its transaction, if it is one, committed."""
        await self.dispatch()
        while self._flying:
            done, _ = await asyncio.wait(self._flying, timeout=_STALL_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise self._no_broker()
        self._raise_failure()
        if self._in_transaction:
            try:
                await asyncio.wait_for(self._producer.commit_transaction(), _STALL_S)
            except TimeoutError:
                raise self._no_broker() from None
            except KafkaError as error:
                raise self._told(error) from error
            self._in_transaction = False
        self.acknowledged = self._landed_count

    async def _dispatch(self, place: tuple[Topic, int]) -> None:
        self._raise_failure()
        topic, partition = place
        batch = self._open.pop(place)
        count = batch.record_count()
        try:
            if self._transactional_id and not self._in_transaction:
                await self._producer.begin_transaction()
                self._in_transaction = True
            future = await self._producer.send_batch(batch, self._settings.topic(topic), partition=partition)
        except KafkaError as error:
            raise self._told(error) from error
        self._flying.add(future)
        future.add_done_callback(lambda done: self._landed(done, count))

    def _landed(self, future: asyncio.Future[Any], count: int) -> None:
        self._flying.discard(future)
        if future.cancelled():
            return
        failure = future.exception()
        if failure is None:
            self._landed_count += count
            if not self._transactional_id:
                self.acknowledged = self._landed_count
        elif self._failure is None:
            self._failure = failure

    def _raise_failure(self) -> None:
        if isinstance(self._failure, KafkaError):
            raise self._told(self._failure) from self._failure
        if self._failure is not None:
            raise self._failure

    def _told(self, error: Exception) -> NoBroker | KafkaRefused:
        return told(error, self._settings.kafka_bootstrap)

    def _no_broker(self) -> NoBroker:
        return NoBroker(f"no Kafka broker answers at {self._settings.kafka_bootstrap}")
