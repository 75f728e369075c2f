"""Writing the registries: one transaction at a time, by one writer at a time."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError, ProducerFenced

from processors.clock import epoch_ms
from processors.errors import CheckFailed, Unavailable
from processors.kafka.connecting import connection_of
from processors.kafka.connection import told
from processors.kafka.connection.heard import heard
from processors.kafka.placement import partition_for
from processors.registry.reading import CLIENT, Reader
from processors.registry.registries import Change, Made, Record, Registries, together
from processors.settings import Settings
from schemas.links import Link, encode_link
from schemas.registry import encode_workspace
from schemas.topics import INPUT_BYTES, Topic

T = TypeVar("T")
_CLOSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 1.0
_BATCH_BYTES: Final = 512 * 1024
_MOST_CHANGES: Final = 1_000
_MOST_BYTES: Final = INPUT_BYTES - 1_024
"""Of a record; what Kafka puts around it takes the rest."""


class NotWritten(Unavailable):
    """A change could not be made in time. It may have been made all the same."""

    def __init__(self, patience_s: float) -> None:
        super().__init__(
            f"the registry could not be written within {patience_s:g} s",
            "Kafka is too slow, or others write all the time. `leadstream workspace list` shows whether it"
            " was written after all; else try again.",
        )


class TooLarge(CheckFailed):
    """More than a record may have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} would be more than {_MOST_BYTES:,} bytes in the registry")


class _Waiting:
    """A change, and who waits for its result."""

    def __init__(self, change: Change[Any]) -> None:
        self.change = change
        self.result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()


class Writer:
    """All changes that wait go into one transaction, each on top of those before it.

    The producer is kept: until another one is initialised with its transactional id, nobody else has written,
    and after that it writes no more.
    """

    def __init__(self, settings: Settings, registries: Registries, reader: Reader, patience_s: float) -> None:
        self._settings = settings
        self._registries = registries
        self._reader = reader
        self._patience_s = patience_s
        self._waiting: list[_Waiting] = []
        self._working: asyncio.Task[None] | None = None
        self._producer: AIOKafkaProducer | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def write(self, change: Change[T]) -> T:
        """As ``RegistryStore.write``."""
        waiting = _Waiting(change)
        self._waiting.append(waiting)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="registry-writer")
        try:
            async with asyncio.timeout(self._patience_s):
                # A caller who gives up cancels this, and the change is left out unless it is too late.
                result: T = await waiting.result
                return result
        except TimeoutError:
            raise NotWritten(self._patience_s) from None

    async def close(self) -> None:
        """Changes under way may be made or not."""
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working])
        self._fail(asyncio.CancelledError())
        self._drop_producer()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _work(self) -> None:
        """Until nobody waits. One task for all: a caller who is cancelled stops nobody else's change."""
        fenced = 0
        while self._batch():
            kept = self._producer is not None
            try:
                async with asyncio.timeout(self._patience_s):
                    await self._write()
                fenced = 0
            except ProducerFenced:
                self._drop_producer()
                if not kept:
                    # Writers who meet would fence each other for ever, if they came back at the same pace.
                    fenced += 1
                    await asyncio.sleep(random.uniform(0, min(0.01 * 2**fenced, _LONGEST_PAUSE_S)))
            except BaseException as error:
                self._drop_producer()
                # One that rested for long may be unknown by now: a new one tells what is the matter.
                if not (kept and isinstance(error, KafkaError)):
                    self._fail(error)
                if isinstance(error, asyncio.CancelledError):
                    raise

    def _batch(self) -> list[_Waiting]:
        self._waiting = [one for one in self._waiting if not one.result.done()]
        return self._waiting

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, TimeoutError):
            error = NotWritten(self._patience_s)
        elif isinstance(error, KafkaError | OSError):
            error = told(error, self._settings.kafka_bootstrap)
        for one in self._batch():
            if isinstance(error, asyncio.CancelledError):
                one.result.cancel()
            else:
                one.result.set_exception(error)

    async def _write(self) -> None:
        """Raises ``ProducerFenced`` when another writer has come between."""
        if self._producer is None:
            self._producer = await self._new_producer()
        await self._reader.look()
        draft = self._registries.draft()
        outcomes = [(one, _outcome(one.change, draft)) for one in self._batch()[:_MOST_CHANGES]]
        put, deleted = together(made for _, made in outcomes if isinstance(made, Made))
        values: dict[tuple[Topic, bytes], bytes | None] = {
            _place(record): _encoded(record) for record in put if not self._registries.holds(record)
        }
        values.update((_place(link), None) for link in deleted)
        if values:
            # Decided is not yet there to be read; what one reader has seen every other finds.
            await self._reader.until(await self._commit(self._producer, values))
        for one, outcome in outcomes:
            if one.result.done():
                continue
            if isinstance(outcome, Made):
                one.result.set_result(outcome.result)
            else:
                one.result.set_exception(outcome)

    async def _commit(
        self, producer: AIOKafkaProducer, values: Mapping[tuple[Topic, bytes], bytes | None]
    ) -> dict[TopicPartition, int]:
        """The offsets after what was written."""
        await producer.begin_transaction()
        counts, elsewhere = self._reader.counts, self._reader.elsewhere
        named = {(self._settings.topic(topic), key): value for (topic, key), value in values.items()}
        now = elsewhere.stamp(epoch_ms())
        sent = [
            await producer.send(name, value, key, partition_for(key, counts[name]), now)
            for (name, key), value in named.items()
        ]
        for name, key, partition, timestamp in elsewhere.outdated(named):
            sent.append(await producer.send(name, None, key, partition, timestamp))
        written = asyncio.gather(*sent)
        written.add_done_callback(heard)
        # Before anything has arrived: it waits for that, and is where the client tells what went wrong.
        await producer.commit_transaction()
        ends: dict[TopicPartition, int] = {}
        for one in await written:
            ends[one.topic_partition] = max(ends.get(one.topic_partition, 0), one.offset + 1)
        return ends

    async def _new_producer(self) -> AIOKafkaProducer:
        producer = connection_of(self._settings).producer(
            client_id=CLIENT,
            acks="all",
            transactional_id=self._settings.registry_lock,
            transaction_timeout_ms=self._settings.transaction_timeout,
            max_batch_size=_BATCH_BYTES,
        )
        try:
            await producer.start()
            for name in self._reader.counts:
                self._reader.require_known(name, await producer.partitions_for(name))
        except AssertionError as error:
            # Of aiokafka, when a broker that has just come back knows of no brokers yet.
            self._drop(producer)
            raise KafkaConnectionError(str(error)) from error
        except BaseException:
            self._drop(producer)
            raise
        return producer

    def _drop_producer(self) -> None:
        if self._producer is not None:
            self._drop(self._producer)
            self._producer = None

    def _drop(self, producer: AIOKafkaProducer) -> None:
        closing = asyncio.create_task(_closed(producer))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _closed(producer: AIOKafkaProducer) -> None:
    # It would wait for ever for a broker that is gone.
    with suppress(TimeoutError, KafkaError, OSError):
        await asyncio.wait_for(producer.stop(), _CLOSE_S)


def _outcome(change: Change[Any], draft: Registries) -> Made[Any] | Exception:
    """Whatever a change raises ends this change, and no other."""
    try:
        made = change(draft)
        for record in made.put:
            if len(_encoded(record)) > _MOST_BYTES:
                raise TooLarge(record.record_key)
    except Exception as error:
        return error
    draft.apply(made)
    return made


def _place(record: Record) -> tuple[Topic, bytes]:
    topic = Topic.LINKS if isinstance(record, Link) else Topic.WORKSPACES
    return topic, record.record_key.encode()


def _encoded(record: Record) -> bytes:
    return encode_link(record) if isinstance(record, Link) else encode_workspace(record)
