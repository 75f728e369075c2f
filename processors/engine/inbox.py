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
    """A queue of whole fetches. Bounded by making the fetching side wait (:class:`.transport.BatchConsumer`),
    not by pausing partitions.

    Fetches of ``inner`` topics (see :class:`.processor.Processor`) overtake the others: behind a backlog of
    events, what has been begun is finished at once.
    """

    def __init__(self, inner: Set[str] = frozenset()) -> None:
        self._inner_topics = inner
        self._inner: deque[tuple[int, Fetched]] = deque()
        self._outer: deque[tuple[int, Fetched]] = deque()
        self.records = 0
        self.arrived = asyncio.Event()

    def put(self, generation: int, fetched: Fetched) -> None:
        """Add an accepted fetch."""
        queue = self._inner if fetched.tp.topic in self._inner_topics else self._outer
        queue.append((generation, fetched))
        self.records += len(fetched.records)
        self.arrived.set()

    def __bool__(self) -> bool:
        return bool(self._inner or self._outer)

    def clear(self) -> None:
        """Forget everything. See :class:`.contiguity.Contiguity` for what must be forgotten with it."""
        self._inner.clear()
        self._outer.clear()
        self.records = 0

    def discard(self, tp: TopicPartition) -> None:
        """Forget what is there of one partition, whose fetches are no longer accepted."""
        for queue in (self._inner, self._outer):
            dropped = [one for one in queue if one[1].tp == tp]
            for one in dropped:
                queue.remove(one)
                self.records -= len(one[1].records)

    def take(
        self, generation: int, limit: int, last: Mapping[TopicPartition, int] = MappingProxyType({})
    ) -> list[Chunk]:
        """Up to ``limit`` records of this generation; of inner topics first, else in the order of arrival.

        Nothing is taken after a record at an offset of ``last``.
        """
        taken: list[Chunk] = []
        left = limit
        for queue in (self._inner, self._outer):
            while queue and left > 0:
                of, (tp, start, end, records) = queue.popleft()
                self.records -= len(records)
                if of != generation:
                    continue
                if start <= last.get(tp, -1) < end:
                    left = min(left, sum(record.offset <= last[tp] for record in records) or left)
                if len(records) > left:
                    rest = records[left:]
                    records = records[:left]
                    cut = records[-1].offset + 1
                    queue.appendleft((of, Fetched(tp, cut, end, rest)))
                    self.records += len(rest)
                    end = cut
                taken.append(Chunk(tp, records, end))
                left -= len(records)
        return taken
