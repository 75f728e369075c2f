"""A store whose files are damaged is thrown away: its changelog has all that was in it.

RocksDB notices some damage when it opens a database, and the rest when it comes to read or write a damaged
file. In the second case the worker ends, and leaves a mark by which its next life knows.
"""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

log = logging.getLogger(__name__)

#: What is to be removed, should a crash have left it.
DISCARDED: Final = ".discarded"
_MARK = "damaged"
_T = TypeVar("_T")


class Damaged(Exception):
    """What RocksDB does not see, or not yet."""


def opened(path: Path, open_at: Callable[[Path], _T]) -> _T:
    """What ``open_at`` makes of ``path``; of an empty one if what is there cannot be trusted."""
    shutil.rmtree(_discarded(path), ignore_errors=True)
    if (path / _MARK).exists():
        _discard(path, "it was found damaged")
    try:
        return open_at(path)
    except Exception as exc:
        if not is_damage(exc):
            raise
        _discard(path, str(exc))
    return open_at(path)


@contextmanager
def noticing(path: Path) -> Iterator[None]:
    """Marks the store when what is done with it shows damage; the error goes on."""
    try:
        yield
    except Exception as exc:
        if is_damage(exc):
            (path / _MARK).touch()
        raise


def is_damage(error: Exception) -> bool:
    """Does it tell of damaged files? Not a lock, a full disk, a lack of rights: rocksdict raises plain
    exceptions with RocksDB's words.
    """
    text = str(error)
    return isinstance(error, Damaged) or text.startswith("Corruption") or "No such file or directory" in text


def _discard(path: Path, why: str) -> None:
    log.warning(
        "a store is thrown away and restored from its changelog", extra={"store": str(path), "because": why}
    )
    # Not one layer after the other: those that a crash would leave make no store.
    path.rename(_discarded(path))
    shutil.rmtree(_discarded(path))


def _discarded(path: Path) -> Path:
    return path.with_name(f"{path.name}{DISCARDED}")
