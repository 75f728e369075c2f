"""Whose a directory is: a file in it is locked by the process that works there, and says which one that is.

The kernel gives the lock back when its holder ends, however that comes about.
"""

import fcntl
import os
from pathlib import Path
from typing import Final

LOCK: Final = "lock"
"""The file, in the directory; the process id of its holder stands in it."""


def owner_of(directory: Path) -> int | None:
    """The process id of whoever holds the lock of ``directory`` now; None: nobody, or one who does not say.

    Does not wait. Raises nothing: what cannot be read belongs to nobody that we could deal with.
    """
    try:
        file = os.open(directory / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        # Shared, so that those who only look are not in each other's way.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return written_pid(file)
    except OSError:
        return None
    else:
        return None
    finally:
        os.close(file)


def written_pid(file: int) -> int | None:
    """What the last holder wrote into the open file of a lock, if that is a process id."""
    text = os.pread(file, 32, 0)
    return int(text) if text.isdigit() else None
