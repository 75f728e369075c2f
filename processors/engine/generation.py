"""What belongs to one generation of the group: made when it begins, thrown away whole when it ends."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiokafka.structs import TopicPartition

from processors.engine.errors import Superseded, Unexpected
from processors.engine.exits import boottime
from processors.engine.expiry import Timekeeper
from processors.engine.memory_store import AnyStore
from processors.engine.restore import restore
from processors.engine.settings import changelog_topic
from processors.engine.trouble import Troubles

if TYPE_CHECKING:
    from processors.engine.app import EngineApp

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Generation:
    """A generation with its state restored, ready for batches."""

    number: int
    stores: Mapping[tuple[str, int], AnyStore]
    #: Next offset to process per source partition. What is below is committed, or has no records.
    processed: dict[TopicPartition, int]
    time: Timekeeper
    #: Those of :attr:`processed`, and of chunks taken from the inbox, that no transaction has carried yet.
    uncommitted: dict[TopicPartition, int]
    #: What is remembered of its partitions.
    troubles: Troubles = field(default_factory=Troubles)


async def begin(app: "EngineApp", number: int, is_current: Callable[[], bool]) -> Generation:
    """Stable offsets, then state: see :mod:`.restore` for why in this order. The caller lets events in.

    Raises :class:`Superseded` as soon as the generation is over; it may have done any part of this by then,
    and nothing of it needs undoing.
    """
    settings, stats, started = app.settings, app.stats, boottime()

    def go_on() -> bool:
        if boottime() - started > settings.stall_timeout_s:
            raise Unexpected("the offsets are still undecided: is there a hanging transaction?")
        return is_current()

    def check() -> None:
        if not is_current():
            raise Superseded(f"generation {number} ends")

    sources = app.assigned_sources()
    start = await app.consumer.start_offsets(sources, go_on)
    decided = boottime()
    check()
    stores = app.stores()
    by_changelog = {
        TopicPartition(changelog_topic(settings.application_id, table), partition): store
        for (table, partition), store in stores.items()
    }
    restored = await restore(settings, by_changelog, check)
    check()
    stats.partitions = len({tp.partition for tp in sources})
    stats.restored += restored.records
    stats.restore_seconds += restored.seconds
    stats.stable_waits += start.waits > 0
    stats.retention_gaps += start.lost
    if start.lost:
        log.error("retention removed %d offsets before they were read", start.lost)
    log.info(
        "generation %s: %d partitions; offsets in %.2f s (undecided %d times), %d records restored in %.2f s",
        number,
        stats.partitions,
        decided - started,
        start.waits,
        restored.records,
        restored.seconds,
    )
    timekeeper = Timekeeper(settings, app.processors, stats, stores)
    troubles = Troubles(start.metadata)
    return Generation(number, stores, start.offsets, timekeeper, start.moved, troubles)
