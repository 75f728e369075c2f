"""What passes with time: states that are due, and states past their retention. Both by the watermark
(:mod:`.watermark`), not by the clock.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiokafka.structs import TopicPartition

from processors.engine.effects import DueEntry
from processors.engine.errors import Superseded
from processors.engine.group import ASK_AGAIN, Group
from processors.engine.processor import Processor
from processors.engine.settings import EngineSettings
from processors.engine.stats import Stats
from processors.engine.stores import Place, Store
from processors.engine.watermark import Watermark, hops

log = logging.getLogger(__name__)

#: Share of a batch that may be expiries, so that a backlog of them cannot hold up the events.
DUE_PER_BATCH = 500
#: Due entries looked at in a row, to count the states that wait.
_HELD_LOOKS = 500
#: Share of the retention by which the watermark may be behind when only what is too old is to be dropped.
_WATERMARK_LAG = 0.01


class Timekeeper:
    """The rounds of the watermark, which states are due by it, and which are past their retention.

    For one generation: what is known of a former one's partitions says nothing about these.
    """

    def __init__(
        self,
        settings: EngineSettings,
        processors: Sequence[Processor[Any, Any]],
        stats: Stats,
        stores: Mapping[Place, Store],
    ) -> None:
        self._settings = settings
        self._stats = stats
        self._stores = stores
        self._retention_ms = {
            job.table: job.retention_ms for job in processors if job.retention_ms is not None
        }
        #: Every partition of every source topic, ours or not.
        self._sources = {
            TopicPartition(topic, partition)
            for job in processors
            for topic in job.topics
            for partition in range(settings.partitions)
        }
        self._hops = hops(processors)
        self._more = False
        #: Stores whose waiting states are to be counted next, and how many there were in each.
        self._to_count: list[Place] = []
        self._held: dict[Place, int] = {}
        self.watermark = Watermark(self._hops)
        #: Committed offsets of partitions that are not ours.
        self.others: Mapping[TopicPartition, int] = {}

    def take(self, processed: Mapping[TopicPartition, int]) -> list[DueEntry]:
        """Entries to expire in the next batch, a bounded number."""
        if self.watermark.running and self.watermark.advance({**self.others, **processed}):
            self._more = True
            self._stats.watermark_ms = self.watermark.time_ms
        if not self._more:
            return []
        due: list[DueEntry] = []
        for (table, partition), store in self._stores.items():
            if len(due) < DUE_PER_BATCH:
                found = store.due(self.watermark.time_ms, DUE_PER_BATCH - len(due))
                due += [DueEntry(table, partition, *entry) for entry in found]
        self._more = len(due) == DUE_PER_BATCH
        return due

    async def round(self, group: Group, processed: Mapping[TopicPartition, int]) -> None:
        """Begin a round if one is wanted, else look how far the others have come in the one under way.

        Raises nothing that asking the group may raise: the next call tries it again.
        """
        try:
            if self.round_wanted():
                start_ms = self._settings.clock()
                self.watermark.begin(start_ms, await group.ends(self._sources))
            elif self.watermark.running:
                others = self._sources - processed.keys()
                if others:
                    self.others = await group.committed(others)
        except (Superseded, *ASK_AGAIN) as exc:
            log.info("no watermark round", extra={"error": repr(exc)})

    def round_wanted(self) -> bool:
        """Is no round under way, and something due before a round from now would move the watermark; or is
        the watermark too old for what is to be dropped?
        """
        if self.watermark.running:
            return False
        now_ms = self._settings.clock()
        shortest_ms = min(self._retention_ms.values(), default=None)
        if shortest_ms is not None and now_ms - self.watermark.time_ms > _WATERMARK_LAG * shortest_ms:
            return True
        soon = now_ms + int(1000 * self._hops * self._settings.expiry_interval_s)
        return any(
            (first := store.first_due()) is not None and first <= soon for store in self._stores.values()
        )

    def count_held(self) -> None:
        """Go on counting the states that wait for time, in one store: about a millisecond."""
        if not self._to_count:
            self._to_count = list(self._stores)
            return
        place = self._to_count.pop()
        held = self._stores[place].held(_HELD_LOOKS)
        if held is not None:
            self._held[place] = held
            by_table = Counter({table: 0 for table, _ in self._held})
            for (table, _), states in self._held.items():
                by_table[table] += states
            self._stats.held = by_table

    def drop(self) -> Iterator[None]:
        """Drop what is past its retention. Some milliseconds between two yields; it may be left at any."""
        for place, store in list(self._stores.items()):  # others may start meanwhile
            retention_ms = self._retention_ms.get(place[0])
            if retention_ms is None:
                continue
            before_s = (self.watermark.time_ms - retention_ms) // 1000
            while before_s > 0 and (dropped := store.drop(before_s)):
                self._stats.dropped += dropped
                yield
