"""What belongs to one generation of the group: made when it begins, thrown away whole when it ends.

It begins with the offsets of all its partitions (:func:`begin`), for they decide that no former owner can
commit any more. Then each partition starts as soon as its state is restored (:func:`start_partitions`): one
that needs its whole changelog does not keep the others waiting. All tables of a partition start together, and
so do its source topics: what meets in a key is in one partition.

While some have not started, nothing goes wrong for the others: their records to these go through Kafka. Only
time stands still for all (:mod:`.watermark`), for nobody processes what arrives there.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiokafka.structs import TopicPartition

from processors.clock import boottime
from processors.engine.errors import Stalled, Superseded
from processors.engine.expiry import Timekeeper
from processors.engine.kafka.restore import restore
from processors.engine.placement import changelog_topic, check_placement
from processors.engine.stores import StateStore
from processors.engine.trouble import Troubles

if TYPE_CHECKING:
    from processors.engine.kafka.app import EngineApp

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Generation:
    """A generation whose partitions have started, or are about to."""

    number: int
    #: Of the partitions that have started. No events of others come.
    stores: dict[tuple[str, int], StateStore]
    #: Next offset to process per source partition, started or not. What is below is committed, or has no
    #: records.
    processed: dict[TopicPartition, int]
    time: Timekeeper
    #: Those of :attr:`processed`, and of chunks taken from the inbox, that no transaction has carried yet.
    uncommitted: dict[TopicPartition, int]
    #: What is remembered of its partitions.
    troubles: Troubles = field(default_factory=Troubles)


async def begin(app: "EngineApp", number: int, is_current: Callable[[], bool]) -> Generation:
    """Stable offsets: see :mod:`.restore` for why they come before the state.

    Raises :class:`Superseded` as soon as the generation is over; nothing of it needs undoing then.
    """
    settings, stats, started = app.settings, app.stats, boottime()

    def go_on() -> bool:
        if boottime() - started > settings.stall_timeout_s:
            raise Stalled("the offsets are still undecided: is there a hanging transaction?")
        return is_current()

    sources = app.assigned_sources()
    start = await app.consumer.start_offsets(sources, go_on)
    if not is_current():
        raise Superseded(f"generation {number} ends")
    stats.partitions = len({tp.partition for tp in sources})
    stats.stable_waits += start.waits > 0
    stats.retention_gaps += start.lost
    if start.lost:
        log.error("retention removed offsets before they were read", extra={"offsets": start.lost})
    log.info(
        "generation begun",
        extra={
            "generation": number,
            "partitions": stats.partitions,
            "seconds": round(boottime() - started, 2),
            "undecided": start.waits,
        },
    )
    stores: dict[tuple[str, int], StateStore] = {}
    timekeeper = Timekeeper(settings, app.processors, stats, stores)
    troubles = Troubles(start.metadata)
    return Generation(number, stores, start.offsets, timekeeper, start.moved, troubles)


async def start_partitions(app: "EngineApp", current: Generation, is_current: Callable[[], bool]) -> None:
    """Restore what has not started, and let the events of each partition in as soon as its state is there.

    Raises :class:`Superseded` as soon as the generation is over, or what restoring raises; called again it
    goes on with what is left.
    """
    settings, stats = app.settings, app.stats
    waiting = {place: store for place, store in app.stores().items() if place not in current.stores}

    def check() -> None:
        if not is_current():
            raise Superseded(f"generation {current.number} ends")

    def start(partition: int) -> None:
        stores = {place: store for place, store in waiting.items() if place[1] == partition}
        check_placement(stores, settings.partitions)
        current.stores.update(stores)
        app.consumer.begin_at({tp: at for tp, at in current.processed.items() if tp.partition == partition})

    changelogs = {
        TopicPartition(changelog_topic(settings.application_id, table), partition): store
        for (table, partition), store in waiting.items()
    }
    restored = await restore(settings, changelogs, check, start, stats)
    log.info(
        "records restored",
        extra={
            "generation": current.number,
            "records": restored.records,
            "seconds": round(restored.seconds, 2),
        },
    )
