"""A store whose files are damaged is thrown away: its changelog has all that was in it.

RocksDB notices some damage when it opens a database, and the rest when it comes to read or write a damaged
file. In the second case the worker ends, and leaves a mark by which its next life knows. A database without
its ``CURRENT`` file is none to RocksDB: it would begin a new one, and yet replay the old log into it.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rocksdict

log = logging.getLogger(__name__)

_MARK = "damaged"


def open_database(path: Path, options: rocksdict.Options) -> rocksdict.Rdict:
    """The database at ``path``; an empty one if what is there cannot be trusted."""
    if (path / _MARK).exists() or (path.exists() and not (path / "CURRENT").exists()):
        _discard(path, "it was found damaged, or is incomplete")
    try:
        return rocksdict.Rdict(str(path), options=options)
    except Exception as exc:
        if not is_damage(exc):
            raise
        _discard(path, str(exc))
    return rocksdict.Rdict(str(path), options=options)


@contextmanager
def noticing(path: Path) -> Iterator[None]:
    """Marks the database when what is done with it shows damage; the error goes on."""
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
    return text.startswith("Corruption") or "No such file or directory" in text


def _discard(path: Path, why: str) -> None:
    log.warning(
        "a store is thrown away and restored from its changelog", extra={"store": str(path), "because": why}
    )
    shutil.rmtree(path)
