"""What waits for its turn: records, by the partition that they go to."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator

from aiokafka import TopicPartition

from schemas.events import AnyEvent
from schemas.headers import Headers

_OVERHEAD_BYTES = 600
"""What a waiting record takes besides its value."""


class Waiting:
    """A record that is to be written. ``answer``: of the call that waits for it.

    ``kept``: it is written even when nobody waits any more.
    """

    __slots__ = ("answer", "at_ms", "event", "headers", "kept", "key", "place", "timestamp_ms", "value")

    def __init__(
        self,
        place: TopicPartition,
        key: bytes,
        value: bytes,
        headers: Headers,
        timestamp_ms: int,
        event: AnyEvent,
        at_ms: int,
        answer: asyncio.Future[None],
        *,
        kept: bool,
    ) -> None:
        self.place = place
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp_ms = timestamp_ms
        self.event = event
        self.at_ms = at_ms
        self.answer = answer
        self.kept = kept

    @property
    def wanted(self) -> bool:
        """Somebody waits for it, or it is kept."""
        return self.kept or not self.answer.done()

    @property
    def size(self) -> int:
        """In bytes, of memory."""
        return len(self.value) + _OVERHEAD_BYTES


class Queues:
    """Records in the order of their calls, a queue for each partition. ``size``: bytes of memory."""

    def __init__(self) -> None:
        self._queues: dict[TopicPartition, deque[Waiting]] = {}
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._queues)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def places(self) -> list[TopicPartition]:
        """Partitions for which there is something."""
        return list(self._queues)

    def add(self, record: Waiting) -> None:
        """At the end."""
        queue = self._queues.get(record.place)
        if queue is None:
            queue = self._queues[record.place] = deque()
        queue.append(record)
        self.size += record.size

    def put_back(self, records: Iterable[Waiting]) -> None:
        """In front, those of them that are wanted. They are of one partition."""
        for record in reversed([one for one in records if one.wanted]):
            self._queues.setdefault(record.place, deque()).appendleft(record)
            self.size += record.size

    def take(self, place: TopicPartition) -> Iterator[Waiting]:
        """What is wanted, from the front. Whoever stops taking has used up all but the last one, which is to
        be :meth:`put_back`."""
        queue = self._queues.get(place, deque())
        while queue:
            record = queue.popleft()
            self.size -= record.size
            if not queue:
                del self._queues[place]
            if record.wanted:
                yield record

    def prune(self) -> None:
        """Let go of what nobody wants any more."""
        for place, queue in list(self._queues.items()):
            wanted = deque(one for one in queue if one.wanted)
            self.size -= sum(one.size for one in queue) - sum(one.size for one in wanted)
            if wanted:
                self._queues[place] = wanted
            else:
                del self._queues[place]
