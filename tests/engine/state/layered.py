"""Stores in layers: opened at a time, written second by second, copied as a power failure may leave them."""

import shutil
from contextlib import suppress
from pathlib import Path

from processors.engine import frame
from processors.engine.state.rocksdb import PartitionStore, new_cache

BEGIN_S = 1_800_000_000
RETENTION_S = 40


def opened(path: Path, now_s: int, retention_s: int = RETENTION_S) -> PartitionStore:
    return PartitionStore(path, new_cache(), now_s * 1000, retention_s * 1000)


def aged(now_s: int, *keys: bytes) -> dict[bytes, bytes | None]:
    return {key: frame.wrap(b"of " + key, None, now_s) for key in keys}


def copy(path: Path, to: Path) -> None:
    """As it is at one moment: RocksDB goes on tidying up in the background."""

    def seen() -> dict[Path, int]:
        return {one: one.stat().st_size for one in path.rglob("*") if one.is_file()}

    while True:
        with suppress(shutil.Error, FileNotFoundError):
            before = seen()
            shutil.copytree(path, to)
            if seen() == before:
                return
        shutil.rmtree(to, ignore_errors=True)


def live(store: PartitionStore, seconds: range) -> None:
    """A key a second."""
    for second in seconds:
        store.write(aged(BEGIN_S + second, b"%05d" % second), second, 1000 * (BEGIN_S + second))
        store.first_due()
        store.drop(BEGIN_S + second - RETENTION_S)
