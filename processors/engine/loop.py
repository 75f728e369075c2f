"""The engine: one batch at a time, from the inbox to the local stores."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from aiokafka.errors import IllegalStateError, KafkaError

from processors.clock import boottime
from processors.engine.batch import Computer, DueEntry, Effects
from processors.engine.commit import Transactor
from processors.engine.errors import ProcessorHalt, Refused, Stalled, Superseded
from processors.engine.exits import die
from processors.engine.generation import Generation, begin, start_partitions
from processors.engine.inbox import Chunk, Inbox
from processors.engine.kafka import private
from processors.engine.placement import changelog_topic
from processors.engine.rejections import TooManyRejected
from processors.engine.stats import Stats
from processors.engine.steps import OnStep, Step
from processors.engine.watch import ProcessorFailed

if TYPE_CHECKING:
    from processors.engine.kafka.app import EngineApp

log = logging.getLogger(__name__)

_IDLE_S = 0.5
_POLL_S = 0.01
_RETRY_S = 0.5
#: A worker whose last batch is younger than this, and was not smaller than that, is under load.
_LOADED_S, _LOADED_EVENTS = 0.03, 10


class Engine:
    """Started by the consumer's fetch task; lives as long as the process.

    A generation of the group goes through: rebalance (Faust) -> begin (offsets) -> per partition: state,
    seek, batches -> :meth:`finish_batch` on revocation. :attr:`current` is the one that has begun, and the
    only one whose records are accepted.
    """

    def __init__(
        self,
        app: "EngineApp",
        on_step: OnStep,
        on_batch: Callable[[Stats], None] | None,
        on_commit: Callable[[Effects], None] | None,
        stats: Stats,
    ) -> None:
        settings = self._settings = app.settings
        self.stats = stats
        self.inbox = Inbox(app.inner)
        self.current: Generation | None = None
        #: Set by Faust's rebalance hooks, from the consumer thread.
        self.rebalancing_since: float | None = None
        self._app = app
        self._on_step = on_step
        self._on_batch = on_batch
        self._on_commit = on_commit
        self._computer = Computer(settings.partitions, app.processors, settings.limits)
        self._changelog = {j.table: changelog_topic(settings.application_id, j.table) for j in app.processors}
        self._idle = asyncio.Event()
        self._idle.set()
        self._batch_ended = 0.0
        self._batch_events = 0
        self._loaded = False
        self._tasks: list[asyncio.Task[None]] = []
        self._restoring: asyncio.Task[None] | None = None

    # --- life

    def start(self) -> None:
        """Start the tasks; idempotent, for Faust starts its fetcher again after each rebalance."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(_guarded(task())) for task in (self._run, self._housekeep)]

    async def stop(self) -> None:
        """After the last batch."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stop_restoring()

    def forget(self) -> None:
        """Drop what was accepted; nothing more is accepted before the next generation has begun."""
        self.current = None
        self.inbox.clear()

    async def finish_batch(self) -> None:
        """Wait for the batch in flight to commit or to be dropped. Afterwards the stores may be closed."""
        try:
            await asyncio.wait_for(self._idle.wait(), self._settings.batch_deadline_s)
        except TimeoutError:
            die(Stalled("the batch in flight did not finish before the rebalance deadline"))

    def _retry(self, what: str, error: Exception, **keys: object) -> None:
        """It goes on by itself."""
        self.stats.retry(type(error).__name__)
        log.warning(what, extra={"error": repr(error), **keys})

    # --- generations

    def _is_current(self, number: int) -> bool:
        stopping = self.rebalancing_since is not None or self._app.should_stop
        return not stopping and self._app.consumer.generation == number

    async def _ready(self) -> bool:
        """Is there a generation to work in? If not, wait a moment or begin it."""
        since, consumer, stopping = self.rebalancing_since, self._app.consumer, self._app.should_stop
        if since and not stopping and boottime() - since > self._settings.stall_timeout_s:
            # Faust or mode may lose the task that would end it.
            raise Stalled(f"the rebalance has not ended for {boottime() - since:.0f} s")
        number = consumer.generation
        if since or stopping or number <= 0 or not consumer.flow_active:
            await asyncio.sleep(_POLL_S)
            return False
        if self.current is not None and self.current.number == number:
            return True
        try:
            await self._begin(number)
        except Superseded as exc:
            log.info("generation not begun", extra={"generation": number, "because": str(exc)})
            await asyncio.sleep(_POLL_S)
        except (TimeoutError, KafkaError, IllegalStateError) as exc:
            self._retry("generation not begun", exc, generation=number)
            await asyncio.sleep(_RETRY_S)
        return False

    async def _begin(self, number: int) -> None:
        await self._stop_restoring()
        self._app.consumer.drop()
        current = await begin(self._app, number, lambda: self._is_current(number))
        self.current = current  # no await since the last check that it is
        self.stats.generation = number
        self.stats.stopped = 0
        self._restoring = asyncio.create_task(_guarded(self._restore(current)))

    async def _restore(self, current: Generation) -> None:
        """Start the partitions of a generation; until all have, or it is over."""

        def is_current() -> bool:
            return self.current is current and self._is_current(current.number)

        while True:
            try:
                await start_partitions(self._app, current, is_current)
                return
            except Superseded as exc:
                log.info("not all partitions started", extra={"because": str(exc)})
                return
            except (TimeoutError, KafkaError, IllegalStateError) as exc:
                self._retry("not all partitions started", exc, generation=current.number)
                await asyncio.sleep(_RETRY_S)

    async def _stop_restoring(self) -> None:
        """Two of them must not write to one store."""
        if self._restoring is not None:
            self._restoring.cancel()
            await asyncio.gather(self._restoring, return_exceptions=True)
            self._restoring = None

    # --- batches

    async def _run(self) -> None:
        while True:
            if not await self._ready():
                continue
            current = self.current
            self._gather()
            if current is None or self.current is not current:
                continue  # the stores may be closed by now
            chunks = self.inbox.take(current.number, self._settings.max_batch, current.troubles.suspects)
            due = current.time.take(current.processed)
            current.uncommitted.update((chunk.tp, chunk.next_offset) for chunk in chunks)
            if due or any(chunk.records for chunk in chunks) or await self._quiet(current):
                await self._batch(current, chunks, due)

    def _gather(self) -> None:
        """Under load let the broker gather: fetch and transaction cost the same for one record as for many.

        A worker that has little to do is given the next record at once.
        """
        young = time.monotonic() - self._batch_ended < _LOADED_S
        loaded = young and self._batch_events >= _LOADED_EVENTS
        if loaded != self._loaded:
            self._loaded = loaded
            self._app.consumer.gather(self._settings.gather_s if loaded else 0.0)

    async def _quiet(self, current: Generation) -> bool:
        """Wait for something to do. True: there is nothing, but offsets past trailing markers to commit.

        Ranges without records are not worth a transaction while there is other work, and ours leave markers
        behind with every batch. Committed at leisure they let the group's lag reach zero.
        """
        current.processed.update(current.uncommitted)
        self.inbox.arrived.clear()
        if not self.inbox:
            try:
                async with asyncio.timeout(_IDLE_S):
                    await self.inbox.arrived.wait()
            except TimeoutError:
                return self.current is current and bool(current.uncommitted)
        return False

    async def _batch(self, current: Generation, chunks: Sequence[Chunk], due: Sequence[DueEntry]) -> None:
        self._idle.clear()
        started = time.monotonic()
        deadline = self._settings.batch_deadline_s
        late = Stalled(f"a batch took longer than {deadline:.0f} s")
        watchdog = asyncio.get_running_loop().call_later(deadline, die, late)
        try:
            effects = await self._process(current, chunks, due)
            self.stats.count(effects, self._settings.clock())
            if self._on_commit is not None:
                self._on_commit(effects)
        except Superseded as exc:
            self.stats.superseded += 1
            self.stats.fenced += isinstance(exc, Refused)
            self._retry("batch dropped", exc, generation=current.number)
            if self.current is current:
                self._app.consumer.drop()
        finally:
            watchdog.cancel()
            self._idle.set()
        self._batch_ended = time.monotonic()
        self._batch_events = sum(len(chunk.records) for chunk in chunks)
        self.stats.batch_seconds.add(self._batch_ended - started)
        self.stats.queued = self.inbox.records
        if self._on_batch is not None:
            self._on_batch(self.stats)
        await asyncio.sleep(0)

    async def _process(
        self, current: Generation, chunks: Sequence[Chunk], due: Sequence[DueEntry]
    ) -> Effects:
        effects = await self._compute(current, chunks, due)
        # Offsets are what fences a former owner, so a batch of expiries only has to carry some as well.
        again = current.processed if due else {tp: current.processed[tp] for tp in effects.troubles}
        effects.offsets = {**again, **current.uncommitted}
        self._on_step(Step.COMPUTED)
        # Now: the thread unpacks while we wait for the broker, not while we compute.
        self._app.consumer.make_room()
        await self._commit(current, effects)
        current.processed.update(effects.offsets)
        current.uncommitted = {}
        for one in effects.quarantined:
            log.error(str(one), extra=one.keys())
        return effects

    async def _commit(self, current: Generation, effects: Effects) -> None:
        consumer, producer = self._app.consumer, private.producer_of(self._app.producer)
        effects.metadata = current.troubles.metadata(effects.offsets, effects.troubles)
        started = time.monotonic()
        await Transactor(self._changelog, producer, self._on_step).run(
            effects,
            consumer.group_member(current.number),
            current.stores,
            lambda: consumer.generation == current.number,
        )
        self.stats.transaction_seconds.add(time.monotonic() - started)
        current.troubles.committed(effects.troubles)

    # --- trouble

    async def _compute(
        self, current: Generation, chunks: Sequence[Chunk], due: Sequence[DueEntry]
    ) -> Effects:
        """Without partitions that have to stand still. Raises :class:`ProcessorFailed`, which is noted."""
        now_ms, watermark_ms = self._settings.clock(), current.time.watermark.time_ms
        stores, troubles = current.stores, current.troubles
        while True:
            try:
                return self._computer.compute(chunks, due, stores, now_ms, watermark_ms, troubles)
            except TooManyRejected as many:
                self._stand_still(current, many)
                chunks = [chunk for chunk in chunks if chunk.tp != many.tp]
            except ProcessorFailed as failed:
                # Under the offsets that are committed already: as little as the batch, but fenced like one.
                note = Effects(now_ms, offsets=dict(current.processed), troubles={failed.tp: failed.trouble})
                await self._commit(current, note)
                raise

    def _stand_still(self, current: Generation, many: TooManyRejected) -> None:
        """Until the next generation. Raises :class:`ProcessorHalt` when nothing is left of the topic."""
        stopped, tp = current.troubles.stopped, many.tp
        stopped.add(tp)
        if stopped >= {one for one in current.processed if one.topic == tp.topic}:
            raise ProcessorHalt(str(many))
        log.error(
            f"{many} Other partitions go on, this one when it begins anew",
            extra={"topic": tp.topic, "partition": tp.partition, "offset": current.processed[tp]},
        )
        current.uncommitted.pop(tp, None)
        self.inbox.discard(tp)
        self._app.consumer.stand_still(tp)
        self.stats.stopped = len(stopped)

    # --- time

    async def _housekeep(self) -> None:
        """Rounds of the watermark, as far as somebody needs it, and the sweep."""
        while True:
            await asyncio.sleep(self._settings.expiry_interval_s)
            current = self.current
            if current is None:
                continue
            for _ in current.time.sweep():
                await asyncio.sleep(0)
                if self.current is not current:
                    break  # the stores may be closed by now
            else:
                current.time.count_held()
                await self._round(current)

    async def _round(self, current: Generation) -> None:
        """Begin a round if one is wanted, else look how far the others have come in the one under way."""
        consumer, time_ = self._app.consumer, current.time
        try:
            if time_.round_wanted():
                start_ms = self._settings.clock()
                time_.watermark.begin(start_ms, await consumer.ends(self._app.all_sources))
            elif time_.watermark.running:
                others = self._app.all_sources - current.processed.keys()
                if others:
                    time_.others = await consumer.committed(others)
        except (TimeoutError, Superseded, KafkaError, IllegalStateError) as exc:
            log.info("no watermark round", extra={"error": repr(exc)})


async def _guarded(task: Coroutine[Any, Any, None]) -> None:
    try:
        await task
    except asyncio.CancelledError:
        raise
    except BaseException as exc:
        die(exc)
