"""What :mod:`.rocksdb` does, in this process's memory: no disk, and nothing to come back to.

At every start, and of every partition that is new here, the whole changelog is read.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from processors.engine import frame

_DUE_TIME = 8
_DEAD_ENTRIES = 1_000
#: States looked at in a row: about a millisecond.
_LOOKS = 2_000


class MemoryStore:
    """A :class:`.stores.Store` that notices no damage, for there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position = -1
        self._items: dict[bytes, bytes] = {}
        #: Due time + key of every state that has one.
        self._due: set[bytes] = set()
        #: The same as a heap; entries that are no longer in the set are still in here.
        self._due_heap: list[bytes] = []
        #: Keys by the second in which they were written, in the order of writing; one that was written again
        #: is in there again.
        self._ages: deque[tuple[int, list[bytes]]] = deque()

    @property
    def size(self) -> int:
        """See :class:`.stores.Store`."""
        return len(self._items)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See :class:`.stores.Store`."""
        return list(map(self._items.get, keys))

    def write(
        self, items: Mapping[bytes, bytes | None], position: int, now_ms: int, spent: Iterable[bytes] = ()
    ) -> None:
        """See :class:`.stores.Store`."""
        del now_ms  # nothing here is older than the process
        self.spend(spent)
        for key, value in items.items():
            before = self._items.pop(key, None) if value is None else self._items.get(key)
            if before is not None and (due := frame.due_bytes(before)) is not None:
                self._due.discard(due + key)
            if value is not None:
                self._items[key] = value
                if (written := frame.written_s(value)) is not None:
                    self._age(key, written)
                if (due := frame.due_bytes(value)) is not None:
                    entry = due + key
                    self._due.add(entry)
                    heapq.heappush(self._due_heap, entry)
        if len(self._due_heap) > 2 * len(self._due) + _DEAD_ENTRIES:
            self._due_heap = sorted(self._due)
        self.position = position

    def spend(self, entries: Iterable[bytes]) -> None:
        """See :class:`.stores.Store`."""
        self._due.difference_update(entries)

    def due(self, until_ms: int, limit: int) -> list[tuple[bytes, int, bytes]]:
        """See :class:`.stores.Store`."""
        found: list[bytes] = []
        while len(found) < limit and (entry := self._earliest()) is not None and _due_ms(entry) <= until_ms:
            heapq.heappop(self._due_heap)
            if not found or found[-1] != entry:
                found.append(entry)
        for entry in found:
            heapq.heappush(self._due_heap, entry)
        return [(entry, _due_ms(entry), entry[_DUE_TIME:]) for entry in found]

    def first_due(self) -> int | None:
        """See :class:`.stores.Store`."""
        earliest = self._earliest()
        return None if earliest is None else _due_ms(earliest)

    def _earliest(self) -> bytes | None:
        while self._due_heap and self._due_heap[0] not in self._due:
            heapq.heappop(self._due_heap)
        return self._due_heap[0] if self._due_heap else None

    def _age(self, key: bytes, written_s: int) -> None:
        if not self._ages or self._ages[-1][0] != written_s:
            self._ages.append((written_s, []))
        self._ages[-1][1].append(key)

    def held(self, looks: int) -> int | None:  # noqa: ARG002 - it is known
        """See :class:`.stores.Store`."""
        return len(self._due)

    def drop(self, written_before_s: int) -> int:
        """See :class:`.stores.Store`. Nothing is looked at that was written later."""
        dropped = 0
        for _ in range(_LOOKS):
            if not self._ages or self._ages[0][0] >= written_before_s:
                break
            keys = self._ages[0][1]
            value = self._items.get(keys[-1])
            written = None if value is None else frame.written_s(value)
            if value is not None and written is not None and written < written_before_s:
                due = frame.due_bytes(value)
                if due is not None and due + keys[-1] in self._due:
                    break
                del self._items[keys[-1]]
                dropped += 1
            keys.pop()
            if not keys:
                self._ages.popleft()
        return dropped

    def states(self) -> Iterator[tuple[bytes, bytes]]:
        """See :class:`.stores.Store`."""
        for key, value in self._items.items():
            yield key, frame.body(value)

    def close(self) -> None:
        """See :class:`.stores.Store`."""
        self._items.clear()


def _due_ms(entry: bytes) -> int:
    return int.from_bytes(entry[:_DUE_TIME], "big")
