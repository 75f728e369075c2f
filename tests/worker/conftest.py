"""Stores for both joins."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.engine.state.memory import MemoryStore
from processors.engine.state.rocksdb import PartitionStore, new_cache
from processors.engine.stores import Store
from schemas.times import DAY_MS
from tests.worker.world import NOW

RETENTION_MS = 90 * DAY_MS


@pytest.fixture(params=["rocksdb", "memory"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[tuple[str, int], Store]]:
    """One partition of each table, of either kind."""
    in_memory = request.param == "memory"
    made: dict[tuple[str, int], Store] = {}
    for table, retention_ms in (("clicks", RETENTION_MS), ("customers", None)):
        path = tmp_path / f"{table}-0"
        made[table, 0] = (
            MemoryStore(path) if in_memory else PartitionStore(path, new_cache(), NOW, retention_ms)
        )
    yield made
    for store in made.values():
        store.close()
