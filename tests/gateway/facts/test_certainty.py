"""Whenever nothing is said to be there, nothing was there: in a world of topics, workers and a sink."""

import random
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from processors.gateway.facts.certainty import (
    CustomerEnds,
    CustomerReach,
    Ends,
    Followed,
    Marks,
    Reach,
    Trail,
    Worked,
    click_is_absent,
    customer_is_complete,
)

_PARTITIONS = 2
_NOBODY = 1_000_000


def _partition(customer: int) -> int:
    return customer % _PARTITIONS


@dataclass
class Log:
    """A partition: whom each record is about. ``None``: the marker of a transaction."""

    records: list[int | None] = field(default_factory=list)

    @property
    def end(self) -> int:
        return len(self.records)


def _logs() -> list[Log]:
    return [Log() for _ in range(_PARTITIONS)]


@dataclass
class Read:
    """How far somebody has come, by partition; and what a memory has let go of."""

    start: list[int] = field(default_factory=lambda: [0] * _PARTITIONS)
    end: list[int] = field(default_factory=lambda: [0] * _PARTITIONS)

    def reach(self, partition: int) -> Reach:
        return Reach(self.start[partition], self.end[partition])

    def has(self, logs: list[Log], customer: int) -> bool:
        return any(
            customer in log.records[start:end]
            for log, start, end in zip(logs, self.start, self.end, strict=True)
        )


class World:
    """Clicks, lead events → touches → customers → ClickHouse, each step when chance wants it; and a gateway.

    A click and the lead events that name it are in partitions of the same number; the click comes first.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._pace = chance.choice([1.0, 0.02])
        self.clicks, self.deferred, self.touches, self.customers = _logs(), _logs(), _logs(), _logs()
        self.worked_clicks, self.worked_deferred = Read(), Read()
        self.worked_touches, self.sunk = Read(), Read()
        self.seen: set[int] = set()
        self.held: set[int] = set()
        self.memory_deferred, self.memory_customers = Read(), Read()
        self.clickhouse: set[int] = set()
        self.named: list[int] = []
        self.trail = Trail()

    def step(self) -> None:
        """Anything may happen, in any order; looks in between."""
        partition = self._chance.randrange(_PARTITIONS)
        self._chance.choice(
            [
                self._event,
                self._join,
                self._join_click,
                self._emit,
                self._sink,
                self._follow_events,
                self._follow_customers,
                self._let_go_of_events,
                self._let_go_of_customers,
                self._look,
            ]
        )(partition)

    def _event(self, partition: int) -> None:
        customer = len(self.named)
        self.named.append(customer)
        self.clicks[partition].records.append(customer)
        self.deferred[partition].records.append(customer)

    def _join(self, partition: int) -> None:
        """A lead event waits for its click."""
        for customer in self._work(self.deferred[partition], self.worked_deferred, partition):
            if customer in self.seen:
                self._result(self.touches, customer)
            else:
                self.held.add(customer)

    def _join_click(self, partition: int) -> None:
        """There may be many more clicks than lead events, so that workers are late with them."""
        if self._chance.random() > self._pace:
            return
        for customer in self._work(self.clicks[partition], self.worked_clicks, partition):
            self.seen.add(customer)
            if customer in self.held:
                self.held.remove(customer)
                self._result(self.touches, customer)

    def _emit(self, partition: int) -> None:
        for customer in self._work(self.touches[partition], self.worked_touches, partition):
            self._result(self.customers, customer)

    def _work(self, source: Log, worked: Read, partition: int) -> list[int]:
        """Some records, in one transaction. What was read and what came of it is decided at once."""
        read = source.records[worked.end[partition] :][: self._chance.randint(1, 3)]
        worked.end[partition] += len(read)
        return [one for one in read if one is not None]

    def _result(self, results: list[Log], customer: int) -> None:
        results[_partition(customer)].records += [customer, None]

    def _sink(self, partition: int) -> None:
        """Stored first, and committed later or never."""
        read = self.customers[partition].records[self.sunk.end[partition] :]
        self.clickhouse.update(one for one in read if one is not None)
        if self._chance.random() < 0.5:
            self.sunk.end[partition] += len(read)

    def _follow_events(self, partition: int) -> None:
        self._follow(self.memory_deferred, self.deferred[partition], partition)

    def _follow_customers(self, partition: int) -> None:
        self._follow(self.memory_customers, self.customers[partition], partition)

    def _follow(self, memory: Read, log: Log, partition: int) -> None:
        memory.end[partition] += self._chance.randint(0, log.end - memory.end[partition])

    def _let_go_of_events(self, partition: int) -> None:
        self._let_go(self.memory_deferred, partition)

    def _let_go_of_customers(self, partition: int) -> None:
        self._let_go(self.memory_customers, partition)

    def _let_go(self, memory: Read, partition: int) -> None:
        start, end = memory.start[partition], memory.end[partition]
        memory.start[partition] = self._chance.randint(start, end)

    def _look(self, _: int) -> None:
        """Time passes between the questions."""
        asked = self.trail.clicks_ends, self.trail.touches_ends
        worked = self._worked()
        self._some_work()
        ends = []
        for logs in self._trodden():
            ends.append({number: log.end for number, log in enumerate(logs)})
            self._some_work()
        assert asked == (self.trail.clicks_ends, self.trail.touches_ends)
        self.trail.look(worked, Ends(*ends))

    def _worked(self) -> Worked:
        nothing = dict.fromkeys(range(_PARTITIONS), 0)
        return Worked(
            Marks(dict(enumerate(self.worked_deferred.end)), nothing, nothing),
            dict(enumerate(self.worked_clicks.end)),
            dict(enumerate(self.worked_touches.end)),
        )

    def _some_work(self) -> None:
        for _ in range(self._chance.randint(0, 3)):
            partition = self._chance.randrange(_PARTITIONS)
            self._chance.choice([self._event, self._join, self._join_click, self._emit, self._sink])(
                partition
            )

    def come_to_rest(self) -> None:
        """Everybody has read everything; and looks often enough to see it."""
        self._pace = 1.0
        for step in (self._join, self._join_click, self._emit):
            for partition in range(_PARTITIONS):
                for _ in range(1_000):
                    step(partition)
        self.sunk.end = [log.end for log in self.customers]
        for memory, logs in ((self.memory_deferred, self.deferred), (self.memory_customers, self.customers)):
            memory.end = [log.end for log in logs]
        for _ in range(3):
            ends = ({n: log.end for n, log in enumerate(logs)} for logs in self._trodden())
            self.trail.look(self._worked(), Ends(*ends))

    def _trodden(self) -> tuple[list[Log], list[Log], list[Log]]:
        return self.clicks, self.touches, self.customers

    def is_absent(self, customer: int, *, pause: int) -> bool | None:
        """What a gateway says: False: it is there; True: it is certain that not; None: neither."""
        partition = _partition(customer)
        asked = CustomerEnds({number: log.end for number, log in enumerate(self.deferred)}, 0, 0)
        sunk = self.sunk.end[partition]
        if customer in self.clickhouse:
            return False
        for _ in range(pause):
            self.step()
        if self.memory_deferred.has(self.deferred, customer) or self.memory_customers.has(
            self.customers, customer
        ):
            return False
        memory = CustomerReach(
            {number: self.memory_deferred.reach(number) for number in range(_PARTITIONS)},
            Reach(0, 0),
            Reach(0, 0),
            self.memory_customers.reach(partition),
        )
        followed = self.trail.followed(partition)
        return customer_is_complete(partition, memory, asked, followed, sunk) or None


@given(st.integers(0, 2**32))
def test_of_one_who_was_named_no_is_never_said(seed: int) -> None:
    chance = random.Random(seed)
    world = World(chance)
    for _ in range(150):
        world.step()
        if world.named:
            customer = chance.choice([*world.named[-12:], *sorted(world.held)])
            assert not world.is_absent(customer, pause=chance.choice([0, 0, 3, 10]))


def test_of_nobody_no_is_said_once_the_trail_was_followed() -> None:
    """A rule that never says no would be right, too."""
    for seed in range(20):
        world = World(random.Random(seed))
        for _ in range(200):
            world.step()
        world.come_to_rest()
        assert world.is_absent(_NOBODY, pause=0)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_of_a_click_that_was_there_no_is_never_said(
    written: int, end: int, start: int, reached: int, sunk: int
) -> None:
    """``written``: its offset; ClickHouse has what is before ``sunk``."""
    there = written < end
    known = written < sunk or start <= written < reached
    if there and not known:
        assert not click_is_absent(Reach(start, reached), end, sunk)


def test_a_click_is_absent_when_memory_and_clickhouse_meet() -> None:
    assert click_is_absent(Reach(5, 9), 9, 5)
    assert not click_is_absent(Reach(6, 9), 9, 5)
    assert not click_is_absent(Reach(5, 8), 9, 5)


def test_nothing_is_complete_before_a_trail_was_followed() -> None:
    marks = Marks({0: 0}, {0: 0}, {0: 0})
    nowhere = CustomerReach({0: Reach(0, 0)}, Reach(0, 0), Reach(0, 0), Reach(0, 0))
    asked = CustomerEnds({0: 0}, 0, 0)
    assert not customer_is_complete(0, nowhere, asked, None, 0)
    assert customer_is_complete(0, nowhere, asked, Followed(marks, 0), 0)


def test_each_topic_of_a_customer_counts() -> None:
    followed = Followed(Marks({0: 4, 1: 4}, {0: 4}, {0: 4}), 7)
    reaches = [Reach(4, 8)] * 5
    ends = [8] * 4

    def said(reaches: list[Reach], ends: list[int]) -> bool:
        memory = CustomerReach({0: reaches[0], 1: reaches[1]}, *reaches[2:])
        return customer_is_complete(0, memory, CustomerEnds({0: ends[0], 1: ends[1]}, *ends[2:]), followed, 4)

    assert said(reaches, ends)
    for number in range(5):
        late = [Reach(5, 8) if one == number else reach for one, reach in enumerate(reaches)]
        behind = [Reach(4, 6) if one == number else reach for one, reach in enumerate(reaches)]
        assert not said(late, ends)
        assert not said(behind, ends)
