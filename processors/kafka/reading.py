"""Committed records of topics, from here to the end of now, in bounded memory. Joins no group."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, NamedTuple, Self

from aiokafka import ConsumerRecord, TopicPartition

from processors.kafka.connecting import connection_of
from processors.kafka.connection import NoBroker, telling
from processors.kafka.connection.failures import NoSuchTopic
from processors.kafka.header_names import tolerate
from processors.kafka.topics import partition_counts
from processors.settings import Settings
from schemas.topics import Topic

_POLL_MS: Final = 250
_STALL_S: Final = 30.0
_FETCH_BYTES: Final = 16 << 20
_RECORDS: Final = 5_000


class Span(NamedTuple):
    """Offsets of a partition: from ``begin`` up to, not including, ``end``."""

    begin: int
    end: int


class TopicReader:
    """Reads as an outsider: what a ``read_committed`` reader sees, each record once. For one task at a time.

    Methods raise ``NoBroker`` (nothing could be read for 30 s) or ``KafkaRefused``.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Self:
        tolerate()
        self._consumer = connection_of(self._settings).consumer(
            client_id="leadstream-read",
            isolation_level="read_committed",
            enable_auto_commit=False,
            # Retention may delete the beginning of a span while it is read: go on with what is left.
            auto_offset_reset="earliest",
            fetch_max_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=50,
            retry_backoff_ms=20,
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._consumer.stop)
            with telling(self._settings.kafka_bootstrap):
                await self._consumer.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def spans(self, topics: Iterable[Topic], since_ms: int | None = None) -> dict[TopicPartition, Span]:
        """All that the topics hold now, or the part of it from the first record of ``since_ms`` or later.

        Ends where a transaction is undecided: whoever reads waits for nobody.
        """
        return await self.spans_of([self._settings.topic(topic) for topic in topics], since_ms)

    async def spans_of(self, names: Sequence[str], since_ms: int | None = None) -> dict[TopicPartition, Span]:
        """The same of any topics. ``names``: in full."""
        counts = await partition_counts(self._settings)
        if missing := [name for name in names if name not in counts]:
            raise NoSuchTopic(missing[0])
        places = [TopicPartition(name, number) for name in names for number in range(counts[name])]
        with telling(self._settings.kafka_bootstrap):
            ends = await self._consumer.end_offsets(places)
            if since_ms is None:
                begins = await self._consumer.beginning_offsets(places)
            else:
                found = await self._consumer.offsets_for_times(dict.fromkeys(places, max(since_ms, 0)))
                begins = {place: one.offset if one else ends[place] for place, one in found.items()}
        return {place: Span(begins[place], ends[place]) for place in places}

    async def latest(self, name: str, count: int) -> list[ConsumerRecord]:
        """The committed ones among the last ``count`` records of each partition. ``name``: in full."""
        partitions = (await partition_counts(self._settings)).get(name, 0)
        places = [TopicPartition(name, number) for number in range(partitions)]
        with telling(self._settings.kafka_bootstrap):
            begins = await self._consumer.beginning_offsets(places)
            ends = await self._consumer.end_offsets(places)
        spans = {place: Span(max(begins[place], ends[place] - count), ends[place]) for place in places}
        return [record async for records in self.records(spans) for record in records]

    async def records(self, spans: Mapping[TopicPartition, Span]) -> AsyncIterator[Sequence[ConsumerRecord]]:
        """Every committed record of the spans, a run of one partition at a time, in its order."""
        left = {place: span for place, span in spans.items() if span.begin < span.end}
        # No await between this and the last seek: fetching must not start elsewhere.
        self._consumer.assign(list(left))
        for place, span in left.items():
            self._consumer.seek(place, span.begin)
        progress = time.monotonic()
        while left:
            with telling(self._settings.kafka_bootstrap):
                fetched = await self._consumer.getmany(*left, timeout_ms=_POLL_MS, max_records=_RECORDS)
            for place, records in fetched.items():
                if inside := _before(left[place].end, records):
                    yield inside
            # Also without a record: what is aborted and the markers of transactions move the position.
            reached = {place for place in left if await self._consumer.position(place) >= left[place].end}
            for place in reached:
                del left[place]
                self._consumer.pause(place)
            if fetched or reached:
                progress = time.monotonic()
            elif time.monotonic() - progress > _STALL_S:
                raise NoBroker(f"no Kafka broker answers at {self._settings.kafka_bootstrap}")


def _before(end: int, records: Sequence[ConsumerRecord]) -> Sequence[ConsumerRecord]:
    if records and records[-1].offset >= end:
        return [record for record in records if record.offset < end]
    return records
