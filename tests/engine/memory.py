"""A Kafka of lists: topics with their transactions, and one consumer group, as far as the engine can tell.

It is here and not in the product because nothing of the product would use it. What it promises is what Kafka
does: ``test_group_contract.py`` holds both to it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum

from aiokafka.structs import TopicPartition

from processors.engine.clock import boottime
from processors.engine.contiguity import Fetched
from processors.engine.errors import Superseded
from processors.engine.group import GroupMember, StartOffsets
from processors.engine.intake import Intake
from processors.engine.loop import Engine
from processors.engine.producer import FencedGeneration, Fields
from processors.engine.records import Record
from processors.engine.stores import Place, Store
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
        #: The group's generation, and whose commits it takes.
        self.generation = 0
        self.members: dict[str, MemoryGroup] = {}
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

    async def rebalance(self, *members: "MemoryGroup") -> None:
        """A new generation of these members, the partitions dealt out in turn. Others are not told."""
        for member in members:
            member.rebalancing_since = boottime()
        for member in members:
            await member.revoke()
        self.generation += 1
        self.members = {member.name: member for member in members}
        for number, member in enumerate(members):
            member.assign(self.generation, set(range(number, self.partitions, len(members))))

    def notify(self) -> None:
        """There may be something to fetch."""
        for member in self.members.values():
            member.look()


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
        known = self._broker.members.get(self._member.member_id)
        if known is None or self._member.generation != self._broker.generation:
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


class MemoryGroup:
    """A :class:`.group.Group`. ``fetch``: records of a partition that it takes at a time."""

    def __init__(
        self,
        broker: Broker,
        name: str,
        topics: Iterable[str],
        intake: Intake,
        max_buffer: int,
        fetch: int = 7,
        open_stores: Callable[[Set[int]], Mapping[Place, Store]] = lambda _: {},
    ) -> None:
        """``open_stores``: those of the partitions that are ours now; it closes the others."""
        self.broker = broker
        self.name = name
        self.generation = -1
        self.flowing = False
        self.stopping = False
        self.rebalancing_since: float | None = None
        self.gathering = 0.0
        #: Raised by the questions to come, in order.
        self.failures: list[Exception] = []
        self._topics = sorted(topics)
        self._intake = intake
        self._credit = max_buffer
        self._fetch = fetch
        self._open_stores = open_stores
        self._stores: Mapping[Place, Store] = {}
        self._partitions: set[int] = set()
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._looking = False
        #: Whom to tell of the end of a generation. Set before the first one.
        self.engine: Engine

    # --- what the coordinator does

    async def revoke(self) -> None:
        self.flowing = False
        self.engine.drop()
        await self.engine.finish_batch()

    def assign(self, generation: int, partitions: set[int]) -> None:
        self.engine.drop()
        self._partitions, self.generation = partitions, generation
        self._stores = self._open_stores(partitions)
        self._positions, self._paused = {}, set()
        self.flowing, self.rebalancing_since = True, None

    # --- what the engine asks

    def sources(self) -> set[TopicPartition]:
        return {TopicPartition(topic, partition) for topic in self._topics for partition in self._partitions}

    def stores(self) -> Mapping[Place, Store]:
        return self._stores

    def member(self, generation: int) -> GroupMember:
        if generation != self.generation:
            raise Superseded(f"generation {generation} -> {self.generation}")
        return GroupMember("group", generation, self.name, self.name)

    async def start_offsets(self, tps: Set[TopicPartition], go_on: Callable[[], bool]) -> StartOffsets:
        await self._ask()
        waits = 0
        while self.broker.undecided(tps):
            waits += 1
            await asyncio.sleep(0)
            if not go_on():
                raise Superseded("gave up waiting for stable offsets")
        committed = {tp: self.broker.offsets.get(tp) for tp in tps}
        begins = {tp: self.broker.logs[tp].begin for tp in tps}
        offsets = {tp: max(begins[tp], 0 if known is None else known[0]) for tp, known in committed.items()}
        moved = {tp: at for tp, at in offsets.items() if (known := committed[tp]) is None or known[0] != at}
        lost = sum(at - known[0] for tp, at in moved.items() if (known := committed[tp]) is not None)
        metadata = {tp: known[1] for tp, known in committed.items() if known is not None and known[1]}
        return StartOffsets(offsets, moved, waits, lost, metadata)

    async def committed(self, tps: Set[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self._ask()
        return {tp: known[0] for tp in tps if (known := self.broker.offsets.get(tp)) is not None}

    async def beginnings(self, tps: Set[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self._ask()
        return {tp: self.broker.logs[tp].begin for tp in tps}

    async def ends(self, tps: Set[TopicPartition]) -> Mapping[TopicPartition, int]:
        await self._ask()
        return {tp: self.broker.logs[tp].end for tp in tps}

    async def go_on_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        await self._ask()
        ours = self.sources()
        self._positions.update({tp: at for tp, at in offsets.items() if tp in ours})
        self._paused.difference_update(offsets)
        self.look()

    def stand_still(self, tp: TopicPartition) -> None:
        self._paused.add(tp)

    def grant(self, records: int) -> None:
        self._credit += records
        if records:
            self.look()

    def gather(self, seconds: float) -> None:
        self.gathering = seconds

    async def _ask(self) -> None:
        await asyncio.sleep(0)
        if self.stopping:
            raise Superseded("stopping")
        if self.failures:
            raise self.failures.pop(0)

    # --- fetching

    def look(self) -> None:
        """Fetch, with the loop's next turn."""
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._looking = False
        if not self.flowing or self._credit <= 0:
            return
        fetches = []
        for tp in sorted(self._positions.keys() - self._paused):
            start = self._positions[tp]
            records, end = self.broker.logs[tp].committed(start, max(1, min(self._fetch, self._credit)))
            if end > start:
                fetches.append(Fetched(tp, start, end, records))
                self._positions[tp] = end
                self._credit -= len(records)
        if fetches:
            self._intake.offer(self.generation, fetches)
            self.grant(self._intake.room())
            self.look()


class MemoryChangelogs:
    """A :class:`.stores.Restore`."""

    def __init__(self, broker: Broker, most: int = 10) -> None:
        self._broker = broker
        self._most = most

    async def __call__(
        self, stores: Mapping[TopicPartition, Store], check: Callable[[], None], ready: Callable[[int], None]
    ) -> int:
        ends = {tp: self._broker.logs[tp].end for tp in stores}
        at = {tp: store.position + 1 for tp, store in stores.items()}
        count, left = 0, set(stores)
        while True:
            await asyncio.sleep(0)
            check()
            reached = {tp for tp in left if at[tp] >= ends[tp]}
            left -= reached
            for partition in sorted({tp.partition for tp in reached} - {tp.partition for tp in left}):
                ready(partition)
            if not left:
                return count
            for tp in left:
                records, at[tp] = self._broker.logs[tp].committed(at[tp], self._most)
                if records:
                    stores[tp].write({r.key: r.value for r in records}, records[-1].offset, 0)
                    count += len(records)
