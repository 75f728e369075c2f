"""A consumer group on :mod:`.memory`, and the changelogs there."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Set

from aiokafka.structs import TopicPartition

from processors.clock import boottime
from processors.engine.contiguity import Fetched
from processors.engine.errors import Superseded
from processors.engine.group import GroupMember, StartOffsets
from processors.engine.intake import Intake
from processors.engine.loop import Engine
from processors.engine.stores import Place, Store
from tests.engine.memory import Broker


async def rebalance(broker: Broker, *members: "MemoryGroup") -> None:
    """A new generation of these members, the partitions dealt out in turn. Others are not told."""
    for member in members:
        member.rebalancing_since = boottime()
    for member in members:
        await member.revoke()
    broker.generation += 1
    broker.members = {member.name: member.look for member in members}
    for number, member in enumerate(members):
        member.assign(broker.generation, set(range(number, broker.partitions, len(members))))


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
