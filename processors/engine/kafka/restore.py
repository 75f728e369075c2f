"""State from the changelog: a store is brought up to the end its changelog has now, in this generation.

The order matters. The generation's stable offsets are taken *before* (see :mod:`.offsets`), so that no older
generation can commit any more. The target is the *high watermark*: below it may be records that are committed
but whose markers are not written yet, and the last stable offset would miss them. Reading is read_committed,
hence reaching the target waits for every transaction below it to be decided. The target is a position, not
the offset of a record: the last offset of the log is usually a marker.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka.structs import TopicPartition

from processors.engine.errors import Stalled, Unexpected
from processors.engine.kafka import private
from processors.engine.settings import EngineSettings
from processors.engine.stats import Stats
from processors.engine.stores import Store

log = logging.getLogger(__name__)

_FETCH_BYTES = 1 << 20
#: At a time: what has been fetched is small only as long as it is compressed.
_RECORDS = 10_000
#: Positions are looked at this often: a tail of markers moves them without a record to wake up for.
_POLL_MS = 10


class Changelogs:
    """A :class:`.stores.Restore` that reads them in the engine's thread, each time with a new consumer.

    Raises :class:`Unexpected` when a changelog knows less than its store, and :class:`Stalled` when an
    undecided transaction lets nothing be read for ``stall_timeout_s``.
    """

    def __init__(self, settings: EngineSettings, stats: Stats) -> None:
        self._settings = settings
        self._stats = stats

    async def __call__(
        self, stores: Mapping[TopicPartition, Store], check: Callable[[], None], ready: Callable[[int], None]
    ) -> int:
        """See :class:`.stores.Restore`."""
        started = time.monotonic()
        if not stores:
            return 0
        reader = self._settings.connection.consumer(
            client_id=f"{self._settings.application_id}-restore",
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_partition_fetch_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=100,
            retry_backoff_ms=20,  # the first ListOffsets has to wait for metadata
        )
        try:
            await reader.start()
            count = await self._read(reader, stores, check, ready)
        finally:
            await reader.stop()
        self._stats.restore_seconds.add(time.monotonic() - started)
        return count

    async def _read(
        self,
        reader: Any,
        stores: Mapping[TopicPartition, Store],
        check: Callable[[], None],
        ready: Callable[[int], None],
    ) -> int:
        settings = self._settings
        ends = await private.high_watermarks(reader, stores)
        begins = await reader.beginning_offsets(list(stores))
        check()
        # No await between this and the last seek: the fetcher must not start elsewhere.
        reader.assign(list(stores))
        for tp, store in stores.items():
            if store.position >= ends[tp]:
                raise Unexpected(
                    f"the store {store.path} is ahead of its changelog {tp} ({store.position} >= {ends[tp]}):"
                    " the topic was truncated or created anew. If that was intended, delete the data"
                    " directory"
                )
            reader.seek(tp, max(store.position + 1, begins[tp]))
        count, progress, left = 0, time.monotonic(), set(stores)
        while True:
            reached = {tp for tp in left if await reader.position(tp) >= ends[tp]}
            check()
            left -= reached
            reader.pause(*reached)  # what we write to them from now on is nothing to read
            for partition in sorted({tp.partition for tp in reached} - {tp.partition for tp in left}):
                for tp, store in stores.items():
                    if tp.partition == partition:
                        store.write({}, store.position, settings.clock())  # up to date: renews its age
                ready(partition)
            if not left:
                return count
            fetched = await reader.getmany(*left, timeout_ms=_POLL_MS, max_records=_RECORDS)
            check()
            for tp, records in fetched.items():
                if records:
                    stores[tp].write({r.key: r.value for r in records}, records[-1].offset, settings.clock())
                    count += len(records)
                    self._stats.restored += len(records)
                    progress = time.monotonic()
            if time.monotonic() - progress > settings.stall_timeout_s:
                stuck = ", ".join(f"{tp.topic}-{tp.partition}" for tp in sorted(left))
                raise Stalled(
                    f"cannot read {stuck} to the end: a transaction there stays undecided. Look for a hanging"
                    " one with kafka-transactions.sh; Kafka 4.3 may leave some when it restarts (KAFKA-20734)"
                )
