"""When "it is not there" is certain. Pure.

A fact that was in a topic before the question is in one of two places: in memory, which has of each partition
what lies between two offsets, or in ClickHouse, which has what the sink had read before ClickHouse was asked.
If there is no gap between the two, and both say no, then it is no.

A click goes from ``clicks`` through the sink. What is said of a customer goes a longer way: lead event →
worker → ``touches`` → worker → ``customers`` → sink. :class:`Trail` follows it: how far the workers had come
in the topics of events when it looked; where ``touches`` ended after that; and, once the workers have come so
far there, where ``customers`` ends. Whatever the events before the first of these marks led to is then in
``customers`` before the last.
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


@dataclass
class _Pending:
    marks: Marks
    touches_end: int


@dataclass
class Trail:
    """Of each partition of customers, the last trail that was followed to its end.

    Looks are one after the other, each in this order: :attr:`touches_ends` is read, then how far the workers
    have come in every topic, then where ``touches`` and ``customers`` end.
    """

    _pending: dict[int, _Pending] = field(default_factory=dict)
    _followed: dict[int, Followed] = field(default_factory=dict)

    @property
    def touches_ends(self) -> dict[int, int]:
        """How far the workers have to come in ``touches`` for the trails that are being followed."""
        return {partition: one.touches_end for partition, one in self._pending.items()}

    def look(self, worked: Marks, touched: Offsets, touches_ends: Offsets, customers_ends: Offsets) -> None:
        """``touched``: how far the workers had come in ``touches``."""
        for partition, end in touches_ends.items():
            pending = self._pending.get(partition)
            if pending is not None and touched.get(partition, 0) < pending.touches_end:
                continue
            if pending is not None:
                self._followed[partition] = Followed(pending.marks, customers_ends[partition])
            self._pending[partition] = _Pending(worked, end)

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
