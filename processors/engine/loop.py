"""The engine: one batch at a time, from the intake to the local stores."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from processors.engine.batch import Computer
from processors.engine.commit import commit
from processors.engine.effects import DueEntry, Effects
from processors.engine.errors import ProcessorHalt, Refused, Stalled, Superseded, Unexpected
from processors.engine.exits import die, guarded
from processors.engine.gaps import fetch_missing
from processors.engine.generation import Generation, Generations
from processors.engine.group import Group
from processors.engine.inbox import Chunk
from processors.engine.intake import Intake
from processors.engine.placement import changelog_topic
from processors.engine.processor import Processor
from processors.engine.producer import Producer
from processors.engine.rejections import TooManyRejected
from processors.engine.settings import EngineSettings
from processors.engine.stats import Stats
from processors.engine.steps import OnStep, Step, ignore
from processors.engine.stores import Restore
from processors.engine.watch import ProcessorFailed

log = logging.getLogger(__name__)

_IDLE_S = 0.5
#: A worker whose last batch is younger than this, and was not smaller than that, is under load.
_LOADED_S, _LOADED_EVENTS = 0.03, 10


class Engine:
    """Lives as long as the process. Everything runs in one thread and loop, that of the caller.

    What cannot go on (:mod:`.errors`, or anything unexpected) ends the process: no method raises it. Only
    :meth:`finish_batch` and :meth:`stop` wait.
    """

    def __init__(
        self,
        settings: EngineSettings,
        processors: Sequence[Processor[Any, Any]],
        group: Group,
        producer: Callable[[], Producer],
        intake: Intake,
        restore: Restore,
        stats: Stats,
        on_step: OnStep = ignore,
        on_batch: Callable[[Stats], None] | None = None,
        on_commit: Callable[[Effects], None] | None = None,
    ) -> None:
        """``producer``: asked for at each batch, for it is connected after the engine is made. ``on_step``
        hears of each step of a batch, ``on_batch`` of the counters after each, ``on_commit`` of what a batch
        has made true.
        """
        self.stats = stats
        self.generations = Generations(settings, processors, group, intake, restore, stats)
        self._settings = settings
        self._group = group
        self._producer = producer
        self._intake = intake
        self._on_step = on_step
        self._on_batch = on_batch
        self._on_commit = on_commit
        self._fatal = tuple({kind for job in processors for kind in job.fatal})
        self._computer = Computer(settings.partitions, processors, settings.limits)
        self._changelogs = {
            job.table: changelog_topic(settings.application_id, job.table) for job in processors
        }
        self._idle = asyncio.Event()
        self._idle.set()
        self._batch_ended = 0.0
        self._batch_events = 0
        self._loaded = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def _current(self) -> Generation | None:
        return self.generations.current

    # --- life

    def start(self) -> None:
        """Start the tasks; idempotent: the group may ask for it again after each rebalance."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(guarded(self._run)),
                asyncio.create_task(guarded(self._housekeep)),
                asyncio.create_task(guarded(fetch_missing, self._group, self._intake, self.stats)),
            ]

    async def stop(self) -> None:
        """After the last batch."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.generations.stop()

    def drop(self) -> None:
        """The generation ends, or has begun: what was fetched is forgotten, but for the batch in flight."""
        self.generations.drop()

    async def finish_batch(self) -> None:
        """Wait for the batch in flight to commit or to be dropped. Afterwards the stores may be closed.

        Ends the process when that takes longer than a batch may.
        """
        try:
            await asyncio.wait_for(self._idle.wait(), self._settings.batch_deadline_s)
        except TimeoutError:
            die(Stalled("the batch in flight did not finish before the rebalance deadline"))

    # --- batches

    async def _run(self) -> None:
        while True:
            current = await self.generations.ready()
            if current is None:
                continue
            self._gather()
            chunks = self._intake.take(self._settings.max_batch, current.troubles.suspects)
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
            self._group.gather(self._settings.gather_s if loaded else 0.0)

    async def _quiet(self, current: Generation) -> bool:
        """Wait for something to do. True: there is nothing, but offsets past trailing markers to commit.

        Ranges without records are not worth a transaction while there is other work, and ours leave markers
        behind with every batch. Committed at leisure they let the group's lag reach zero.
        """
        current.processed.update(current.uncommitted)
        try:
            async with asyncio.timeout(_IDLE_S):
                await self._intake.arrival()
        except TimeoutError:
            return self._current is current and bool(current.uncommitted)
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
            self.stats.retry(type(exc).__name__)
            log.warning("batch dropped", extra={"generation": current.number, "because": str(exc)})
            if self._current is current:
                self.drop()
        finally:
            watchdog.cancel()
            self._idle.set()
        self._batch_ended = time.monotonic()
        self._batch_events = sum(len(chunk.records) for chunk in chunks)
        self.stats.batch_seconds.add(self._batch_ended - started)
        self.stats.queued = self._intake.records
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
        self._group.grant(self._intake.room())
        await self._commit(current, effects)
        current.processed.update(effects.offsets)
        current.uncommitted = {}
        for quarantined in effects.quarantined:
            log.error(str(quarantined), extra=quarantined.keys())
        return effects

    async def _commit(self, current: Generation, effects: Effects) -> None:
        effects.metadata = current.troubles.metadata(effects.offsets, effects.troubles)
        started = time.monotonic()
        await commit(
            effects,
            self._group.member(current.number),
            current.stores,
            self._changelogs,
            self._producer(),
            lambda: self._group.generation == current.number,
            self._on_step,
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
            except self._fatal as fatal:
                raise Unexpected(str(fatal)) from fatal

    def _stand_still(self, current: Generation, many: TooManyRejected) -> None:
        """Until the next generation. Raises :class:`ProcessorHalt` when nothing is left of the topic."""
        stopped, tp = current.troubles.stopped, many.tp
        stopped.add(tp)
        if stopped >= {source for source in current.processed if source.topic == tp.topic}:
            raise ProcessorHalt(str(many))
        log.error(
            f"{many} Other partitions go on, this one when it begins anew",
            extra={"topic": tp.topic, "partition": tp.partition, "offset": current.processed[tp]},
        )
        current.uncommitted.pop(tp, None)
        self._intake.stand_still(tp)
        self._group.stand_still(tp)
        self.stats.stopped = len(stopped)

    # --- time

    async def _housekeep(self) -> None:
        """Rounds of the watermark, as far as somebody needs it, and what is too old."""
        while True:
            await asyncio.sleep(self._settings.expiry_interval_s)
            current = self._current
            if current is None:
                continue
            for _ in current.time.drop():
                await asyncio.sleep(0)
                if self._current is not current:
                    break  # the stores may be closed by now
            else:
                current.time.count_held()
                await current.time.round(self._group, current.processed)
