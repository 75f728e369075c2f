"""Records by their ids, and by the names that they have."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, overload

R = TypeVar("R")
Name = tuple[str, ...]
"""What kind of name it is, and the name. No record has the same one twice."""


class _Ids:
    """Ids that share a name. Put in order when they are first read, and kept so from then on."""

    __slots__ = ("_all", "_order")

    def __init__(self, *ids: str) -> None:
        self._all = dict.fromkeys(ids)
        self._order: list[str] | None = None

    def __len__(self) -> int:
        return len(self._all)

    def add(self, id_: str) -> None:
        self._all[id_] = None
        if self._order is not None:
            insort(self._order, id_)

    def remove(self, id_: str) -> None:
        del self._all[id_]
        if self._order is not None:
            del self._order[bisect_left(self._order, id_)]

    def in_order(self) -> list[str]:
        if self._order is None:
            self._order = sorted(self._all)
        return self._order


class NewestFirst(Sequence[R]):
    """Records by their ids, the greatest one first. A view: to be read before anything else may happen."""

    def __init__(self, ids: Sequence[str], record: Callable[[str], R]) -> None:
        """``ids``: the least one first."""
        self._ids = ids
        self._record = record

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[R]:
        return map(self._record, reversed(self._ids))

    @overload
    def __getitem__(self, place: int) -> R: ...
    @overload
    def __getitem__(self, place: slice) -> list[R]: ...
    def __getitem__(self, place: int | slice) -> R | list[R]:
        """A slice takes as long as it is long, wherever it begins."""
        if isinstance(place, slice):
            return [self._record(self._ids[~one]) for one in range(*place.indices(len(self._ids)))]
        return self._record(self._ids[~place])

    def older_than(self, id_: str) -> Iterator[R]:
        """The newest of them first. ``id_`` need not be there."""
        return (self._record(self._ids[one]) for one in range(bisect_left(self._ids, id_) - 1, -1, -1))

    def newer_than(self, id_: str) -> Iterator[R]:
        """The oldest of them first."""
        return (self._record(self._ids[one]) for one in range(bisect_right(self._ids, id_), len(self._ids)))


class Table(Generic[R]):
    """Records by id; by each of their ``names`` the one with the greatest id.

    Partitions are read side by side: whoever was given a name may be heard of before its former owner gave it
    up. Until then both have it.

    ``below``: what is not in this table is looked up there. What is changed here changes nothing there.
    """

    def __init__(self, names: Callable[[R], tuple[Name, ...]], below: "Table[R] | None" = None) -> None:
        self._names = names
        self._below = below
        # None: unreadable, or gone while it is still there below.
        self._records: dict[str, R | None] = {}
        self._unreadable: set[str] = set()
        self._ids: dict[Name, str | _Ids] = {}

    def over(self) -> "Table[R]":
        """A table above this one."""
        return Table(self._names, self)

    def items(self) -> Iterator[tuple[str, R]]:
        """In no order."""
        for id_, record in self._records.items():
            if record is not None:
                yield id_, record
        if self._below is not None:
            yield from (item for item in self._below.items() if item[0] not in self._records)

    @property
    def unreadable(self) -> set[str]:
        """Ids of records that mean nothing."""
        below = set() if self._below is None else self._below.unreadable
        return self._unreadable | (below - self._records.keys())

    def is_unreadable(self, id_: str) -> bool:
        """Is there a record of this id that means nothing?"""
        if self._below is None or id_ in self._records:
            return id_ in self._unreadable
        return self._below.is_unreadable(id_)

    def get(self, id_: str) -> R | None:
        """None: there is none, or it is unreadable."""
        if self._below is None or id_ in self._records:
            return self._records.get(id_)
        return self._below.get(id_)

    def named(self, name: Name) -> R | None:
        """The record with the greatest id among those of this name."""
        if self._below is None:
            found = self._ids.get(name)
            if found is None:
                return None
            return self._records[found if isinstance(found, str) else found.in_order()[-1]]
        ids = self.in_order(name)
        return self.get(ids[-1]) if ids else None

    def all_named(self, name: Name) -> NewestFirst[R]:
        """All of this name."""
        return NewestFirst(self.in_order(name), self._there)

    def in_order(self, name: Name) -> list[str]:
        """Ids of all of this name, the least one first; as little to be kept as :class:`NewestFirst`."""
        found = self._ids.get(name)
        own = [] if found is None else [found] if isinstance(found, str) else found.in_order()
        if self._below is None:
            return own
        below = self._below.in_order(name)
        if not own and not any(one in self._records for one in below):
            return below
        return sorted([*own, *(one for one in below if one not in self._records)])

    def put(self, id_: str, record: R | None) -> None:
        """``record``: what is there from now on; None: nothing."""
        old = self._records.get(id_)
        before = () if old is None else self._names(old)
        after = () if record is None else self._names(record)
        if before != after:
            for name in before:
                self._remove(name, id_)
            for name in after:
                self._add(name, id_)
        self._unreadable.discard(id_)
        if record is None and self._below is None:
            self._records.pop(id_, None)
        else:
            self._records[id_] = record

    def spoil(self, id_: str) -> None:
        """What is there from now on means nothing."""
        self.put(id_, None)
        self._records[id_] = None
        self._unreadable.add(id_)

    def _there(self, id_: str) -> R:
        found = self.get(id_)
        assert found is not None  # noqa: S101 - narrows: ids of names are of records
        return found

    def _add(self, name: Name, id_: str) -> None:
        found = self._ids.get(name)
        if found is None:
            self._ids[name] = id_
        elif isinstance(found, str):
            self._ids[name] = _Ids(found, id_)
        else:
            found.add(id_)

    def _remove(self, name: Name, id_: str) -> None:
        found = self._ids[name]
        if not isinstance(found, str) and len(found) > 1:
            found.remove(id_)
        else:
            del self._ids[name]
