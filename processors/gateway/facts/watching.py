"""How far workers and sink have come, looked at every second."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from processors.errors import LeadstreamError
from processors.gateway.facts.certainty import Ends, Followed, Marks, Trail, Worked
from processors.kafka.lag import LagReader
from processors.settings import Settings
from schemas.topics import Topic

log = logging.getLogger(__name__)

_EVERY_S: Final = 1.0
_PATIENCE_S: Final = 15.0


class Watch:
    """``starts``: of the partitions that memory has, from where on."""

    def __init__(self, settings: Settings, starts: Callable[[Topic], Mapping[int, int]]) -> None:
        self._settings = settings
        self._starts = starts
        self._trail = Trail()
        self._sunk: dict[TopicPartition, int] = {}

    def sunk(self, topic: Topic, partition: int) -> int:
        """How far the sink had come when it was last looked at; −1: it never was."""
        return self._sunk.get(TopicPartition(self._settings.topic(topic), partition), -1)

    def followed(self, partition: int) -> Followed | None:
        """As ``Trail.followed``."""
        return self._trail.followed(partition)

    async def run(self) -> None:
        """Until it is cancelled. While Kafka does not answer, what was known last stays so."""
        while True:
            try:
                async with LagReader(self._settings) as reader:
                    while True:
                        async with asyncio.timeout(_PATIENCE_S):
                            await self.look(reader)
                        await asyncio.sleep(_EVERY_S)
            except (TimeoutError, KafkaError, OSError, LeadstreamError) as error:
                log.warning("cannot see how far workers and sink have come: %s", error or "no answer in time")
            await asyncio.sleep(_EVERY_S)

    async def look(self, reader: LagReader) -> None:
        """Once. The order of the questions is that of ``Trail``."""
        stored = self._places(Topic.CLICKS) | self._places(Topic.CUSTOMERS)
        self._sunk = await reader.read_up_to(self._settings.full_sink_group, stored)
        asked = {
            **self._places(Topic.DEFERRED_LEADS),
            **self._places(Topic.QUALIFICATIONS),
            **self._places(Topic.ERASURES),
            **self._of(Topic.CLICKS, self._trail.clicks_ends),
            **self._of(Topic.TOUCHES, self._trail.touches_ends),
        }
        read = await reader.read_up_to(self._settings.worker_group, asked)
        ends = await reader.ends([Topic.CLICKS, Topic.TOUCHES, Topic.CUSTOMERS])
        marks = Marks(
            self._by_partition(Topic.DEFERRED_LEADS, read),
            self._by_partition(Topic.QUALIFICATIONS, read),
            self._by_partition(Topic.ERASURES, read),
        )
        self._trail.look(
            Worked(marks, self._by_partition(Topic.CLICKS, read), self._by_partition(Topic.TOUCHES, read)),
            Ends(
                self._by_partition(Topic.CLICKS, ends),
                self._by_partition(Topic.TOUCHES, ends),
                self._by_partition(Topic.CUSTOMERS, ends),
            ),
        )

    def _places(self, topic: Topic) -> dict[TopicPartition, int]:
        return self._of(topic, self._starts(topic))

    def _of(self, topic: Topic, offsets: Mapping[int, int]) -> dict[TopicPartition, int]:
        name = self._settings.topic(topic)
        return {TopicPartition(name, partition): offset for partition, offset in offsets.items()}

    def _by_partition(self, topic: Topic, offsets: Mapping[TopicPartition, int]) -> dict[int, int]:
        name = self._settings.topic(topic)
        return {place.partition: offset for place, offset in offsets.items() if place.topic == name}
