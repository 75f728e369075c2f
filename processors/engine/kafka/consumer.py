"""Faust's consumer with the per-event path replaced: whole fetches of the source topics go to the engine.

Faust keeps the consumer thread, the group membership and the callbacks around a rebalance. It commits nothing
(offsets are part of the batch transactions) and seeks nothing (the engine does, once the state is restored).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as driver

from processors.engine.contiguity import Fetched
from processors.engine.errors import Superseded
from processors.engine.exits import die
from processors.engine.group import GroupMember, StartOffsets
from processors.engine.intake import Intake
from processors.engine.kafka import private
from processors.engine.kafka.fetching import FETCH_WAIT_MS, GATHER_BYTES, BatchConsumerThread
from processors.engine.kafka.offsets import committed_offsets, start_offsets
from processors.engine.kafka.tables import FAUST_LOG
from processors.engine.loop import Engine
from processors.engine.stores import Place, Store

_POLL_S = 1.0
_NO_GENERATION = -1


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """A :class:`.group.Group` on Kafka. In the main thread; the coroutines ask the consumer thread."""

    logger = FAUST_LOG

    #: Set by Faust's rebalance hooks, from the consumer thread.
    rebalancing_since: float | None = None

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def _engine(self) -> Engine:
        engine: Engine = self.app.engine
        return engine

    @property
    def _intake(self) -> Intake:
        intake: Intake = self.app.intake
        return intake

    # --- the group

    @property
    def generation(self) -> int:
        """See :class:`.group.Group`. The app's ``consumer_generation_id`` lags until the next assignment."""
        return private.member(private.kafka_consumer(self._thread))[0]

    @property
    def flowing(self) -> bool:
        """See :class:`.group.Group`."""
        return self.flow_active  # type: ignore[no-any-return]

    @property
    def stopping(self) -> bool:
        """See :class:`.group.Group`."""
        return self.app.should_stop  # type: ignore[no-any-return]

    def end_of(self, tp: TopicPartition) -> int | None:
        """The end of its log as of the last fetch, undecided transactions included. From any thread."""
        try:
            end: int | None = private.kafka_consumer(self._thread).highwater(tp)
        except (AssertionError, AttributeError):
            return None  # it is not assigned by now, or nothing is yet
        return end

    def sources(self) -> set[TopicPartition]:
        """See :class:`.group.Group`."""
        sources = self.app.sources
        return {TopicPartition(tp.topic, tp.partition) for tp in self.assignment() if tp.topic in sources}

    def stores(self) -> Mapping[Place, Store]:
        """See :class:`.group.Group`."""
        return {
            (table.name, partition): store
            for table in self.app.tables.values()
            for partition, store in table.data.partitions.items()
        }

    def member(self, generation: int) -> GroupMember:
        """See :class:`.group.Group`."""
        current, member_id = private.member(private.kafka_consumer(self._thread))
        if current != generation:
            raise Superseded(f"generation {generation} -> {current}")
        settings = self.app.settings
        return GroupMember(settings.application_id, generation, member_id, settings.instance_id)

    async def call(self, method: Any, *args: Any) -> Any:
        """Run in the consumer thread; gives up on shutdown, for a stopped thread never answers."""
        task = asyncio.ensure_future(self._thread.call_thread(method, *args))
        while not task.done():
            await asyncio.wait({task}, timeout=_POLL_S)
            if not task.done() and self.app.should_stop:
                task.cancel()
                raise Superseded("stopping")
        return task.result()

    async def start_offsets(self, tps: Set[TopicPartition], go_on: Callable[[], bool]) -> StartOffsets:
        """See :class:`.group.Group`."""
        start: StartOffsets = await self.call(start_offsets, private.kafka_consumer(self._thread), tps, go_on)
        return start

    async def committed(self, tps: Set[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See :class:`.group.Group`."""
        kafka = private.kafka_consumer(self._thread)
        offsets: dict[TopicPartition, int] = await self.call(committed_offsets, kafka, tps)
        return offsets

    async def beginnings(self, tps: Set[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See :class:`.group.Group`."""
        kafka = private.kafka_consumer(self._thread)
        begins: dict[TopicPartition, int] = await self.call(kafka.beginning_offsets, tps)
        return begins

    async def ends(self, tps: Set[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See :class:`.group.Group`."""
        kafka = private.kafka_consumer(self._thread)
        ends: dict[TopicPartition, int] = await self.call(private.high_watermarks, kafka, tps)
        return ends

    async def go_on_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See :class:`.group.Group`."""
        await self._thread.go_on_at(offsets)

    def stand_still(self, tp: TopicPartition) -> None:
        """See :class:`.group.Group`."""
        self._thread.stand_still(tp)

    def grant(self, records: int) -> None:
        """See :class:`.group.Group`."""
        if records:
            self._thread.grant(records)

    def gather(self, seconds: float) -> None:
        """See :class:`.group.Group`."""
        kafka = private.kafka_consumer(self._thread)
        if seconds:
            private.set_fetch_wait(kafka, GATHER_BYTES, max(1, int(seconds * 1000)))
        else:
            private.set_fetch_wait(kafka, 1, FETCH_WAIT_MS)

    # --- Faust's callbacks

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Before we rejoin; ends in :meth:`wait_empty`, so that the batch in flight commits as a member."""
        await super().on_partitions_revoked(revoked)
        self._engine.drop()

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """A new generation. The app opens the stores; the engine does the rest in its own time."""
        self._engine.drop()
        await super().on_partitions_assigned(assigned, generation_id)
        await self.app.resume(assigned, generation_id)

    async def wait_empty(self) -> None:
        """Revocation or shutdown: drop the queue, let the transaction in flight end while we are a member."""
        self._engine.drop()
        await self._engine.finish_batch()

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Nothing to do: offsets are committed in the transactions."""
        return False

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Nothing to do."""
        return False

    async def perform_seek(self) -> None:
        """Nothing to do: Faust bounds this by a request timeout and dies silently when it is exceeded."""

    async def verify_all_partitions_active(self) -> None:
        """Faust's livelock alarms watch agents and acks, of which there are none."""

    async def _drain_messages(self, fetcher: Any) -> None:
        """The task behind Faust's Fetcher. Records do not come by here."""
        self._engine.start()
        try:
            while not (private.service_stopped(self) or private.service_stopped(fetcher)):
                await fetcher.sleep(_POLL_S)
        except asyncio.CancelledError:
            if not self.app.should_stop:  # Faust makes a crash of a cancelled drain
                raise

    # --- fetching

    def accept(self, generation: int, fetches: Sequence[Fetched]) -> None:
        """What the consumer thread hands over, with the generation in which it was fetched."""
        try:
            over = not self.flow_active or generation != self.generation
            self._intake.offer(_NO_GENERATION if over else generation, fetches)
            self.grant(self._intake.room())
        except Exception as exc:
            die(exc)
