"""What is left on the disk of partitions that others own now."""

import os
from pathlib import Path

from processors.engine.kafka.tables import abandoned
from processors.engine.state.rocksdb import MAX_AGE_MS, PartitionStore, new_cache

NOW = 1_800_000_000_000


def store(directory: Path, name: str, written_ms: int) -> Path:
    """A closed store whose newest file was written then."""
    one = PartitionStore(directory / name, new_cache(), written_ms)
    one.write({b"k": b"\0s"}, 0, written_ms)
    one.close()
    for number, file in enumerate((directory / name).iterdir()):
        seconds = written_ms / 1000 - number
        os.utime(file, (seconds, seconds))
    return directory / name


def test_old_stores_of_former_partitions_are_abandoned(tmp_path: Path) -> None:
    old = store(tmp_path, "clicks-0", NOW - MAX_AGE_MS - 1000)
    store(tmp_path, "clicks-1", NOW - MAX_AGE_MS + 1000)
    store(tmp_path, "clicks-2", NOW - MAX_AGE_MS - 1000)
    store(tmp_path, "clicks-other-3", NOW - MAX_AGE_MS - 1000)
    store(tmp_path, "customers-0", NOW - MAX_AGE_MS - 1000)
    assert abandoned(tmp_path, "clicks", {2}, NOW) == [old]
    assert abandoned(tmp_path, "clicks", {0, 2}, NOW) == []
    old.rename(tmp_path / "clicks-0.discarded")  # a crash kept it from being removed
    assert abandoned(tmp_path, "clicks", {2}, NOW) == [tmp_path / "clicks-0.discarded"]
    assert abandoned(tmp_path / "none", "clicks", set(), NOW) == []
