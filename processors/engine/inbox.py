"""Accepted fetches on their way to a batch."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence, Set
from types import MappingProxyType
from typing import NamedTuple

from aiokafka.structs import TopicPartition

from processors.engine.contiguity import Fetched
from processors.engine.records import Record


class Chunk(NamedTuple):
    """Records of one partition, and the offset to go on at once they are processed."""

    tp: TopicPartition
    records: Sequence[Record]
    next_offset: int


class Inbox:
    """A queue of whole fetches. Bounded by making the fetching side wait (:meth:`.intake.Intake.room`), not
    by pausing partitions.

    Fetches of ``inner`` topics (see :class:`.processor.Processor`) overtake the others: behind a backlog of
    events, what has been begun is finished at once.
    """

    def __init__(self, inner: Set[str] = frozenset()) -> None:
        self._inner_topics = inner
        self._inner: deque[Fetched] = deque()
        self._outer: deque[Fetched] = deque()
        self.records = 0
        self.arrived = asyncio.Event()

    def put(self, fetched: Fetched) -> None:
        """Add an accepted fetch."""
        queue = self._inner if fetched.tp.topic in self._inner_topics else self._outer
        queue.append(fetched)
        self.records += len(fetched.records)
        self.arrived.set()

    def __bool__(self) -> bool:
        return bool(self._inner or self._outer)

    def clear(self) -> None:
        """Forget everything. See :class:`.intake.Intake` for what must be forgotten with it."""
        self._inner.clear()
        self._outer.clear()
        self.records = 0

    def discard(self, tp: TopicPartition) -> None:
        """Forget what is there of one partition, whose fetches are no longer accepted."""
        for queue in (self._inner, self._outer):
            dropped = [fetched for fetched in queue if fetched.tp == tp]
            for fetched in dropped:
                queue.remove(fetched)
                self.records -= len(fetched.records)

    def take(self, limit: int, last: Mapping[TopicPartition, int] = MappingProxyType({})) -> list[Chunk]:
        """Up to ``limit`` records; of inner topics first, else in the order of arrival.

        Nothing is taken after a record at an offset of ``last``.
        """
        taken: list[Chunk] = []
        left = limit
        for queue in (self._inner, self._outer):
            while queue and left > 0:
                tp, start, end, records = queue.popleft()
                self.records -= len(records)
                if start <= last.get(tp, -1) < end:
                    left = min(left, sum(record.offset <= last[tp] for record in records) or left)
                if len(records) > left:
                    rest = records[left:]
                    records = records[:left]
                    cut = records[-1].offset + 1
                    queue.appendleft(Fetched(tp, cut, end, rest))
                    self.records += len(rest)
                    end = cut
                taken.append(Chunk(tp, records, end))
                left -= len(records)
        return taken
