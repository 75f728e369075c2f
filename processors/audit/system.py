"""The topics of one deployment, read as an audit reads them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import ConsumerRecord, TopicPartition

from processors.audit.results import KINDS
from processors.kafka.groups import group_offsets, written_ends
from processors.kafka.reading import Span, TopicReader
from processors.settings import Settings
from schemas.topics import Topic

RESULTS: Final = tuple(kind.topic for kind in KINDS)

Marks = Mapping[TopicPartition, int]
"""Where somebody goes on reading: everything before has been used."""
Advance = Callable[[int], None]
"""Told of so many more records that are done."""


class System:
    """``gone_ms``: since when a topic has had records, where earlier ones are gone; of those read to the end.

    Methods raise ``NoBroker`` and ``KafkaRefused``.
    """

    def __init__(self, settings: Settings, reader: TopicReader, now_ms: int) -> None:
        self.gone_ms: dict[Topic, int] = {}
        self._settings = settings
        self._reader = reader
        self._now_ms = now_ms
        self._names = settings.topics

    async def worker_marks(self) -> Marks:
        """How far the workers have come."""
        return await group_offsets(self._settings, self._settings.worker_group)

    async def sink_marks(self) -> Marks:
        """How far the sink has come."""
        return await group_offsets(self._settings, self._settings.full_sink_group)

    async def size(self, topics: Iterable[Topic]) -> int:
        """About how many records there are."""
        return sum(span.end - span.begin for span in (await self._reader.spans(topics)).values())

    async def each(
        self, topics: Iterable[Topic], add: Callable[[Topic, ConsumerRecord], None], advance: Advance
    ) -> None:
        """Every record of the topics."""
        spans = await self._spans(topics)
        gone = {place for place, span in spans.items() if span.begin > 0}
        async for records in self._reader.records(spans):
            topic = self._names[records[0].topic]
            place = TopicPartition(records[0].topic, records[0].partition)
            if place in gone:
                gone.remove(place)
                self._note_gone(topic, records[0].timestamp)
            for record in records:
                add(topic, record)
            advance(len(records))
            _stop_if_asked()
        for place in gone:
            self._note_gone(self._names[place.topic], self._now_ms)

    async def beyond(self, topic: Topic, marks: Marks) -> AsyncIterator[ConsumerRecord]:
        """The records of a topic that have not been used."""
        spans = await self._spans([topic])
        left = {place: Span(max(span.begin, marks.get(place, 0)), span.end) for place, span in spans.items()}
        async for records in self._reader.records(left):
            for record in records:
                yield record

    async def _spans(self, topics: Iterable[Topic]) -> dict[TopicPartition, Span]:
        """To the end of what is written, decided or not: marks may be ahead of their own transaction."""
        spans = await self._reader.spans(topics)
        ends = await written_ends(self._settings, spans)
        return {place: Span(span.begin, ends[place]) for place, span in spans.items()}

    def _note_gone(self, topic: Topic, first_ms: int) -> None:
        self.gone_ms[topic] = max(first_ms, self.gone_ms.get(topic, 0))


def _stop_if_asked() -> None:
    """The client of Kafka swallows a cancellation now and then; reading on may take minutes."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@asynccontextmanager
async def opened(settings: Settings, now_ms: int) -> AsyncIterator[System]:
    """Connected."""
    async with TopicReader(settings) as reader:
        yield System(settings, reader, now_ms)


def shared_marks(known: Sequence[Marks], inputs: Collection[str]) -> Marks:
    """How far all have come in ``inputs``, which all read; of what only one reads, how far that one has."""
    return {
        place: min(one.get(place, 0) for one in known if place in one or place.topic in inputs)
        for place in set[TopicPartition]().union(*known)
    }
