"""The one reader of the topics: only what is committed. Joins no group."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from processors.gateway.live.positions import TOPICS, Place
from processors.gateway.live.rings import Record, Rings
from processors.kafka.connecting import follower
from processors.kafka.connection import telling, told
from processors.kafka.connection.failures import NoSuchTopic
from processors.kafka.header_names import tolerate
from processors.kafka.topics import partition_counts
from processors.settings import Settings
from schemas.times import MINUTE_MS

log = logging.getLogger(__name__)

BACK_MS: Final = MINUTE_MS
"""Whoever watched another gateway, or this one before it was restarted, goes on where he was within this."""
_CLIENT: Final = "leadstream-gateway-live"
_POLL_MS: Final = 500
_RECORDS: Final = 1_000
"""At once; whoever calls waits for so many to be read."""
_PACE_S: Final = 0.1
"""Between two looks: those who watch are woken so often, at most."""
_PAUSE_S: Final = 0.2


class Reader:
    """Fills ``rings``. Opening it raises ``NoBroker`` or ``KafkaRefused``."""

    def __init__(
        self, settings: Settings, rings: Rings, clock: Callable[[], int], back_ms: int = BACK_MS
    ) -> None:
        """``back_ms``: from how long ago on the topics are read."""
        self._settings = settings
        self._rings = rings
        self._clock = clock
        self._back_ms = back_ms
        self._places: dict[TopicPartition, Place] = {}

    async def __aenter__(self) -> Self:
        tolerate()
        counts = await partition_counts(self._settings)
        for topic in TOPICS:
            name = self._settings.topic(topic)
            if name not in counts:
                raise NoSuchTopic(name)
            self._places |= {TopicPartition(name, one): Place(topic, one) for one in range(counts[name])}
        self._consumer = follower(self._settings, _CLIENT)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._consumer.stop)
            with telling(self._settings.kafka_bootstrap):
                await self._consumer.start()
                await self._begin()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _begin(self) -> None:
        since_ms = max(self._clock() - self._back_ms, 0)
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._places, since_ms))
        await self.look()
        starts = {
            place: self._ends[place] if (one := found[key]) is None else one.offset
            for key, place in self._places.items()
        }
        # No await between this and the last seek: fetching must not start elsewhere.
        self._consumer.assign([*self._places])
        for key, place in self._places.items():
            self._consumer.seek(key, starts[place])
        self._rings.begin(starts, self._ends)

    async def look(self) -> None:
        """Does Kafka answer? Raises ``KafkaError``."""
        ends = await self._consumer.end_offsets([*self._places])
        self._ends = {place: ends[key] for key, place in self._places.items()}

    async def run(self, heard: Callable[[set[str]], None]) -> None:
        """Until it is cancelled. ``heard``: told whose records came. Raises ``KafkaError`` when what was to
        be read is not there any more, and nobody says what is."""
        while True:
            try:
                fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS)
            except OffsetOutOfRangeError as error:
                log.warning("the topics begin later than where they were read: %s", error.args[0])
                await self._begin()
                continue
            except KafkaError as error:
                log.warning("cannot read the topics: %s", told(error, self._settings.kafka_bootstrap))
                await asyncio.sleep(_PAUSE_S)
                continue
            heard(self._keep(fetched))
            # What is aborted, and the markers of transactions, move a reader without a record.
            for key, place in self._places.items():
                self._rings.reached[place] = await self._consumer.position(key)
            much = sum(map(len, fetched.values())) == _RECORDS
            await asyncio.sleep(0 if much else _PACE_S)

    def _keep(self, fetched: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> set[str]:
        found = set[str]()
        for key, records in fetched.items():
            place = self._places[key]
            for one in records:
                record = Record(place, one.offset, one.key or b"", one.value or b"", one.timestamp)
                if whose := self._rings.add(record):
                    found.add(whose)
        return found
