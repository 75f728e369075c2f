"""Reads the refusals that are meant from their topic, each record's newest report once."""

import heapq
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from hashlib import blake2b
from itertools import count
from typing import Final

from aiokafka import TopicPartition

from processors.kafka.reading import Span, TopicReader
from processors.progress import Progress
from processors.refusals.refusal import Kind, Refusal
from processors.refusals.selection import Id, Selection
from processors.settings import Settings

_OFFSET_BITS: Final = 22
_MOST_WORKSPACES: Final = 1_000


class Finder:
    """One pass over the refusals of a kind. ``foreign``: records that are none. ``missing``: ids not there.
    ``workspaces``: where ``selection`` names one, some of which there is anything, and surely that one if so.

    A record that was refused again and again is found once, as it was refused last; one that was sent back
    since then is not found, unless ``selection`` names its id. Keeps 120 bytes in memory for each record that
    is refused, and nothing when ``selection`` names ids. For an event loop of its own; raises what
    :class:`TopicReader` raises.
    """

    def __init__(self, settings: Settings, kind: Kind, selection: Selection, progress: Progress) -> None:
        self._settings = settings
        self._kind = kind
        self._selection = selection
        self._progress = progress
        self.foreign = 0
        self.missing: set[Id] = set(selection.ids)
        self.workspaces: set[str] = set()

    async def find(self) -> AsyncIterator[Refusal]:
        """In no particular order."""
        async with TopicReader(self._settings) as reader:
            spans = await reader.spans([self._kind.topic], self._selection.since_ms)
            if self._selection.ids:
                async for one, _ in self._read(reader, self._around_ids(spans)):
                    yield one
                return
            self._progress.expect(2 * sum(span.end - span.begin for span in spans.values()))
            newest = await self._newest(reader, spans)
            async for one, rank in self._read(reader, spans):
                if one.replayed or not self._selection.takes(one):
                    continue
                if newest.get(_hashed(one.identity), 0) <= rank:
                    yield one

    async def newest(self, most: int, by_reason: Counter[str]) -> list[Refusal]:
        """The newest ``most`` of them, newest first. ``by_reason`` counts all."""
        newest: list[tuple[int, int, Refusal]] = []
        numbers = count()
        async for one in self.find():
            by_reason[one.reason] += 1
            entry = one.reported_ms, next(numbers), one
            (heapq.heappush if len(newest) < most else heapq.heappushpop)(newest, entry)
        return [one for _, _, one in sorted(newest, reverse=True)]

    async def _newest(self, reader: TopicReader, spans: Mapping[TopicPartition, Span]) -> dict[int, int]:
        """Of each record that was refused, by hash, its newest report, or the note that it was sent back."""
        newest: dict[int, int] = {}
        async for one, rank in self._read(reader, spans):
            identity = _hashed(one.identity)
            if newest.get(identity, -1) < rank:
                newest[identity] = rank
        self.foreign = 0
        return newest

    async def _read(
        self, reader: TopicReader, spans: Mapping[TopicPartition, Span]
    ) -> AsyncIterator[tuple[Refusal, int]]:
        """Each with its rank: of the reports of one record the greatest is the newest."""
        ids = self._selection.ids
        latest_ms: dict[int, int] = {}
        async for records in reader.records(spans):
            for record in records:
                place = Id(record.partition, record.offset)
                if ids and place not in ids:
                    continue
                one = self._kind.read(record)
                if one is None:
                    self.foreign += 1
                    continue
                if ids and one.replayed:
                    continue
                self.missing.discard(place)
                self._note_workspace(one)
                # A new leader's clock may be behind: a later record of a partition is no older all the same.
                time_ms = max(one.reported_ms, latest_ms.get(record.partition, 0))
                latest_ms[record.partition] = time_ms
                yield one, _rank(one, time_ms)
            self._progress.advance(len(records))

    def _note_workspace(self, one: Refusal) -> None:
        wanted = self._selection.workspace
        if wanted is not None and (len(self.workspaces) < _MOST_WORKSPACES or one.workspace == wanted):
            self.workspaces |= {one.workspace} - {""}

    def _around_ids(self, spans: Mapping[TopicPartition, Span]) -> dict[TopicPartition, Span]:
        """Only as much of each partition as the ids lie in."""
        offsets: dict[int, list[int]] = {}
        for one in self._selection.ids:
            offsets.setdefault(one.partition, []).append(one.offset)
        return {
            place: Span(max(span.begin, min(wanted)), min(span.end, max(wanted) + 1))
            for place, span in spans.items()
            if (wanted := offsets.get(place.partition))
        }


def _hashed(identity: bytes) -> int:
    return int.from_bytes(blake2b(identity, digest_size=8).digest(), "big")


def _rank(one: Refusal, time_ms: int) -> int:
    """The newest of a record's reports is that of its last attempt, and the last one of that."""
    offset = int(one.id.rpartition(":")[2]) & ((1 << _OFFSET_BITS) - 1)
    return (one.attempt << 64) | (time_ms << _OFFSET_BITS) | offset


def ids_text(ids: Iterable[Id]) -> str:
    """For people."""
    return ", ".join(map(str, sorted(ids)))
