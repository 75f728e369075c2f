"""What has been fetched and not begun, and what has to be fetched next: :class:`Intake`."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set

from aiokafka.structs import TopicPartition

from processors.engine.contiguity import Contiguity, Fetched, Refusal
from processors.engine.inbox import Chunk, Inbox
from processors.engine.stats import Stats


def least_grant(max_buffer: int) -> int:
    """Records that make up a grant: each wakes up the thread, and each take goes over all partitions."""
    return max(1, max_buffer // 4)


class Intake:
    """The one invariant: accepted records are forgotten together with what is expected next, or not at all.

    It is open for one generation of the group, from its first started partition on, until that ends; closed
    it accepts nothing. It knows nobody: whoever fetches offers, and asks for what is missing and for the
    :meth:`room` that has come free. In the engine's thread; only :meth:`arrival` and :meth:`missing` wait.
    """

    def __init__(self, max_buffer: int, inner: Set[str], stats: Stats) -> None:
        """``max_buffer``: how many records may be offered before the first grant. ``inner``: see
        :class:`.inbox.Inbox`.
        """
        self._contiguity = Contiguity()
        self._inbox = Inbox(inner)
        self._stats = stats
        #: The accepting generation; None: closed.
        self._number: int | None = None
        #: To fetch from what is expected of them: from the beginning, or again.
        self._missing: set[TopicPartition] = set()
        self._is_missing = asyncio.Event()
        self._least = least_grant(max_buffer)
        #: Records that were offered, and for how many of them others have been granted.
        self._offered = 0
        self._granted = 0

    @property
    def records(self) -> int:
        """How many wait to be taken."""
        return self._inbox.records

    # --- generations

    def open(self, number: int, offsets: Mapping[TopicPartition, int]) -> None:
        """Accept fetches of this generation from these offsets on, and have them made.

        Again for partitions that start later. Another generation needs a :meth:`close` before.
        """
        if self._number not in (None, number):
            raise ValueError(f"open for generation {self._number}, not {number}")
        self._number = number
        self._contiguity.expect(offsets)
        self._are_missing(offsets)

    def close(self) -> None:
        """Forget what was accepted, and with it what is expected."""
        self._number = None
        self._contiguity.clear()
        self._missing.clear()
        self._inbox.clear()

    def stand_still(self, tp: TopicPartition) -> None:
        """The same of one partition: nothing more of it is accepted until the next generation."""
        self._contiguity.forget(tp)
        self._missing.discard(tp)
        self._inbox.discard(tp)

    # --- in and out

    def offer(self, number: int, fetches: Sequence[Fetched]) -> None:
        """What was fetched in this generation. What does not join on to what came before is missing then."""
        current = number == self._number
        missing = []
        for fetched in fetches:
            self._offered += len(fetched.records)
            if not current:
                # Refused without being accepted: the position has moved on, the expectation has not.
                missing.append(fetched.tp)
                continue
            accepted = self._contiguity.accept(fetched)
            if isinstance(accepted, Fetched):
                self._stats.trimmed += accepted is not fetched
                self._inbox.put(accepted)
            elif accepted is Refusal.GAP:
                self._stats.seekbacks += 1
                missing.append(fetched.tp)
        if missing:
            self._are_missing(missing)

    def take(self, limit: int, last: Mapping[TopicPartition, int]) -> list[Chunk]:
        """Up to so many records; see :meth:`.inbox.Inbox.take`."""
        return self._inbox.take(limit, last)

    async def arrival(self) -> None:
        """Until there is something to take."""
        self._inbox.arrived.clear()
        if not self._inbox:
            await self._inbox.arrived.wait()

    def room(self) -> int:
        """How many records more may be offered than were granted so far, which they are from now on.

        0 while these are too few to be worth a grant.
        """
        gone = self._offered - self._inbox.records
        more = gone - self._granted
        if more < self._least:
            return 0
        self._granted = gone
        return more

    # --- what is missing

    async def missing(self) -> set[TopicPartition]:
        """Partitions to fetch from :meth:`wanted` on, as soon as there are any; each is told once."""
        while not self._missing:
            await self._is_missing.wait()
            self._is_missing.clear()
        missing, self._missing = self._missing, set()
        return missing

    def still_missing(self, tps: Iterable[TopicPartition]) -> None:
        """Fetching them has failed: tell it again."""
        self._are_missing(tps)

    def wanted(self, tp: TopicPartition) -> int | None:
        """The next offset to accept; None: nothing of this partition is."""
        return self._contiguity.wanted(tp)

    def expect(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Go on at these offsets. Before the seek, so that no fetch in between is lost track of."""
        self._contiguity.expect(offsets)

    def _are_missing(self, tps: Iterable[TopicPartition]) -> None:
        wanted = [tp for tp in tps if self._contiguity.wanted(tp) is not None]
        if wanted:
            self._missing.update(wanted)
            self._is_missing.set()
