"""Faust's tables, with stores of our own and without its recovery.

Faust's recovery service can lose its task, end early on a stale signal, and cannot count past transaction
markers. :mod:`.restore` takes its place. The consumer is not subscribed to changelogs: their partitions
follow those of the sources.
"""

import logging
import shutil
from collections.abc import Callable, Set
from pathlib import Path
from typing import Any

import faust
from faust.stores import base
from faust.tables import TableManager

from processors.engine.state.damage import DISCARDED
from processors.engine.state.memory import MemoryStore
from processors.engine.state.rocksdb import MAX_AGE_MS, PartitionStore, new_cache
from processors.engine.stores import Store
from processors.files import found_in

#: Faust logs each service's comings and goings under the service's own logger.
FAUST_LOG = logging.getLogger("faust.engine")


_DROP_EVERY_S = 3600.0


def abandoned(directory: Path, table: str, owned: Set[int], now_ms: int) -> list[Path]:
    """Stores of a table that are not ours now, or what a crash left of one that was thrown away, and were not
    written for :data:`.rocksdb.MAX_AGE_MS`.
    """
    found = []
    for path in directory.glob(f"{table}-*"):
        partition = path.name.removeprefix(f"{table}-").removesuffix(DISCARDED)
        if partition.isdigit() and int(partition) not in owned:
            written = max((found.st_mtime for _, found in found_in(path)), default=path.stat().st_mtime)
            if now_ms - written * 1000 > MAX_AGE_MS:
                found.append(path)
    return found


class PartitionStores(base.Store):  # type: ignore[misc]
    """A table's data: one store per partition we own, opened and closed on rebalance."""

    logger = FAUST_LOG

    def __init__(
        self,
        *args: Any,
        directory: Path,
        in_memory: bool,
        retention_ms: int | None,
        clock: Callable[[], int],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._directory = directory
        self._clock = clock
        self._in_memory = in_memory
        self._retention_ms = retention_ms
        self._cache = new_cache()
        self.partitions: dict[int, Store] = {}

    def own(self, partitions: frozenset[int]) -> None:
        """Open what is missing, close what is no longer ours."""
        for partition in self.partitions.keys() - partitions:
            self.partitions.pop(partition).close()
        for partition in sorted(partitions - self.partitions.keys()):
            self.partitions[partition] = self._open(self._directory / f"{self.table_name}-{partition}")
        self.drop_abandoned()

    def _open(self, path: Path) -> Store:
        if self._in_memory:
            return MemoryStore(path)
        return PartitionStore(path, self._cache, self._clock(), self._retention_ms)

    def drop_abandoned(self) -> None:
        """Stores of former partitions that are too old to be of use: nobody deletes in them what is to go."""
        for path in abandoned(self._directory, self.table_name, self.partitions.keys(), self._clock()):
            shutil.rmtree(path, ignore_errors=True)

    @base.Store.timer(_DROP_EVERY_S)  # type: ignore[untyped-decorator]
    async def _drop_abandoned(self) -> None:
        self.drop_abandoned()

    async def on_stop(self) -> None:
        """Release RocksDB's locks."""
        self.own(frozenset())

    def apply_changelog_batch(self, *args: Any, **kwargs: Any) -> None:
        """Never called: the engine restores."""
        raise NotImplementedError

    reset_state = backup_partition = restore_backup = apply_changelog_batch


class EngineTable(faust.Table):  # type: ignore[misc]
    """A table whose states the engine reads and writes directly."""

    logger = FAUST_LOG

    def _new_store(self) -> PartitionStores:
        settings = self.app.settings
        return PartitionStores(
            "rocksdb://",
            self.app,
            self,
            table_name=self.name,
            directory=settings.data_dir / "state",
            in_memory=settings.state == "memory",
            retention_ms=self.options["retention_ms"],
            clock=settings.clock,
        )

    async def on_start(self) -> None:
        """Without Faust's declaration of the changelog topic: the start-up check has seen it."""
        await self.add_runtime_dependency(self.data)


class EngineTables(TableManager):  # type: ignore[misc]
    """Faust's table manager without recovery, and without its one-second nap at start."""

    logger = FAUST_LOG

    async def on_start(self) -> None:
        """Start the tables and let the conductor subscribe."""
        await self._update_channels()

    async def _update_channels(self) -> None:
        self._tables_finalized.set()
        for table in self.values():
            await table.maybe_start()
        self._tables_registered.set()

    async def wait_until_recovery_completed(self) -> bool:
        """The worker counts as started once it is in its group; False: not stopped."""
        return False

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Nothing is buffered here."""

    async def on_rebalance(
        self,
        assigned: Any,
        revoked: Any,  # noqa: ARG002
        newly_assigned: Any,  # noqa: ARG002
        generation_id: int = 0,  # noqa: ARG002
    ) -> None:
        """Open the stores of the new assignment."""
        partitions = self.app.owned_partitions(assigned)
        for table in self.values():
            table.data.own(partitions)
