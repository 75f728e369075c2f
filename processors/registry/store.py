"""The registry in Kafka: followed by everybody, written by one at a time.

The lock is a transactional id. Who initialises a producer with it fences whoever wrote before: a transaction
of his that is open is aborted, one that is being committed is waited for. So what is read after that, to the
end of the topic, stays true until our own transaction is committed, or we are fenced and start over. A writer
that fails or dies leaves at most an open transaction, which the next one aborts, or its timeout
(``LEADSTREAM_TRANSACTION_TIMEOUT``); until then readers see nothing that comes after it.
"""

import asyncio
import logging
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from types import TracebackType
from typing import Final, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from processors.errors import Unavailable
from processors.kafka.connecting import connection_of
from processors.kafka.connection import NoBroker, told
from processors.kafka.connection.failures import NoSuchTopic
from processors.kafka.header_names import tolerate
from processors.kafka.placement import partition_for
from processors.kafka.topics import partition_counts
from processors.registry.changes import Change
from processors.registry.contents import Contents
from processors.settings import Settings
from schemas.registry import Workspace, encode_workspace
from schemas.topics import Topic

log = logging.getLogger(__name__)
_CLIENT: Final = "leadstream-registry"
_POLL_MS: Final = 20
_STALL_S: Final = 20.0
_WRITE_S: Final = 30.0
_CLOSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 1.0


class NotWritten(Unavailable):
    """A change could not be made in time."""

    def __init__(self) -> None:
        super().__init__(
            f"the registry could not be written within {_WRITE_S:.0f} s",
            "Kafka is too slow, or others write all the time. `leadstream workspace list` shows whether it"
            " was written after all; else try again.",
        )


class RegistryStore:
    """``contents``: as of the last :meth:`catch_up`, or of now while :meth:`follow` runs. Opening the store
    reads everything.

    Methods may be called by several tasks at once, and raise ``NoBroker`` (nothing came for 20 s) or
    ``KafkaRefused``.
    """

    def __init__(self, settings: Settings) -> None:
        self.contents = Contents()
        self._settings = settings
        self._topic = settings.topic(Topic.WORKSPACES)
        self._stack = AsyncExitStack()
        self._reading, self._writing = asyncio.Lock(), asyncio.Lock()
        self._partitions: list[TopicPartition] = []

    async def __aenter__(self) -> Self:
        tolerate()
        # Asked for by its name, a topic is created by some brokers.
        count = (await partition_counts(self._settings)).get(self._topic, 0)
        if not count:
            raise NoSuchTopic(self._topic)
        self._partitions = [TopicPartition(self._topic, number) for number in range(count)]
        self._consumer = connection_of(self._settings).consumer(
            client_id=_CLIENT,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            retry_backoff_ms=20,
        )
        self._stack.push_async_callback(self._consumer.stop)
        try:
            with self._telling():
                await self._consumer.start()
                self._consumer.assign(self._partitions)
                await self._consumer.seek_to_beginning()
                await self.catch_up()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def catch_up(self) -> None:
        """Returns when ``contents`` has all that was committed before the call."""
        with self._telling():
            await self._read_to(await self._consumer.end_offsets(self._partitions))

    async def follow(self) -> None:
        """Until it is cancelled: apply what others write, as it comes."""
        while True:
            with self._telling():
                async with self._reading:
                    await self._take(_POLL_MS)

    async def write(self, change: Change) -> Workspace:
        """Make a change; returns the workspace as it is then, in ``contents`` and for every reader.

        Raises what the change raises, and ``NotWritten`` after 30 s. When that or a cancellation ends it, the
        change may have been made or not, and may be asked for again.
        """
        async with self._writing:
            try:
                async with asyncio.timeout(_WRITE_S):
                    return await self._write(change)
            except TimeoutError:
                raise NotWritten from None

    async def _write(self, change: Change) -> Workspace:
        fenced = 0
        while True:
            with self._telling(), suppress(ProducerFenced):
                return await self._write_once(change)
            # Writers who meet would fence each other for ever, if they came back at the same pace.
            fenced += 1
            await asyncio.sleep(random.uniform(0, min(0.01 * 2**fenced, _LONGEST_PAUSE_S)))

    async def _write_once(self, change: Change) -> Workspace:
        """Raises ``ProducerFenced`` when another writer has come between."""
        producer = connection_of(self._settings).producer(
            client_id=_CLIENT,
            acks="all",
            transactional_id=self._settings.registry_lock,
            transaction_timeout_ms=self._settings.transaction_timeout,
        )
        try:
            await producer.start()
            await self.catch_up()
            wanted = change(self.contents)
            if wanted == self.contents.workspace(wanted.workspace_id):
                return wanted
            key = wanted.workspace_id.encode()
            partition = partition_for(key, len(self._partitions))
            await producer.begin_transaction()
            written = await producer.send_and_wait(self._topic, encode_workspace(wanted), key, partition)
            await producer.commit_transaction()
            # Decided is not yet there to be read; what one reader has seen every other finds.
            await self._read_to({self._partitions[partition]: written.offset + 1})
            return wanted
        finally:
            # It would wait for ever for a broker that is gone.
            with suppress(TimeoutError):
                await asyncio.wait_for(producer.stop(), _CLOSE_S)

    async def _read_to(self, ends: Mapping[TopicPartition, int]) -> None:
        """Returns when everything before the ``ends`` was applied."""
        async with self._reading:
            progress = time.monotonic()
            while [one for one, end in ends.items() if await self._consumer.position(one) < end]:
                # What was fetched already, or else what comes. Markers of transactions count, too.
                if await self._take(0) or await self._take(_POLL_MS):
                    progress = time.monotonic()
                elif time.monotonic() - progress > _STALL_S:
                    raise NoBroker(f"no Kafka broker answers at {self._settings.kafka_bootstrap}")

    async def _take(self, timeout_ms: int) -> bool:
        """Apply what has come within so long. False: nothing."""
        fetched = await self._consumer.getmany(timeout_ms=timeout_ms)
        for records in fetched.values():
            for record in records:
                if not self.contents.apply(record.key, record.value):
                    log.warning(
                        "workspace record at %s %s:%s cannot be read: written by a newer release?",
                        *(record.topic, record.partition, record.offset),
                    )
        return bool(fetched)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """What goes wrong inside is raised as ``NoBroker`` or ``KafkaRefused``."""
        try:
            yield
        except (KafkaError, OSError) as error:
            raise told(error, self._settings.kafka_bootstrap) from error


async def read(settings: Settings) -> Contents:
    """All that the registry holds now. Raises ``NoBroker`` or ``KafkaRefused``."""
    async with RegistryStore(settings) as store:
        return store.contents


async def write(settings: Settings, change: Change) -> Workspace:
    """As :meth:`RegistryStore.write`, for whoever has one change to make."""
    async with RegistryStore(settings) as store:
        return await store.write(change)
