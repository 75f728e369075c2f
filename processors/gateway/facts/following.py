"""The topics, read as they are written. Joins no group."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from processors.gateway.facts.reading import Memory
from processors.gateway.facts.recent import VISIT_MS
from processors.kafka.connecting import connection_of, follower
from processors.kafka.connection import telling, told
from processors.kafka.connection.failures import NoSuchTopic
from processors.kafka.connection.heard import heard
from processors.kafka.header_names import tolerate
from processors.kafka.topics import partition_counts
from processors.settings import Settings
from schemas.times import MINUTE_MS
from schemas.topics import Topic

log = logging.getLogger(__name__)

BACK_MS: Final = 10 * MINUTE_MS
MOST_VISITS: Final = 50_000
"""Beyond ``BACK_MS``: reading so many clicks takes a third of a second of CPU."""
_CLIENT: Final = "leadstream-gateway-facts"
_POLL_MS: Final = 200
_RECORDS: Final = 500
"""At once; whoever calls waits for so many to be read."""
_PACE_S: Final = 0.02
"""Least time between two fetches, unless there is much: each takes most of a millisecond, whatever it brings.
What others wrote is heard of so much later, at most, and only while there is something all the time."""
_GATHER_S: Final = 0.005
_PAUSE_S: Final = 0.2


class Follower:
    """Feeds a ``Memory``. Opening it raises ``NoBroker`` or ``KafkaRefused``."""

    def __init__(
        self,
        settings: Settings,
        memory: Memory,
        clock: Callable[[], int],
        back_ms: int = BACK_MS,
        most_visits: int = MOST_VISITS,
    ) -> None:
        """``back_ms``: from how long ago on the topics are read. ``most_visits``: so many clicks before that,
        at most, for the visitors that they are of."""
        self._settings = settings
        self._back_ms = back_ms
        self._most_visits = most_visits
        self._memory = memory
        self._recent = memory.recent
        self._clock = clock
        self._moved: set[asyncio.Future[None]] = set()
        self._round: asyncio.Task[Mapping[TopicPartition, int]] | None = None
        self._asking = asyncio.Lock()
        self.partitions: dict[Topic, int] = {}

    async def __aenter__(self) -> Self:
        tolerate()
        counts = await partition_counts(self._settings)
        for topic in self._memory.topics:
            if self._settings.topic(topic) not in counts:
                raise NoSuchTopic(self._settings.topic(topic))
            self.partitions[topic] = counts[self._settings.topic(topic)]
        # What is undecided counts for an end: it may have been acknowledged already.
        connection = connection_of(self._settings)
        self._ends = connection.consumer(client_id=_CLIENT, isolation_level="read_uncommitted")
        self._consumer = follower(self._settings, _CLIENT)
        async with AsyncExitStack() as stack:
            with telling(self._settings.kafka_bootstrap):
                for consumer in (self._ends, self._consumer):
                    stack.push_async_callback(consumer.stop)
                    await consumer.start()
                await self._begin()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def starts(self, topic: Topic) -> Mapping[int, int]:
        """By partition, from where on memory has everything."""
        name = self._settings.topic(topic)
        return {
            number: start
            for number in range(self.partitions[topic])
            if (start := self._recent.start(TopicPartition(name, number))) is not None
        }

    async def _begin(self) -> None:
        # Of a client's questions each finds out about one new topic, waits, and is asked again.
        begins: list[Mapping[TopicPartition, int]] = await asyncio.gather(
            *(self._recent_starts(self._places(topic)) for topic in self.partitions)
        )
        found = {place: offset for one in begins for place, offset in one.items()}
        found |= await self._visits_starts({place: found[place] for place in self._places(Topic.CLICKS)})
        # No await between this and the last seek: fetching must not start elsewhere.
        self._consumer.assign(list(found))
        self._seek(found)

    def _places(self, topic: Topic) -> list[TopicPartition]:
        name = self._settings.topic(topic)
        return [TopicPartition(name, number) for number in range(self.partitions[topic])]

    async def _recent_starts(self, places: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where that begins which is recent enough to be read. Raises ``KafkaError``."""
        since_ms = max(self._clock() - self._back_ms, 0)
        found, ends = await asyncio.gather(
            self._consumer.offsets_for_times(dict.fromkeys(places, since_ms)), self._ends.end_offsets(places)
        )
        return {place: ends[place] if (one := found[place]) is None else one.offset for place in places}

    async def _visits_starts(self, starts: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """Of clicks: as far back as a visitor is known by one, unless these are too many."""
        share = self._most_visits // len(starts)
        since_ms = max(self._clock() - VISIT_MS, 0)
        found = await self._consumer.offsets_for_times(dict.fromkeys(starts, since_ms))
        return {
            place: start if (one := found[place]) is None else min(start, max(one.offset, start - share))
            for place, start in starts.items()
        }

    def _seek(self, starts: Mapping[TopicPartition, int]) -> None:
        for place, offset in starts.items():
            self._recent.begin(place, offset)
            self._consumer.seek(place, offset)

    async def run(self) -> None:
        """Until it is cancelled."""
        readers = {self._settings.topic(topic): self._memory.reader(topic) for topic in self._memory.topics}
        recent = self._recent
        while True:
            try:
                fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_RECORDS)
            except OffsetOutOfRangeError as error:
                await self._skip(error.args[0])
                continue
            except KafkaError as error:
                log.warning("cannot follow the topics: %s", told(error, self._settings.kafka_bootstrap))
                await asyncio.sleep(_PAUSE_S)
                continue
            for place, records in fetched.items():
                read = readers[place.topic]
                for record in records:
                    try:
                        read(record)
                    except Exception:
                        # It says nothing then; those after it do.
                        log.exception("%s-%s:%s says nothing", place.topic, place.partition, record.offset)
                    recent.advance(place, record.offset + 1)
            self._notify()
            # A long way behind, others have to get their turn.
            few = 0 < sum(map(len, fetched.values())) < _RECORDS
            await asyncio.sleep(_PACE_S if few else 0)

    async def _skip(self, lost: Iterable[TopicPartition]) -> None:
        """Retention was faster, or a topic was made anew: what lies between is not here."""
        places = list(lost)
        log.warning("the topics begin later than where they were read: %s", places)
        try:
            self._seek(await self._recent_starts(places))
        except KafkaError:
            await asyncio.sleep(_PAUSE_S)

    def _notify(self) -> None:
        for future in self._moved:
            if not future.done():
                future.set_result(None)
        self._moved.clear()

    async def ends(self) -> Mapping[TopicPartition, int]:
        """Where all partitions end, at a moment during this call. Calls that meet share one question.

        Raises ``KafkaError``.
        """
        if self._round is None:
            self._round = asyncio.create_task(self._ask())
            # Whoever asked may have given up meanwhile.
            self._round.add_done_callback(heard)
        return await asyncio.shield(self._round)

    async def _ask(self) -> Mapping[TopicPartition, int]:
        # A broker that does not answer is asked one question, and not one more in every round.
        async with self._asking:
            await asyncio.sleep(_GATHER_S)
            # Whoever comes from now on may know of something that this answer does not.
            self._round = None
            ends: Mapping[TopicPartition, int] = await self._ends.end_offsets(list(self._recent.reached))
            return ends

    async def reach(self, ends: Mapping[TopicPartition, int]) -> None:
        """Returns when memory has everything before these ends."""
        while behind := [place for place, end in ends.items() if self._recent.reached[place] < end]:
            await self.past_markers(behind)
            if all(self._recent.reached[place] >= ends[place] for place in behind):
                return
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._moved.add(future)
            await future

    async def past_markers(self, places: Iterable[TopicPartition]) -> None:
        """What is aborted, and the markers of transactions, move a reader without a record."""
        for place in places:
            position = await self._consumer.position(place)
            if position > self._recent.reached[place]:
                self._recent.advance(place, position)
