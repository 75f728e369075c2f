"""What ``leadstream up`` notes of its processes, for whoever asks how they are."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from processors.clock import epoch_ms
from processors.files import open_private

_NAME: Final = "processes.json"


class Noted(msgspec.Struct, frozen=True):
    """A process. ``pid`` None: it does not run now. ``since_ms``: since when that is so.

    ``restarts``: how often it was started again in this run; ``ended``: how it ended last, "": it never has.
    """

    name: str
    log: str
    pid: int | None = None
    since_ms: int = 0
    restarts: int = 0
    ended: str = ""
    ended_ms: int = 0

    @property
    def alive(self) -> bool:
        """Is there such a process? Of one that nobody could restart, nobody takes the note away."""
        if self.pid is None:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


class Roster:
    """Notes who runs, in a file in ``data``; without one, nowhere. Thread-safe.

    A note that cannot be written, to a full disk for one, is left out: the process does not depend on it.
    """

    def __init__(self, data: Path | None, clock: Callable[[], int] = epoch_ms) -> None:
        self._path = None if data is None else data / _NAME
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: dict[str, Noted] = {}

    def started(self, name: str, pid: int, log: Path) -> None:
        """It runs, or runs again."""
        with self._lock:
            before = self._noted.get(name)
            found = before or Noted(name, str(log), restarts=-1)
            self._note(found, pid=pid, restarts=found.restarts + 1)

    def ended(self, name: str, how: str) -> None:
        """It does not run any more."""
        with self._lock:
            if found := self._noted.get(name):
                self._note(found, pid=None, ended=how, ended_ms=self._clock())

    def clear(self) -> None:
        """Nothing runs any more."""
        if self._path is not None:
            with self._lock, suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _note(self, before: Noted, **changes: object) -> None:
        after = msgspec.structs.replace(before, since_ms=self._clock(), **changes)
        self._noted[after.name] = after
        if self._path is None:
            return
        unfinished = self._path.with_name(f"{self._path.name}.unfinished")
        with suppress(OSError):
            with open_private(unfinished, "wb") as file:
                file.write(msgspec.json.encode(list(self._noted.values())))
            unfinished.replace(self._path)


def noted_in(data: Path) -> list[Noted]:
    """What the ``up`` of this data directory has noted, in the order of their first starts.

    Empty: it has noted nothing that can be read.
    """
    try:
        return msgspec.json.decode((data / _NAME).read_bytes(), type=list[Noted])
    except (OSError, msgspec.DecodeError):
        return []
