"""Faust's transport with the per-event path replaced: whole fetches of the source topics go to the engine.

Faust keeps the consumer thread, the group membership and the callbacks around a rebalance. It commits nothing
(offsets are part of the batch transactions) and seeks nothing (the engine does, once the state is restored).
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as driver

from processors.engine.contiguity import Contiguity, Fetched, Refusal
from processors.engine.errors import Superseded
from processors.engine.exits import die
from processors.engine.kafka import private
from processors.engine.kafka.fetching import FETCH_WAIT_MS, GATHER_BYTES, BatchConsumerThread, least_grant
from processors.engine.kafka.offsets import StartOffsets, committed_offsets, start_offsets
from processors.engine.kafka.retrying import telling
from processors.engine.kafka.tables import FAUST_LOG
from processors.engine.kafka.transaction import GroupMember, TransactionalProducer

if TYPE_CHECKING:
    from processors.engine.loop import Engine

_POLL_S = 1.0
_RETRY_S = 0.5
#: Settings of Faust for aiokafka's own producer, which has a queue.
_NOT_FOR_US = {"acks", "linger_ms", "max_request_size", "partitioner"}


class BatchProducer(driver.Producer):  # type: ignore[misc]
    """Faust's producer service around :class:`.transaction.TransactionalProducer`."""

    logger = FAUST_LOG

    def _new_producer(self, transactional_id: str | None = None) -> TransactionalProducer:
        settings, connection = self.app.settings, {**self._settings_default(), **self._settings_auth()}
        slot = transactional_id or settings.instance_id or uuid.uuid4().hex
        return TransactionalProducer(
            transactional_id=f"{settings.application_id}-{slot}",
            transaction_timeout_ms=int(settings.transaction_timeout_s * 1000),
            topics=self.app.targets,
            again=telling(self.app.stats.retry),
            **{name: value for name, value in connection.items() if name not in _NOT_FOR_US},
        )


class BatchConsumer(driver.Consumer):  # type: ignore[misc]
    """The engine's view of the group: generation, assignment, accepted fetches."""

    logger = FAUST_LOG

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contiguity = Contiguity()
        #: Records that came from the consumer thread, and for how many of them it may hand over others.
        self._received = 0
        self._granted = 0
        #: Partitions to fetch from what is expected of them: from the beginning, or again.
        self._missing: set[TopicPartition] = set()
        self._is_missing = asyncio.Event()

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    @property
    def engine(self) -> "Engine":
        """The engine of our app."""
        engine: Engine = self.app.engine
        return engine

    # --- the group

    @property
    def generation(self) -> int:
        """The *driver's live* generation, -1 as soon as the coordinator disowns us.

        Faust's own ``app.consumer_generation_id`` lags until the next assignment.
        """
        return private.member(private.kafka_consumer(self._thread))[0]

    def end_of(self, tp: TopicPartition) -> int | None:
        """The end of its log as of the last fetch, undecided transactions included. From any thread."""
        try:
            end: int | None = private.kafka_consumer(self._thread).highwater(tp)
        except (AssertionError, AttributeError):
            return None  # it is not assigned by now, or nothing is yet
        return end

    def group_member(self, generation: int) -> GroupMember:
        """Who commits in this generation. Raises :class:`Superseded` when it is over."""
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

    async def start_offsets(self, tps: set[TopicPartition], go_on: Callable[[], bool]) -> StartOffsets:
        """Where a generation goes on."""
        start: StartOffsets = await self.call(start_offsets, private.kafka_consumer(self._thread), tps, go_on)
        return start

    async def committed(self, tps: set[TopicPartition]) -> dict[TopicPartition, int]:
        """Committed offsets of the group, ours and others'."""
        kafka = private.kafka_consumer(self._thread)
        offsets: dict[TopicPartition, int] = await self.call(committed_offsets, kafka, tps)
        return offsets

    async def ends(self, tps: set[TopicPartition]) -> dict[TopicPartition, int]:
        """Ends of the logs now, undecided transactions included."""
        kafka = private.kafka_consumer(self._thread)
        ends: dict[TopicPartition, int] = await self.call(private.high_watermarks, kafka, tps)
        return ends

    def begin_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Accept fetches from these offsets on, and have them made, however often that fails."""
        self.contiguity.expect(offsets)
        self._missing.update(offsets)
        self._is_missing.set()

    async def go_on_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Fetch from these offsets on, and accept nothing else."""
        self.contiguity.expect(offsets)
        if offsets:
            await self._thread.go_on_at(offsets)

    def stand_still(self, tp: TopicPartition) -> None:
        """Neither fetch nor accept anything of this partition until the next generation."""
        self.contiguity.forget(tp)
        self._missing.discard(tp)
        self._thread.stand_still(tp)

    def gather(self, seconds: float) -> None:
        """Let the broker wait for this long for more than one record; 0: for as long as there is none."""
        kafka = private.kafka_consumer(self._thread)
        if seconds:
            private.set_fetch_wait(kafka, GATHER_BYTES, max(1, int(seconds * 1000)))
        else:
            private.set_fetch_wait(kafka, 1, FETCH_WAIT_MS)

    # --- Faust's callbacks

    def drop(self) -> None:
        """Forget what was fetched, and with it the expectations: see :class:`.contiguity.Contiguity`."""
        self.contiguity.clear()
        self._missing.clear()
        self.engine.forget()
        self.make_room()

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Before we rejoin; ends in :meth:`wait_empty`, so that the batch in flight commits as a member."""
        await super().on_partitions_revoked(revoked)
        self.drop()

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """A new generation. The app opens the stores; the engine does the rest in its own time."""
        self.drop()
        await super().on_partitions_assigned(assigned, generation_id)
        await self.app.resume(assigned, generation_id)

    async def wait_empty(self) -> None:
        """Revocation or shutdown: drop the queue, let the transaction in flight end while we are a member."""
        self.drop()
        await self.engine.finish_batch()

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

    # --- fetching

    def accept(self, generation: int, fetches: list[Fetched], records: int) -> None:
        """What the consumer thread hands over. What does not join on to what came before is fetched again."""
        try:
            self._received += records
            missing = self._accept(generation, fetches)
            if missing:
                self._missing.update(missing)
                self._is_missing.set()
            self.make_room()
        except Exception as exc:
            die(exc)

    def make_room(self) -> None:
        """Let the consumer thread hand over as many records more as have left the inbox, some at a time."""
        gone = self._received - self.engine.inbox.records
        if gone - self._granted >= least_grant(self.app.settings.max_buffer):
            self._thread.grant(gone - self._granted)
            self._granted = gone

    async def _drain_messages(self, fetcher: Any) -> None:
        """The task behind Faust's Fetcher."""
        self.engine.start()
        try:
            while not (private.service_stopped(self) or private.service_stopped(fetcher)):
                try:
                    await asyncio.wait_for(self._is_missing.wait(), _POLL_S)
                except TimeoutError:
                    continue
                self._is_missing.clear()
                missing, self._missing = self._missing, set()
                if missing and self.flow_active:
                    await self._seek_back(missing)
        except asyncio.CancelledError:
            if not self.app.should_stop:  # Faust makes a crash of a cancelled drain
                raise
        except Exception as exc:
            die(exc)

    def _accept(self, generation: int, fetches: list[Fetched]) -> set[TopicPartition]:
        engine, stats = self.engine, self.engine.stats
        current = (
            self.flow_active
            and engine.current is not None
            and generation == self.generation == engine.current.number
        )
        refetch: set[TopicPartition] = set()
        for fetched in fetches:
            if not current:
                # Refused without being accepted: the position has moved on, the expectation has not.
                if self.contiguity.wanted(fetched.tp) is not None:
                    refetch.add(fetched.tp)
                continue
            accepted = self.contiguity.accept(fetched)
            if isinstance(accepted, Fetched):
                stats.trimmed += accepted is not fetched
                engine.inbox.put(generation, accepted)
            elif accepted is Refusal.GAP:
                stats.seekbacks += 1
                refetch.add(fetched.tp)
        return refetch

    async def _seek_back(self, tps: set[TopicPartition]) -> None:
        """Fetch from the expected offset, or from the beginning if retention has overtaken us."""
        try:
            begins = await self.call(private.kafka_consumer(self._thread).beginning_offsets, tps)
            offsets: dict[TopicPartition, int] = {}
            for tp in tps:
                wanted = self.contiguity.wanted(tp)
                if wanted is None:
                    continue
                if begins[tp] > wanted:
                    lost = begins[tp] - wanted
                    self.engine.stats.retention_gaps += lost
                    self.log.error(
                        "retention removed offsets before they were read",
                        extra={"topic": tp.topic, "partition": tp.partition, "offsets": lost},
                    )
                offsets[tp] = max(wanted, begins[tp])
            await self.go_on_at(offsets)
        except (TimeoutError, Superseded, KafkaError, IllegalStateError) as exc:
            self.engine.stats.retry(type(exc).__name__)
            self.log.warning("fetching again failed", extra={"error": repr(exc)})
            # The position has moved past them, and nothing may come to remind us.
            self._missing |= {tp for tp in tps if self.contiguity.wanted(tp) is not None}
            self._is_missing.set()
            await asyncio.sleep(_RETRY_S)


class BatchTransport(driver.Transport):  # type: ignore[misc]
    """Consumer and producer above, for ``App._new_transport``."""

    Consumer = BatchConsumer
    Producer = BatchProducer
