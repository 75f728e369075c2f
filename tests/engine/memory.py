"""A Kafka of lists, as far as the engine can tell: topics with their transactions. Its group is in
:mod:`.memory_group`.

It is here and not in the product because nothing of the product would use it. What it promises is what Kafka
does: ``test_group_contract.py`` holds both to it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from aiokafka.structs import TopicPartition

from processors.engine.group import GroupMember
from processors.engine.producer import FencedGeneration, Fields
from processors.engine.records import Record
from processors.kafka.placement import partition_for


class Outcome(Enum):
    """Of a transaction."""

    UNDECIDED = "undecided"
    COMMITTED = "committed"
    ABORTED = "aborted"


@dataclass(eq=False)
class Transaction:
    """``offsets``: next offset and metadata of each partition of a source topic."""

    outcome: Outcome = Outcome.UNDECIDED
    partitions: set[TopicPartition] = field(default_factory=set)
    offsets: dict[TopicPartition, tuple[int, str]] = field(default_factory=dict)


@dataclass
class Log:
    """One partition. Of each offset the record (None: a marker) and its transaction (None: it has none)."""

    entries: list[tuple[Record | None, Transaction | None]] = field(default_factory=list)
    begin: int = 0

    @property
    def end(self) -> int:
        return len(self.entries)

    @property
    def stable(self) -> int:
        """Everything below is decided."""
        undecided = (
            offset
            for offset, (_, within) in enumerate(self.entries)
            if within is not None and within.outcome is Outcome.UNDECIDED
        )
        return next(undecided, self.end)

    def committed(self, start: int, most: int) -> tuple[list[Record], int]:
        """Records for a reader of what is committed, ``most`` at most, and where it goes on."""
        records: list[Record] = []
        stable = self.stable
        for offset in range(start, stable):
            if len(records) == most:
                return records, offset
            record, within = self.entries[offset]
            if record is not None and (within is None or within.outcome is Outcome.COMMITTED):
                records.append(record)
        return records, max(start, stable)


class Broker:
    """Topics of as many partitions each, and one group."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.logs: defaultdict[TopicPartition, Log] = defaultdict(Log)
        self.offsets: dict[TopicPartition, tuple[int, str]] = {}
        #: The group's generation, and whose commits it takes: by name, what hears of something to fetch.
        self.generation = 0
        self.members: dict[str, Callable[[], None]] = {}
        #: By transactional id, the one that is open.
        self.open: dict[str, Transaction] = {}
        self.now_ms = 1_800_000_000_000

    def send(self, topic: str, key: bytes | None, value: bytes | None, partition: int | None = None) -> None:
        """A record without a transaction."""
        where = partition_for(key or b"", self.partitions) if partition is None else partition
        self.append(TopicPartition(topic, where), (key, value, [], self.now_ms), None)
        self.notify()

    def append(self, tp: TopicPartition, fields: Fields, within: Transaction | None) -> int:
        """Its offset."""
        log, (key, value, headers, timestamp) = self.logs[tp], fields
        record = Record(tp.topic, tp.partition, log.end, timestamp, key, value, tuple(headers))
        log.entries.append((record, within))
        return log.end - 1

    def finish(self, within: Transaction, outcome: Outcome) -> None:
        """Decide it. Its markers take an offset in each of its partitions."""
        within.outcome = outcome
        for tp in within.partitions:
            self.logs[tp].entries.append((None, None))
        if outcome is Outcome.COMMITTED:
            self.offsets.update(within.offsets)
        self.notify()

    def undecided(self, tps: Iterable[TopicPartition]) -> bool:
        """Is there a transaction with an offset of these partitions?"""
        return any(not within.offsets.keys().isdisjoint(tps) for within in self.open.values())

    def read(self, topic: str) -> list[Record]:
        """All that a reader of what is committed finds."""
        logs = [self.logs[TopicPartition(topic, partition)] for partition in range(self.partitions)]
        return [record for log in logs for record in log.committed(log.begin, log.end)[0]]

    def lag(self, topics: Iterable[str]) -> int:
        """What the group has not committed, trailing markers included."""
        tps = [TopicPartition(topic, partition) for topic in topics for partition in range(self.partitions)]
        return sum(self.logs[tp].end - self.offsets.get(tp, (0, ""))[0] for tp in tps)

    def notify(self) -> None:
        """There may be something to fetch."""
        for look in self.members.values():
            look()


class MemoryProducer:
    """A :class:`.producer.Producer`. Made anew it aborts what a former one of its name left open."""

    def __init__(self, broker: Broker, name: str) -> None:
        self._broker = broker
        self._name = name
        self._member: GroupMember | None = None
        if left := broker.open.pop(name, None):
            broker.finish(left, Outcome.ABORTED)

    @property
    def _transaction(self) -> Transaction:
        return self._broker.open[self._name]

    def begin(self, member: GroupMember) -> None:
        assert self._name not in self._broker.open
        self._member = member

    async def add(self, partitions: Collection[TopicPartition]) -> None:
        self._broker.open[self._name] = Transaction(partitions=set(partitions))
        await asyncio.sleep(0)

    async def send(self, records: Mapping[TopicPartition, Sequence[Fields]]) -> dict[TopicPartition, int]:
        await asyncio.sleep(0)
        last: dict[TopicPartition, int] = {}
        for tp, of_partition in records.items():
            assert tp in self._transaction.partitions
            for fields in of_partition:
                last[tp] = self._broker.append(tp, fields, self._transaction)
        return last

    async def commit_offsets(
        self, offsets: Mapping[TopicPartition, int], metadata: Mapping[TopicPartition, str] | None = None
    ) -> None:
        await asyncio.sleep(0)
        assert self._member is not None
        known = self._member.member_id in self._broker.members
        if not known or self._member.generation != self._broker.generation:
            raise FencedGeneration("of a former owner")
        told = metadata or {}
        self._transaction.offsets.update({tp: (at, told.get(tp, "")) for tp, at in offsets.items()})

    async def commit(self) -> None:
        await self._end(Outcome.COMMITTED)

    async def abort(self) -> None:
        await self._end(Outcome.ABORTED)

    async def _end(self, outcome: Outcome) -> None:
        await asyncio.sleep(0)
        if within := self._broker.open.pop(self._name, None):
            self._broker.finish(within, outcome)
