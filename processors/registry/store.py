"""The registries in Kafka: followed by everybody, written by one at a time.

The lock is a transactional id. Who initialises a producer with it fences whoever wrote before: a transaction
of his that is open is aborted, one that is being committed is waited for. So what is read after that, to the
end of both topics, stays true until our own transaction is committed, or we are fenced and start over. A
writer that fails or dies leaves at most an open transaction, which the next one aborts, or its timeout
(``LEADSTREAM_TRANSACTION_TIMEOUT``); until then readers see nothing that comes after it.
"""

from contextlib import aclosing
from types import TracebackType
from typing import Final, Self, TypeVar

from aiokafka import ConsumerRecord

from processors.registry.contents import Contents
from processors.registry.links import LinkContents
from processors.registry.reading import METADATA_S, Reader, newest_records
from processors.registry.registries import Change, Registries
from processors.registry.writing import Writer
from processors.settings import Settings
from schemas.topics import Topic

T = TypeVar("T")
PATIENCE_S: Final = 30.0


class RegistryStore:
    """``contents``: the workspaces; ``links``. From its opening, which reads everything, to its end they are
    what the topics say, a moment ago.

    Methods may be called by several tasks at once, and raise ``NoBroker`` or ``KafkaRefused``, the former
    after ``patience_s`` at the latest; when the store is opened, after 20 s in which nothing came. Once a
    topic has been given more partitions, ``follow`` and ``write`` raise ``MorePartitions``.
    """

    def __init__(
        self, settings: Settings, *, patience_s: float = PATIENCE_S, metadata_s: float = METADATA_S
    ) -> None:
        """``metadata_s``: after so long at most it is noticed that a topic was given more partitions."""
        self._registries = Registries(Contents(), LinkContents())
        self._links_topic = settings.topic(Topic.LINKS)
        self._reader = Reader(settings, self._apply, patience_s, metadata_s=metadata_s)
        self._writer = Writer(settings, self._registries, self._reader, patience_s)

    @property
    def contents(self) -> Contents:
        """Of workspaces."""
        return self._registries.workspaces

    @property
    def links(self) -> LinkContents:
        """Of all workspaces."""
        return self._registries.links

    @property
    def registries(self) -> Registries:
        """Both, as changes are given them."""
        return self._registries

    async def __aenter__(self) -> Self:
        await self._reader.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._writer.close()
        await self._reader.close()

    async def catch_up(self) -> None:
        """Returns when all is there that was committed before the call: for whoever has not found something.

        Those who miss something within 20 ms share one question to the brokers.
        """
        await self._reader.catch_up()

    async def follow(self) -> None:
        """Returns never; raises what has ended the following of the topics, after which the store is of no
        use.
        """
        await self._reader.follow()

    async def write(self, change: Change[T]) -> T:
        """Make a change; returns its result when it is there, in this store and for every reader.

        All changes that wait are written in one transaction, each made on top of those before it. Raises what
        the change raises, and ``NotWritten`` after ``patience_s``. When that, ``NoBroker`` or a cancellation
        ends it, the change may have been made or not, and may be asked for again.
        """
        return await self._writer.write(change)

    def _apply(self, record: ConsumerRecord) -> bool:
        contents = self.links if record.topic == self._links_topic else self.contents
        return contents.apply(record.key, record.value)


async def read(settings: Settings) -> Contents:
    """All workspaces there are now; without the links, of which there may be millions.

    Raises ``NoBroker`` or ``KafkaRefused``.
    """
    contents = Contents()
    async with aclosing(newest_records(settings, Topic.WORKSPACES)) as records:
        async for record in records:
            contents.apply(record.key, record.value)
    return contents


async def write(settings: Settings, change: Change[T]) -> T:
    """As :meth:`RegistryStore.write`, for whoever has one change to make."""
    async with RegistryStore(settings) as store:
        return await store.write(change)
