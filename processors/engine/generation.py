"""What belongs to one generation of the group: made when it begins, thrown away whole when it ends.

It begins with the offsets of all its partitions, for they decide that no former owner can commit any more.
Then each partition starts as soon as its state is restored: one that needs its whole changelog does not keep
the others waiting. All tables of a partition start together, and so do its source topics: what meets in a key
is in one partition.

While some have not started, nothing goes wrong for the others: their records to these go through Kafka. Only
time stands still for all (:mod:`.watermark`), for nobody processes what arrives there.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.structs import TopicPartition

from processors.clock import boottime
from processors.engine.errors import Stalled, Superseded
from processors.engine.exits import guarded
from processors.engine.expiry import Timekeeper
from processors.engine.group import ASK_AGAIN, Group, StartOffsets
from processors.engine.intake import Intake
from processors.engine.placement import changelog_topic, check_placement
from processors.engine.processor import Processor
from processors.engine.settings import EngineSettings
from processors.engine.stats import Stats
from processors.engine.stores import Place, Restore, Store
from processors.engine.trouble import Troubles
from processors.kafka.connection.failures import unless_refused
from processors.kafka.placement import in_words

log = logging.getLogger(__name__)

_POLL_S = 0.01
_RETRY_S = 0.5


@dataclass(slots=True)
class Generation:
    """A generation whose partitions have started, or are about to."""

    number: int
    #: Of the partitions that have started. No events of others come.
    stores: dict[Place, Store]
    #: Next offset to process per source partition, started or not. What is below is committed, or has no
    #: records.
    processed: dict[TopicPartition, int]
    time: Timekeeper
    #: Those of :attr:`processed`, and of chunks taken from the intake, that no transaction has carried yet.
    uncommitted: dict[TopicPartition, int]
    #: What is remembered of its partitions.
    troubles: Troubles = field(default_factory=Troubles)


class Generations:
    """Begins them, one after the other, and drops them; at most one at a time.

    A rebalance of the group, :meth:`ready` begins the next one, its partitions start, :meth:`drop`.
    :attr:`current` is the one that has begun, and the only one whose records are accepted.
    """

    def __init__(
        self,
        settings: EngineSettings,
        processors: Sequence[Processor[Any, Any]],
        group: Group,
        intake: Intake,
        restore: Restore,
        stats: Stats,
    ) -> None:
        self._settings = settings
        self._processors = processors
        self._group = group
        self._intake = intake
        self._restore = restore
        self._stats = stats
        self._restoring: asyncio.Task[None] | None = None
        self.current: Generation | None = None

    def drop(self) -> None:
        """Forget what was fetched; nothing more is accepted before the next generation has begun."""
        self.current = None
        self._intake.close()
        self._group.grant(self._intake.room())

    async def stop(self) -> None:
        """Restore no more. Two restores must not write to one store."""
        if self._restoring is not None:
            self._restoring.cancel()
            await asyncio.gather(self._restoring, return_exceptions=True)
            self._restoring = None

    async def ready(self) -> Generation | None:
        """The generation to work in, if there is one. If not, this waits a moment, or begins it.

        Raises :class:`Stalled` when a rebalance, or the offsets, take longer than the settings allow, and
        what the brokers refuse, such as a right: no retry will mend that.
        """
        group = self._group
        since, stopping = group.rebalancing_since, group.stopping
        if since and not stopping and boottime() - since > self._settings.stall_timeout_s:
            # The task that would end it may have got lost in the group's libraries.
            raise Stalled(f"the rebalance has not ended for {boottime() - since:.0f} s")
        number = group.generation
        if since or stopping or number <= 0 or not group.flowing:
            await asyncio.sleep(_POLL_S)
            return None
        if self.current is not None and self.current.number == number:
            return self.current
        try:
            await self.begin(number)
        except Superseded as exc:
            log.info("generation not begun", extra={"generation": number, "because": str(exc)})
            await asyncio.sleep(_POLL_S)
        except ASK_AGAIN as exc:
            unless_refused(exc)
            self._stats.retry(type(exc).__name__)
            log.warning("generation not begun", extra={"generation": number, "error": repr(exc)})
            await asyncio.sleep(_RETRY_S)
        return None

    async def begin(self, number: int) -> None:
        """Stable offsets first, then the state (:mod:`.kafka.restore` says why); for that this does not wait.

        Raises :class:`Superseded` as soon as the generation is over, and :data:`ASK_AGAIN`; nothing of it
        needs undoing then.
        """
        await self.stop()
        self.drop()
        start = await self._start_offsets(number)
        stores: dict[Place, Store] = {}
        timekeeper = Timekeeper(self._settings, self._processors, self._stats, stores)
        self.current = Generation(
            number, stores, start.offsets, timekeeper, start.moved, Troubles(start.metadata)
        )
        self._restoring = asyncio.create_task(guarded(self._start_all, self.current))

    async def _start_offsets(self, number: int) -> StartOffsets:
        group, stats, started = self._group, self._stats, boottime()

        def go_on() -> bool:
            if boottime() - started > self._settings.stall_timeout_s:
                raise Stalled("the offsets are still undecided: is there a hanging transaction?")
            return self._is_current(number)

        sources = group.sources()
        start = await group.start_offsets(sources, go_on)
        if not self._is_current(number):
            raise Superseded(f"generation {number} ends")
        partitions = {tp.partition for tp in sources}
        stats.begin(number, len(partitions))
        stats.stable_waits += start.waits > 0
        stats.retention_gaps += start.lost
        if start.lost:
            log.error("retention removed offsets before they were read", extra={"offsets": start.lost})
        log.info(
            "generation begun",
            extra={
                "generation": number,
                "partitions": stats.partitions,
                "assigned": in_words(partitions),
                "seconds": round(boottime() - started, 2),
                "undecided": start.waits,
            },
        )
        return start

    async def _start_all(self, current: Generation) -> None:
        """Start the partitions of a generation; until all have, or it is over."""
        while True:
            try:
                await self.start_partitions(current)
                return
            except Superseded as exc:
                log.info("not all partitions started", extra={"because": str(exc)})
                return
            except ASK_AGAIN as exc:
                unless_refused(exc)
                self._stats.retry(type(exc).__name__)
                log.warning("not all partitions started", extra={"error": repr(exc)})
                await asyncio.sleep(_RETRY_S)

    async def start_partitions(self, current: Generation) -> None:
        """Restore what has not started; let the events of each partition in as soon as its state is there.

        Raises :class:`Superseded` as soon as the generation is over, or what restoring raises; called again
        it goes on with what is left.
        """
        settings, started = self._settings, time.monotonic()
        waiting = {
            place: store for place, store in self._group.stores().items() if place not in current.stores
        }

        def check() -> None:
            if self.current is not current or not self._is_current(current.number):
                raise Superseded(f"generation {current.number} ends")

        def start(partition: int) -> None:
            stores = {place: store for place, store in waiting.items() if place[1] == partition}
            check_placement(stores, settings.partitions)
            current.stores.update(stores)
            offsets = {tp: at for tp, at in current.processed.items() if tp.partition == partition}
            self._intake.open(current.number, offsets)

        changelogs = {
            TopicPartition(changelog_topic(settings.application_id, table), partition): store
            for (table, partition), store in waiting.items()
        }
        records = await self._restore(changelogs, check, start)
        seconds = round(time.monotonic() - started, 2)
        log.info(
            "records restored",
            extra={"generation": current.number, "records": records, "seconds": seconds},
        )

    def _is_current(self, number: int) -> bool:
        group = self._group
        return group.rebalancing_since is None and not group.stopping and group.generation == number
