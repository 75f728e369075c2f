"""Following the topics of the registries."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from processors.errors import Unavailable
from processors.kafka.connecting import connection_of
from processors.kafka.connection import NoBroker, telling
from processors.kafka.connection.failures import NoSuchTopic
from processors.kafka.connection.heard import heard
from processors.kafka.header_names import tolerate
from processors.kafka.reading import TopicReader
from processors.kafka.topics import partition_counts
from processors.registry.elsewhere import Elsewhere
from processors.settings import Settings
from schemas.topics import Topic

log = logging.getLogger(__name__)
CLIENT: Final = "leadstream-registry"
TOPICS: Final = (Topic.WORKSPACES, Topic.LINKS)
_POLL_S: Final = 0.02
"""So often whoever waits looks for himself: markers of transactions move the reader, and wake nobody."""
_FETCH_MS: Final = 200
_AT_ONCE: Final = 1_000
"""Records that are applied before others have their turn: some milliseconds' worth."""
_STALL_S: Final = 20.0
_PAUSE_S: Final = 0.02
"""From one look for the ends of the topics to the next: those who miss something meanwhile share it."""

METADATA_S: Final = 30.0
"""So old may be what is known of the topics."""

Ends = Mapping[TopicPartition, int]


class MorePartitions(Unavailable):
    """A topic has more partitions than when its reader began: keys lie elsewhere now, and it does not see
    what is written there."""

    def __init__(self, name: str, before: int, now: int) -> None:
        super().__init__(
            f"topic {name} has {now} partitions, and had {before} when this process read it",
            "Start it again: it reads all of them, and nothing is lost.",
        )


async def newest_records(settings: Settings, topic: Topic) -> AsyncGenerator[ConsumerRecord]:
    """All there are now that count, and among them of each key the last. Raises ``NoBroker`` or
    ``KafkaRefused``."""
    async with TopicReader(settings) as reader:
        spans = await reader.spans([topic])
        elsewhere = Elsewhere(Counter(place.topic for place in spans))
        async for records in reader.records(spans):
            for record in filter(elsewhere.heard, records):
                yield record


class Reader:
    """Applies committed records, in the order of their partitions, from the beginning on.

    Methods raise ``NoBroker`` or ``KafkaRefused``; ``patience_s``: how long the brokers may keep silent.
    """

    def __init__(
        self,
        settings: Settings,
        apply: Callable[[ConsumerRecord], bool],
        patience_s: float,
        topics: Sequence[Topic] = TOPICS,
        metadata_s: float = METADATA_S,
    ) -> None:
        """``apply``: returns False of a record that cannot be read. ``metadata_s``: after so long at most it
        is noticed that a topic was given more partitions."""
        self._settings = settings
        self._apply = apply
        self._patience_s = patience_s
        self._topics = topics
        self._metadata_s = metadata_s
        self._moved = asyncio.Event()
        self._coming: asyncio.Task[None] | None = None
        # A broker answers in turn what comes on a connection: a question would wait for the fetch before it,
        # and that waits for news. So there is a second consumer, who asks and reads nothing.
        self._consumer: AIOKafkaConsumer
        self._asking: AIOKafkaConsumer
        self._looks: set[asyncio.Task[None]] = set()
        self._looking = asyncio.Lock()
        self._looked_at = -_PAUSE_S
        self.places: list[TopicPartition] = []
        self.counts: dict[str, int] = {}
        self.elsewhere = Elsewhere(self.counts)

    async def open(self) -> None:
        """Reads everything that is there."""
        tolerate()
        # Asked for by its name, a topic is created by some brokers.
        counts = await partition_counts(self._settings)
        for name in map(self._settings.topic, self._topics):
            if name not in counts:
                raise NoSuchTopic(name)
            self.counts[name] = counts[name]
            self.places += [TopicPartition(name, number) for number in range(counts[name])]
        self._consumer, self._asking = self._new_consumer(), self._new_consumer()
        try:
            with telling(self._settings.kafka_bootstrap):
                await self._consumer.start()
                await self._asking.start()
                self._consumer.assign(self.places)
                await self._consumer.seek_to_beginning()
                await self._read_to(await self._asking.end_offsets(self.places))
        except BaseException:
            await self._stop()
            raise
        self.elsewhere.all_read()
        if self.elsewhere:
            log.warning(
                f"{len(self.elsewhere):,} records lie where topics with fewer partitions had them: they count"
                " until they are written anew, elsewhere"
            )
        self._following = asyncio.create_task(self._follow(), name="registry-reader")

    async def close(self) -> None:
        """Whoever waits is cancelled."""
        tasks = {self._following, *self._looks}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self._stop()

    async def follow(self) -> None:
        """Raises what ended the following of the topics; until then it returns never."""
        await asyncio.shield(self._following)

    async def catch_up(self) -> None:
        """Returns when all has been applied that was committed before the call."""
        if self._coming is None:
            self._coming = asyncio.create_task(self._catch_up())
            self._coming.add_done_callback(heard)
            self._looks.add(self._coming)
            self._coming.add_done_callback(self._looks.discard)
        try:
            async with asyncio.timeout(self._patience_s):
                await asyncio.shield(self._coming)
        except TimeoutError:
            raise self._silent() from None

    async def look(self) -> None:
        """As ``catch_up``, for one caller at a time, who waits for no others."""
        try:
            async with asyncio.timeout(self._patience_s):
                with telling(self._settings.kafka_bootstrap):
                    ends = await self._asking.end_offsets(self.places)
        except TimeoutError:
            raise self._silent() from None
        await self.until(ends)

    async def until(self, ends: Ends) -> None:
        """Returns when everything before the ``ends`` has been applied."""
        while True:
            if self._following.done():
                await self._following
            if await self._reached(ends):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._moved.wait()

    def require_known(self, name: str, partitions: Collection[int]) -> None:
        """Raises :class:`MorePartitions`, unless the topic has no others than those that are read."""
        if len(partitions) > self.counts[name]:
            raise MorePartitions(name, self.counts[name], len(partitions))

    def _new_consumer(self) -> AIOKafkaConsumer:
        return connection_of(self._settings).consumer(
            client_id=CLIENT,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_FETCH_MS,
            metadata_max_age_ms=int(self._metadata_s * 1000),
            retry_backoff_ms=20,
        )

    async def _stop(self) -> None:
        await asyncio.gather(self._consumer.stop(), self._asking.stop())

    async def _catch_up(self) -> None:
        async with self._looking:
            await asyncio.sleep(self._looked_at + _PAUSE_S - time.monotonic())
            # Whoever comes now may know of what the answer does not.
            self._coming, self._looked_at = None, time.monotonic()
            await self.look()

    async def _follow(self) -> None:
        with telling(self._settings.kafka_bootstrap):
            while True:
                await self._take(_FETCH_MS)
                for name in self.counts:
                    self.require_known(name, self._consumer.partitions_for_topic(name) or ())
                # Those who wait now are woken, and nobody who comes later.
                self._moved.set()
                self._moved.clear()

    async def _read_to(self, ends: Ends) -> None:
        progress = time.monotonic()
        while not await self._reached(ends):
            # What was fetched already, or else what comes. Markers of transactions count, too.
            if await self._take(0) or await self._take(int(_POLL_S * 1000)):
                progress = time.monotonic()
            elif time.monotonic() - progress > _STALL_S:
                raise self._silent()

    async def _reached(self, ends: Ends) -> bool:
        for place, end in ends.items():
            if await self._consumer.position(place) < end:
                return False
        return True

    async def _take(self, timeout_ms: int) -> bool:
        """Apply what has come within so long. False: nothing."""
        fetched = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=_AT_ONCE)
        for records in fetched.values():
            for record in records:
                if self.elsewhere.heard(record) and not self._apply(record):
                    log.warning(
                        "registry record at %s %s:%s cannot be read: written by a newer release?",
                        *(record.topic, record.partition, record.offset),
                    )
        return bool(fetched)

    def _silent(self) -> NoBroker:
        return NoBroker(f"no Kafka broker answers at {self._settings.kafka_bootstrap}")
