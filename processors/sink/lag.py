"""How far a sink has come in its partitions."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError

from processors.sink.stats import Stats


class Lag:
    """What of the partitions of a consumer is not stored. ``stats`` hears of it."""

    def __init__(self, consumer: AIOKafkaConsumer, stats: Stats) -> None:
        self._consumer = consumer
        self._stats = stats

    async def look(self) -> None:
        """Between two batches: everything up to the positions is stored. Asks no broker."""
        try:
            async with asyncio.timeout(1):  # between two assignments nobody knows
                reached = {
                    place: await self._consumer.position(place)
                    for place in self._consumer.assignment()
                    if self._end_of(place) is not None
                }
        except (TimeoutError, IllegalStateError):
            return
        self._stats.reached = reached
        self._stats.lag = sum(self.by_partition().values())

    def by_partition(self) -> dict[TopicPartition, int]:
        """Offsets of each partition that are not stored, as far as is known. From any thread."""
        reached = self._stats.reached
        ends = {place: self._end_of(place) for place in reached}
        return {place: max(0, end - reached[place]) for place, end in ends.items() if end is not None}

    def _end_of(self, place: TopicPartition) -> int | None:
        try:
            end: int | None = self._consumer.highwater(place)
        except (AssertionError, AttributeError):
            return None  # it is another sink's by now
        return end
