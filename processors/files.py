"""Files that nobody but their owner is to read: they hold what the events say of people."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

OTHERS: Final = 0o077
"""Every right of group and others; as a umask, what new files and directories do not give them."""


def own_directory(directory: Path) -> None:
    """Make it, with its parents, for its owner alone; one that is there is tightened. Raises ``OSError``."""
    missing = [one for one in (directory, *directory.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
    if not missing:
        _tighten(directory)


def tighten(directory: Path) -> None:
    """Take the rights of group and others from it and from all that is in it. Raises ``OSError``.

    Links are not followed. What belongs to another user, as a mounted volume may, is left to that user.
    """
    for path in (directory, *_inside(directory)):
        _tighten(path)


def open_private(path: Path, mode: str) -> IO[Any]:
    """``path.open(mode)``, the file being its owner's alone from its first moment."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


def _inside(directory: Path) -> Iterator[Path]:
    for here, directories, files in os.walk(directory):
        yield from (Path(here, name) for name in (*directories, *files))


def _tighten(path: Path) -> None:
    try:
        found = path.lstat()
        ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode)
        if ours and found.st_mode & OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
    except FileNotFoundError:
        return
