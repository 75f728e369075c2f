"""How far the consumer groups are behind, to the record."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from aiokafka import TopicPartition

from processors.kafka.connecting import connection_of
from processors.kafka.connection import telling
from processors.kafka.groups import described, fetch_offsets
from processors.settings import Settings
from schemas.topics import Topic

_PROBED: Final = 1_000
"""Shorter distances are looked into: they may hold nothing but the markers of transactions."""
_FETCH_BYTES: Final = 128 << 10
_PROBE_MS: Final = 250
_LOOK_S: Final = 0.5


@dataclass(frozen=True)
class Group:
    """A consumer group: is it assigned, and to how many members; how many records it has not read."""

    state: str
    members: int
    lag: int


class LagReader:
    """Reads offsets as an outsider; joins no group, changes nothing. For one task at a time.

    Methods raise ``NoBroker``, ``KafkaRefused``, or a ``KafkaError`` that may pass.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        # What lies between two offsets never changes: (partition, from, to) → records.
        self._known: dict[tuple[TopicPartition, int, int], int] = {}
        # Nor does what lies at one: (partition, offset) → its time.
        self._times: dict[tuple[TopicPartition, int], int] = {}

    async def __aenter__(self) -> Self:
        connection, client = connection_of(self._settings), "leadstream-lag"
        async with AsyncExitStack() as stack:
            with telling(self._settings.kafka_bootstrap):
                self._admin = connection.admin(client_id=client)
                stack.push_async_callback(self._admin.close)
                await self._admin.start()
                # Ends have to be the log's: up to the last *decided* record there may be less than was
                # written.
                self._ends = connection.consumer(client_id=client, isolation_level="read_uncommitted")
                stack.push_async_callback(self._ends.stop)
                await self._ends.start()
                self._probe = connection.consumer(
                    client_id=client,
                    isolation_level="read_committed",
                    enable_auto_commit=False,
                    fetch_max_wait_ms=50,
                    # What is wanted of a partition is near, and there may be many of them.
                    max_partition_fetch_bytes=_FETCH_BYTES,
                )
                stack.push_async_callback(self._probe.stop)
                await self._probe.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        closing = asyncio.ensure_future(self._stack.aclose())
        await asyncio.wait({closing})
        # aiokafka's consumer lets out that it has cancelled a fetch of its own that was to be tried again.
        # Whoever closes it while the broker is away would take that for a cancellation of himself.
        if not closing.cancelled():
            closing.result()

    async def group(self, group: str, topics: Iterable[Topic]) -> Group:
        """State and lag of a group; ``lag`` 0: at one moment during this call it had read everything."""
        state, members = await self.members(group)
        lag = await self.lag(group, topics)
        return Group(state, members, sum(lag.values()))

    async def members(self, group: str) -> tuple[str, int]:
        """``Stable``, ``PreparingRebalance``, ``Empty``, ``Dead`` (there is none)…; and how many members."""
        return await described(self._admin, group)

    async def is_known(self, group: str) -> bool:
        """Has it members, or offsets of members that it had?"""
        return bool((await self.members(group))[1]) or bool(await fetch_offsets(self._admin, group))

    async def lag(
        self, group: str, topics: Iterable[Topic], ends: Mapping[TopicPartition, int] | None = None
    ) -> dict[TopicPartition, int]:
        """Records that the group has not read, of each partition where there are any.

        ``ends``: only those before; None: before the ends of now.
        """
        # In this order: what has been read by now cannot be more than what there will be.
        committed = await fetch_offsets(self._admin, group)
        ends = await self.ends(topics) if ends is None else ends
        lag: dict[TopicPartition, int] = {}
        near: dict[TopicPartition, tuple[int, int]] = {}
        for place, end in ends.items():
            position = max(0, committed[place].offset) if place in committed else 0
            if end - position > _PROBED:
                lag[place] = end - position
            elif end > position:
                near[place] = position, end
        lag.update(await self._visible(near))
        return {place: records for place, records in lag.items() if records}

    async def read_up_to(self, group: str, ends: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """By partition, an offset before which the group has read every record.

        Where no record is left before one of the ``ends`` it is that end at least, else what was committed.
        """
        committed = await fetch_offsets(self._admin, group)
        read = {place: max(0, committed[place].offset) if place in committed else 0 for place in ends}
        near = {place: (read[place], end) for place, end in ends.items() if 0 < end - read[place] <= _PROBED}
        for place, records in (await self._visible(near)).items():
            if not records:
                read[place] = ends[place]
        return read

    async def waiting_since(self, group: str, lag: Mapping[TopicPartition, int]) -> int | None:
        """The time of the oldest record that the group has not read: epoch milliseconds.

        ``lag``: by partition, as :meth:`lag` says it. None: nothing waits, or what waits cannot be seen yet.
        """
        committed = await fetch_offsets(self._admin, group)
        heads = {(place, max(0, committed[place].offset) if place in committed else 0) for place in lag}
        self._times = {head: ms for head, ms in self._times.items() if head in heads}
        self._times |= await self._times_of(dict(heads - self._times.keys()))
        return min(self._times.values(), default=None)

    async def written_since(self, topic: Topic, since_ms: int) -> int:
        """Records of a topic from the first one of that time on; of more than a thousand in a partition the
        markers of transactions count, too.
        """
        ends = await self.ends([topic])
        found = await self._ends.offsets_for_times(dict.fromkeys(ends, since_ms))
        spans = {place: (one.offset, ends[place]) for place, one in found.items() if one is not None}
        near = {place: span for place, span in spans.items() if 0 < span[1] - span[0] <= _PROBED}
        counts = await self._count(near) if near else {}
        return sum(counts.get(place, max(0, end - begin)) for place, (begin, end) in spans.items())

    async def stands_still(self, group: str, topics: Iterable[Topic], within_s: float) -> bool:
        """There is something to read, and in so many seconds nothing of it was. Returns once it knows."""
        names = tuple(topics)
        ends = await self.ends(names)
        begin = sum((await self.lag(group, names, ends)).values())
        deadline = self._clock() + within_s
        left = begin
        while left == begin > 0 and self._clock() < deadline:
            await asyncio.sleep(_LOOK_S)
            left = sum((await self.lag(group, names, ends)).values())
        return left == begin > 0

    async def ends(self, topics: Iterable[Topic]) -> dict[TopicPartition, int]:
        """The end of every partition."""
        names = [self._settings.topic(topic) for topic in topics]
        described = await self._admin.describe_topics(names)
        places = [
            TopicPartition(one["topic"], part["partition"]) for one in described for part in one["partitions"]
        ]
        return dict(await self._ends.end_offsets(places)) if places else {}

    async def _visible(self, near: dict[TopicPartition, tuple[int, int]]) -> dict[TopicPartition, int]:
        """How many records a reader would see between two offsets; everything when that is undecided."""
        unknown = {place: span for place, span in near.items() if (place, *span) not in self._known}
        for place, records in (await self._count(unknown) if unknown else {}).items():
            self._known[place, *unknown[place]] = records
        current = {(place, *span) for place, span in near.items()}
        self._known = {span: records for span, records in self._known.items() if span in current}
        return {
            place: self._known.get((place, *near[place]), near[place][1] - near[place][0]) for place in near
        }

    async def _times_of(self, heads: dict[TopicPartition, int]) -> dict[tuple[TopicPartition, int], int]:
        """Of the first record that a reader sees from each of these offsets on, as far as it comes soon."""
        if not heads:
            return {}
        self._probe.assign(list(heads))
        for place, offset in heads.items():
            self._probe.seek(place, offset)
        found: dict[tuple[TopicPartition, int], int] = {}
        left, idle = dict(heads), 0
        while left and idle < 2:
            fetched = await self._probe.getmany(*left, timeout_ms=_PROBE_MS, max_records=1)
            idle = 0 if fetched else idle + 1
            for place, records in fetched.items():
                found[place, left.pop(place)] = records[0].timestamp
        return found

    async def _count(self, spans: dict[TopicPartition, tuple[int, int]]) -> dict[TopicPartition, int]:
        self._probe.assign(list(spans))
        for place, (position, _) in spans.items():
            self._probe.seek(place, position)
        counts = dict.fromkeys(spans, 0)
        finished: dict[TopicPartition, int] = {}
        idle = 0
        while len(finished) < len(spans) and idle < 2:
            fetched = await self._probe.getmany(timeout_ms=_PROBE_MS)
            idle = 0 if fetched else idle + 1
            for place, records in fetched.items():
                counts[place] += sum(record.offset < spans[place][1] for record in records)
            for place in spans.keys() - finished.keys():
                if await self._probe.position(place) >= spans[place][1]:
                    finished[place] = counts[place]
                    idle = 0
        return finished
