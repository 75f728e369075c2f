"""When "it is not there" is certain. Pure.

A fact that was in a topic before the question is in one of two places: in memory, which has of each partition
what lies between two offsets, or in ClickHouse, which has what the sink had read before ClickHouse was asked.
If there is no gap between the two, and both say no, then it is no.

A click goes from ``clicks`` through the sink. What is said of a customer goes a longer way: lead event →
worker → ``touches`` → worker → ``customers`` → sink. In the worker a lead event waits for its click, which
was written before it, but may be read after it. :class:`Trail` follows all of that: how far the workers had
come in the topics of events when it looked; where ``clicks`` ended after that; once the workers have come so
far there, where ``touches`` ends; and once they have come so far there, where ``customers`` ends. Whatever
the events before the first of these marks led to is then in ``customers`` before the last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Offsets = Mapping[int, int]
"""By partition."""


class Reach(NamedTuple):
    """Of a partition, memory has everything from ``start`` up to ``end``, which is not included."""

    start: int
    end: int


def click_is_absent(memory: Reach, asked_end: int, sunk: int) -> bool:
    """A click that neither has, is it nowhere?

    Of the partition of its key: ``asked_end``: where it ended when the question was there already. ``sunk``:
    how far the sink had come before ClickHouse was asked. ``memory``: at the end, when it was looked into for
    the last time.
    """
    return memory.start <= sunk and memory.end >= asked_end


@dataclass(frozen=True)
class Marks:
    """How far the workers had come, by partition."""

    deferred: Offsets
    qualifications: Offsets
    erasures: Offsets


class Followed(NamedTuple):
    """What the events before ``marks`` led to is in ``customers`` before ``customers_end``."""

    marks: Marks
    customers_end: int


class Worked(NamedTuple):
    """How far the workers had come: in the topics of a customer's events, in ``clicks``, in ``touches``."""

    marks: Marks
    clicks: Offsets
    touches: Offsets


class Ends(NamedTuple):
    """Where these topics ended."""

    clicks: Offsets
    touches: Offsets
    customers: Offsets


@dataclass
class _Pending:
    marks: Marks
    touches_end: int


@dataclass
class Trail:
    """Of each partition of customers, the last trail that was followed to its end.

    Looks are one after the other, each in this order: :attr:`clicks_ends` and :attr:`touches_ends` are read,
    then how far the workers have come in every topic, then where the topics end.
    """

    _joining: tuple[Marks, Offsets] | None = None
    _joined: Marks | None = None
    _pending: dict[int, _Pending] = field(default_factory=dict)
    _followed: dict[int, Followed] = field(default_factory=dict)

    @property
    def clicks_ends(self) -> Offsets:
        """How far the workers have to come in ``clicks`` for the trail that begins."""
        return self._joining[1] if self._joining is not None else {}

    @property
    def touches_ends(self) -> dict[int, int]:
        """How far the workers have to come in ``touches`` for the trails that are being followed."""
        return {partition: one.touches_end for partition, one in self._pending.items()}

    def look(self, worked: Worked, ends: Ends) -> None:
        """``ends``: of a later moment than ``worked``."""
        if all(worked.clicks.get(partition, 0) >= end for partition, end in self.clicks_ends.items()):
            if self._joining is not None:
                self._joined = self._joining[0]
            self._joining = worked.marks, ends.clicks
        for partition, end in ends.touches.items():
            pending = self._pending.get(partition)
            if pending is not None:
                if worked.touches.get(partition, 0) < pending.touches_end:
                    continue
                self._followed[partition] = Followed(pending.marks, ends.customers[partition])
            if self._joined is not None:
                self._pending[partition] = _Pending(self._joined, end)

    def followed(self, partition: int) -> Followed | None:
        """None: none yet."""
        return self._followed.get(partition)


@dataclass(frozen=True)
class CustomerReach:
    """What memory has of all topics that say something of a customer. ``deferred``: of every partition, since
    a customer's events may be in any; else of that of the customer's key."""

    deferred: Mapping[int, Reach]
    qualifications: Reach
    erasures: Reach
    customers: Reach


@dataclass(frozen=True)
class CustomerEnds:
    """Where the topics of a customer's events ended when the question was there already."""

    deferred: Offsets
    qualifications: int
    erasures: int


def customer_is_complete(
    partition: int, memory: CustomerReach, asked: CustomerEnds, followed: Followed | None, sunk: int
) -> bool:
    """Is all that was said of a customer in memory, or did it lead to what memory or ClickHouse has of it?

    ``partition``: that of the customer's key. ``followed``: at the end. ``sunk``: how far the sink had come
    in ``customers`` before ClickHouse was asked. ``memory``: at the end.
    """
    if followed is None:
        return False
    marks = followed.marks
    ends = [(memory.deferred[one], end) for one, end in asked.deferred.items()]
    ends += [
        (memory.qualifications, asked.qualifications),
        (memory.erasures, asked.erasures),
        (memory.customers, followed.customers_end),
    ]
    starts = [(one, marks.deferred.get(number, -1)) for number, one in memory.deferred.items()]
    starts += [
        (memory.qualifications, marks.qualifications.get(partition, -1)),
        (memory.erasures, marks.erasures.get(partition, -1)),
        (memory.customers, sunk),
    ]
    return all(one.end >= end for one, end in ends) and all(one.start <= read for one, read in starts)
