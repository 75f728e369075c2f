"""When a due state may be expired: not when the clock says so, but when nothing can be waiting for it.

A state is held because a partner may still come. A worker that comes back after an outage finds its clock far
ahead of its input; expiring by the clock would give up on partners that lie in the topics already. So time
here is a *watermark*: the latest time W for which it is known that everything that had arrived in the source
topics by W has been processed; by whichever worker, for its result may concern us.

It is found by rounds. A round notes the time T, then the end of every source partition (after T, so that
nothing that arrived by T is missed), and is complete when all of them are processed up to there: ours by our
own count, others' by the offsets the group has committed. A record may have to pass two processors (the first
writes a topic the second reads), which takes two rounds: what arrived by the start of a round is through the
first processor when it completes, and through the second when the next one does. W is therefore the start of
the last completed round but one.

Rounds cost a few requests each, and are only made while something is due soon. Trailing transaction markers
count in the end of a partition; they are part of what is fetched, processed and (at leisure) committed. While
a worker is behind or a partition without an owner, time stands still for all: late, but never wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiokafka.structs import TopicPartition

from processors.engine.batch import DueEntry
from processors.engine.memory_store import AnyStore
from processors.engine.processor import Processor
from processors.engine.settings import EngineSettings
from processors.engine.stats import Stats

#: Share of a batch that may be expiries, so that a backlog of them cannot hold up the events.
DUE_PER_BATCH = 500
SWEEP_ENTRIES = 2000

Stores = Mapping[tuple[str, int], AnyStore]


class Watermark:
    """Bookkeeping of rounds in one generation."""

    def __init__(self) -> None:
        self._start_ms: int | None = None
        self._previous_ms: int | None = None
        self._ends: dict[TopicPartition, int] = {}
        #: W; 0 while nothing is known.
        self.time_ms = 0

    @property
    def running(self) -> bool:
        """Is a round under way?"""
        return self._start_ms is not None

    def begin(self, start_ms: int, ends: Mapping[TopicPartition, int]) -> None:
        """Start a round: ``ends`` were read after ``start_ms``."""
        self._start_ms = start_ms
        self._ends = dict(ends)

    def advance(self, processed: Mapping[TopicPartition, int]) -> bool:
        """Is the round complete, given the next offset to process per partition? True: W moved."""
        if self._start_ms is None:
            return False
        self._ends = {tp: end for tp, end in self._ends.items() if processed.get(tp, -1) < end}
        if self._ends:
            return False
        moved = self._previous_ms is not None
        if self._previous_ms is not None:
            self.time_ms = self._previous_ms
        self._previous_ms, self._start_ms = self._start_ms, None
        return moved


class Timekeeper:
    """Which states are due, by the watermark; and the slow sweep of states past their retention.

    For one generation: what is known of a former one's partitions says nothing about these.
    """

    def __init__(
        self,
        settings: EngineSettings,
        processors: Sequence[Processor[Any, Any]],
        stats: Stats,
        stores: Stores,
    ) -> None:
        self._settings = settings
        self._stats = stats
        self._stores = stores
        self._retention_ms = {
            job.table: job.retention_ms for job in processors if job.retention_ms is not None
        }
        self._sweeping: Iterator[tuple[tuple[str, int], AnyStore]] = iter(())
        self._more = False
        self.watermark = Watermark()
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
            found = store.due(self.watermark.time_ms, DUE_PER_BATCH - len(due))
            due += [DueEntry(table, partition, *entry) for entry in found]
        self._more = len(due) == DUE_PER_BATCH
        return due

    def round_wanted(self) -> bool:
        """Is something due before two rounds from now, and no round under way?"""
        if self.watermark.running:
            return False
        soon = self._settings.clock() + int(2000 * self._settings.expiry_interval_s)
        return any(
            (first := store.first_due()) is not None and first <= soon for store in self._stores.values()
        )

    def sweep(self) -> None:
        """A few milliseconds of dropping what is past its retention, one store after the other."""
        place, store = next(self._sweeping, (None, None))
        if place is None or store is None:
            self._sweeping = iter([item for item in self._stores.items() if item[0][0] in self._retention_ms])
            return
        before_s = (self._settings.clock() - self._retention_ms[place[0]]) // 1000
        self._stats.swept += store.sweep(before_s, SWEEP_ENTRIES)
