"""No offset is skipped: what the next fetch of each partition must begin with.

A fetch says which range of the log it covers, ``[start, end)``: its records are all there are in it for a
read_committed reader (markers, aborted and compacted records make up the rest). Ranges must join without a
gap. Dropping fetched records and accepting the next fetch as if nothing were missing would commit past them,
and lose them silently.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from aiokafka.structs import TopicPartition

from processors.engine.records import Record


class Fetched(NamedTuple):
    """The log of one partition from ``start`` to ``end`` (exclusive); ``records`` may be empty."""

    tp: TopicPartition
    start: int
    end: int
    records: Sequence[Record]


class Refusal(Enum):
    """Why a fetch is not accepted."""

    NOT_EXPECTED = "nothing is expected of this partition now"
    SEEN = "all of it was accepted before"
    GAP = "records are missing in front of it"


class Contiguity:
    """Expected next offset per partition; a partition without one accepts nothing."""

    def __init__(self) -> None:
        self._next: dict[TopicPartition, int] = {}

    def clear(self) -> None:
        """Accept nothing until :meth:`expect`. Always together with dropping what was accepted but unused."""
        self._next.clear()

    def forget(self, tp: TopicPartition) -> None:
        """Accept nothing of one partition until :meth:`expect`."""
        self._next.pop(tp, None)

    def expect(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Go on at these offsets. Call it before the seek, so that no fetch in between is lost track of."""
        self._next.update(offsets)

    def wanted(self, tp: TopicPartition) -> int | None:
        """Next offset to accept."""
        return self._next.get(tp)

    def accept(self, fetched: Fetched) -> Fetched | Refusal:
        """The part of the fetch that is new; on :attr:`Refusal.GAP` seek to :meth:`wanted`."""
        want = self._next.get(fetched.tp)
        if want is None:
            return Refusal.NOT_EXPECTED
        if fetched.start > want:
            return Refusal.GAP
        if fetched.end <= want:
            return Refusal.SEEN
        self._next[fetched.tp] = fetched.end
        if fetched.start == want:
            return fetched
        return Fetched(fetched.tp, want, fetched.end, [r for r in fetched.records if r.offset >= want])
