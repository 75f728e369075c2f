"""Files that nobody but their owner is to read: they hold what the events say of people. And what files there
are, while servers write and remove them.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
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
        _tighten(directory, directory.lstat())


def tighten(directory: Path) -> None:
    """Take the rights of group and others from it and from all that is in it. Raises ``OSError``.

    Links are not followed. What belongs to another user, as a mounted volume may, is left to that user.
    """
    with suppress(FileNotFoundError):
        _tighten(directory, directory.lstat())
    for path, found in found_in(directory):
        _tighten(path, found)


def open_private(path: Path, mode: str) -> IO[Any]:
    """``path.open(mode)``, the file being its owner's alone from its first moment."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


def found_in(directory: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All that is in it and below, with what ``lstat`` says of it. What vanishes meanwhile is left out."""
    for here, directories, files in os.walk(directory):
        for name in (*directories, *files):
            path = Path(here, name)
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            yield path, found


def _tighten(path: Path, found: os.stat_result) -> None:
    ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode)
    if ours and found.st_mode & OTHERS:
        with suppress(FileNotFoundError):
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
