"""How much room a disk has left."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

FULL_BYTES: Final = 64 * 2**20
"""With less, servers fail at their next write of some size, whatever they have said of it."""
LOW_BYTES: Final = 512 * 2**20
"""With less, somebody should act: a segment of Kafka and a merge of ClickHouse take some hundred MiB each."""


@dataclass(frozen=True)
class Disk:
    """The disk that ``directory`` is on. ``free``: bytes that this user may write.

    ``files``: how many more may be made; None: there is no limit.
    """

    directory: Path
    free: int
    files: int | None = None

    @classmethod
    def of(cls, directory: Path) -> Self:
        """Of a directory that may not have been made yet. Raises ``OSError``."""
        whole = directory.absolute()
        existing = next(one for one in (whole, *whole.parents) if one.exists())
        status = os.statvfs(existing)
        files = status.f_favail if status.f_files else None
        return cls(directory, status.f_bavail * status.f_frsize, files)

    @property
    def full(self) -> bool:
        """Can nothing be written any more, or as good as nothing?"""
        return self.free < FULL_BYTES or self.files == 0

    @property
    def low(self) -> bool:
        """Will it be full soon?"""
        return self.free < LOW_BYTES or self.files == 0

    def __str__(self) -> str:
        if self.files == 0:
            return "no more files can be made on its disk"
        return f"{size(self.free)} free"


def size(count: int) -> str:
    """As people say it: ``3.4 GiB``, ``12 MiB``."""
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.0f} MiB"
