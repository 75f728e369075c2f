"""What :mod:`.store` does, in this process's memory: no disk, and nothing to come back to.

At every start, and of every partition that is new here, the whole changelog is read.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from processors.engine import frame
from processors.engine.store import PartitionStore

_DUE_TIME = 8
_DEAD_ENTRIES = 1_000


class MemoryStore:
    """The states of one partition of one table. The methods are those of :class:`.store.PartitionStore`."""

    def __init__(self, path: Path) -> None:
        """``path``: where it would be if it were on a disk."""
        self.path = path
        self.position = -1
        self._items: dict[bytes, bytes] = {}
        #: Due time + key of every state that has one.
        self._due: set[bytes] = set()
        #: The same as a heap; entries that are no longer in the set are still in here.
        self._due_heap: list[bytes] = []
        self._unswept: list[bytes] = []

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The stored forms of the keys' states."""
        return list(map(self._items.get, keys))

    def write(
        self, items: Mapping[bytes, bytes | None], position: int, now_ms: int, spent: Iterable[bytes] = ()
    ) -> None:
        """Stored forms (None: gone) that the changelog holds up to ``position``; ``spent`` due entries go."""
        del now_ms  # nothing here is older than the process
        self.spend(spent)
        for key, value in items.items():
            before = self._items.pop(key, None) if value is None else self._items.get(key)
            if before is not None and (due := frame.due_bytes(before)) is not None:
                self._due.discard(due + key)
            if value is not None:
                self._items[key] = value
                if (due := frame.due_bytes(value)) is not None:
                    entry = due + key
                    self._due.add(entry)
                    heapq.heappush(self._due_heap, entry)
        if len(self._due_heap) > 2 * len(self._due) + _DEAD_ENTRIES:
            self._due_heap = sorted(self._due)
        self.position = position

    def spend(self, entries: Iterable[bytes]) -> None:
        """Drop due entries that no longer mean anything."""
        self._due.difference_update(entries)

    def due(self, until_ms: int, limit: int) -> list[tuple[bytes, int, bytes]]:
        """(entry, due time, key), earliest first. They stay until they are spent."""
        found: list[bytes] = []
        while len(found) < limit and (entry := self._earliest()) is not None and _due_ms(entry) <= until_ms:
            heapq.heappop(self._due_heap)
            if not found or found[-1] != entry:
                found.append(entry)
        for entry in found:
            heapq.heappush(self._due_heap, entry)
        return [(entry, _due_ms(entry), entry[_DUE_TIME:]) for entry in found]

    def first_due(self) -> int | None:
        """Time of the earliest due entry."""
        earliest = self._earliest()
        return None if earliest is None else _due_ms(earliest)

    def _earliest(self) -> bytes | None:
        while self._due_heap and self._due_heap[0] not in self._due:
            heapq.heappop(self._due_heap)
        return self._due_heap[0] if self._due_heap else None

    def sweep(self, written_before_s: int, limit: int) -> int:
        """Look at up to ``limit`` entries, drop those written earlier; the next call goes on behind them."""
        if not self._unswept:
            self._unswept = list(self._items)
        dropped = 0
        for _ in range(min(limit, len(self._unswept))):
            key = self._unswept.pop()
            value = self._items.get(key)
            written = None if value is None else frame.written_s(value)
            if written is not None and written < written_before_s:
                del self._items[key]
                dropped += 1
        return dropped

    def states(self) -> Iterator[tuple[bytes, bytes]]:
        """Every key with its dumped state. For inspection and tests."""
        for key, value in self._items.items():
            yield key, frame.body(value)

    def close(self) -> None:
        """The next owner reads the changelog."""
        self._items.clear()


def _due_ms(entry: bytes) -> int:
    return int.from_bytes(entry[:_DUE_TIME], "big")


AnyStore = PartitionStore | MemoryStore
