"""One owner per data directory."""

import fcntl
import os
import time
from pathlib import Path

from deploy.local.errors import DataDirectoryInUse
from processors.owners import LOCK, written_pid

# An owner that was killed, and its children, take a moment to be gone.
PATIENCE = 2.0


class DirectoryLock:
    """An advisory lock on a directory, held by this process and by whoever inherits ``fileno()``.

    It goes away with its holders, however they end, so a crash leaves nothing to clean up.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / LOCK
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock, or raise: ``DataDirectoryInUse`` after some patience, ``OSError`` from the disk."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock(file)
            os.ftruncate(file, 0)
            os.pwrite(file, str(os.getpid()).encode(), 0)
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def release(self) -> None:
        """Let go; harmless when not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def fileno(self) -> int:
        """The descriptor a child inherits in order to hold the lock as well. Only while held."""
        if self._file is None:
            raise ValueError(f"{self._directory} is not locked")
        return self._file

    def _lock(self, file: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DataDirectoryInUse(self._directory, written_pid(file)) from None
                time.sleep(0.02)
            else:
                return
