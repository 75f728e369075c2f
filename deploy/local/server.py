"""The life of an embedded server: its directory, its port, its process."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

from deploy.local.directory import DirectoryLock
from deploy.local.errors import (
    DiskFull,
    Ended,
    LocalServerError,
    NotInstalled,
    PortInUse,
    StartFailed,
    explained,
)
from deploy.local.ports import claim
from deploy.local.process import Child, ending
from processors.disk import Disk
from processors.files import open_private, own_directory, tighten

Progress = Callable[[str], None]
_NO_SPACE: Final = ("No space left on device", "NOT_ENOUGH_SPACE")
_RECENT: Final = 500
"""Lines of a log that are looked into for a cause."""


def silent(_: str) -> None:
    """The ``progress`` of those who do not want to know."""


@dataclass(frozen=True)
class Command:
    """What to run as the server: the program with its arguments, and its whole environment."""

    argv: Sequence[str]
    env: Mapping[str, str]


class LocalServer(ABC):
    """One server on one data directory, listening on loopback only, living at most as long as this process.

    Synchronous, and for one thread at a time. Data stays in the directory between runs, and what the server
    has acknowledged survives ``kill``. Started again, also after it died, it has the port that it had: its
    clients know no other. As a context manager: started on entry, stopped on exit.
    """

    NAME: ClassVar[str]
    #: Modules of the extra ``local`` that it is made of.
    MODULES: ClassVar[Sequence[str]] = ()
    #: For a machine with much else to do: one that fails says so much sooner.
    START_TIMEOUT: ClassVar[float] = 180.0
    STOP_GRACE: ClassVar[float] = 30.0

    def __init__(self, data_dir: Path, port: int = 0, *, usual: int = 0, progress: Progress = silent) -> None:
        """Nothing happens before ``start``.

        ``port`` 0 means the port of the last run if that is free, else the ``usual`` one if that is, else
        any. ``progress`` hears of long steps.
        """
        self.data_dir = data_dir.absolute()
        self.log_path = self.data_dir / f"{self.NAME.lower()}.log"
        self._requested_port = port
        self._usual_port = usual
        self._port: int | None = None
        self._progress = progress
        self._lock = DirectoryLock(self.data_dir)
        self._child: Child | None = None
        self._starting = False

    @classmethod
    def installed(cls) -> bool:
        """Whether the packages are there that it is made of."""
        return all(find_spec(module) for module in cls.MODULES)

    def launch(self) -> None:
        """Begin to start, for what starts beside it; ``start`` does the rest. Nothing happens when it runs.

        Blocks for what has to be there before. Raises what ``start`` raises.
        """
        if self.process_alive or self._starting:
            return
        if not self.installed():
            raise NotInstalled([self.NAME])
        self.kill()
        try:
            with explained(self.data_dir):
                own_directory(self.data_dir)
                self._lock.acquire()
                tighten(self.data_dir)
                self._port = self._claim_port()
                self._child = self._spawn(self._prepare(self._port), self.log_path)
                self._starting = True
        except BaseException:
            self.kill()
            raise

    def start(self, unwanted: Callable[[], bool] = lambda: False) -> None:
        """Start, and block until the server answers requests; nothing happens when it runs already.

        ``unwanted``: asked while it blocks; True ends it like a failure. Raises a ``LocalServerError``, and
        then leaves nothing running and nothing locked.
        """
        self.launch()
        child, port = self._child, self.port
        if child is None or not self._starting:
            return
        try:
            if not child.wait_until(lambda: unwanted() or self._answers(port), self.START_TIMEOUT):
                raise self._failure(child)
            if unwanted():
                raise StartFailed(self.NAME, "nobody waits for it any more", child.log_path, "", self._disk())
        except BaseException:
            self.kill()
            raise
        self._starting = False

    def stop(self) -> None:
        """Shut down in order, or by force after a while. Blocks until it is gone; harmless when it is."""
        if self._child is not None:
            self._child.stop(self.STOP_GRACE)
        self.kill()

    def kill(self) -> None:
        """``kill -9``. Blocks until it is gone; harmless when it is."""
        if self._child is not None:
            self._child.kill()
            self._child = None
        self._starting = False
        self._lock.release()

    @property
    def process_alive(self) -> bool:
        return self._child is not None and self._child.alive

    def wait(self, timeout: float) -> LocalServerError | None:
        """Block until it has ended by itself, and say why; None: it has not after ``timeout`` seconds.

        Raises ``RuntimeError`` when it was not started.
        """
        if self._child is None:
            raise RuntimeError(f"{self.NAME} was not started")
        code = self._child.wait(timeout)
        if code is None:
            return None
        if self._is_disk_full(self._child):
            return DiskFull(self.data_dir, self.NAME, self._disk())
        return Ended(self.NAME, ending(code), self._child.log_path, self._child.log_tail(), self._disk())

    @property
    def pid(self) -> int:
        """The process id of the server. Raises ``RuntimeError`` when it was not started."""
        if self._child is None:
            raise RuntimeError(f"{self.NAME} was not started")
        return self._child.pid

    @property
    def port(self) -> int:
        """The port it listens on, also after a stop. Raises ``RuntimeError`` before the first start."""
        if self._port is None:
            raise RuntimeError(f"{self.NAME} was not started")
        return self._port

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self, port: int) -> Command:
        """Bring the data directory into shape and return what to run in it."""

    @abstractmethod
    def _answers(self, port: int) -> bool:
        """Whether the server does its work now, not only listens. Asked again and again until it does."""

    def _spawn(self, command: Command, log_path: Path) -> Child:
        """Run ``command`` as a co-holder of the directory's lock: nobody comes in before it has ended too."""
        return Child(
            command.argv,
            cwd=self.data_dir,
            env=command.env,
            log_path=log_path,
            pass_fds=[self._lock.fileno()],
        )

    def _failure(self, child: Child) -> LocalServerError:
        """Why ``child`` did not do what it was started for."""
        code, tail, disk = child.returncode, child.log_tail(), self._disk()
        if self._is_disk_full(child):
            return DiskFull(self.data_dir, self.NAME, disk)
        if code is None:
            why = f"not ready after {self.START_TIMEOUT:.0f} s"
            return StartFailed(self.NAME, why, child.log_path, tail, disk)
        recent = child.log_tail(lines=_RECENT).splitlines()
        if any("already in use" in line and str(self._port) in line for line in recent):
            return PortInUse(self.port)
        return StartFailed(self.NAME, f"it {ending(code)}", child.log_path, tail, disk)

    def _is_disk_full(self, child: Child) -> bool:
        """By its own words, or because there is no room whatever it says."""
        recent = child.log_tail(lines=_RECENT)
        if any(words in recent for words in _NO_SPACE):
            return True
        disk = self._disk()
        return disk is not None and disk.full

    def _disk(self) -> Disk | None:
        with suppress(OSError):
            return Disk.of(self.data_dir)
        return None

    def _claim_port(self) -> int:
        memory = self.data_dir / "port"
        remembered = memory.read_text().strip() if memory.exists() else ""
        last = int(remembered) if remembered.isdigit() else None
        port = claim(self._requested_port or self._port or 0, last, self._usual_port)
        with open_private(memory, "w") as file:
            file.write(f"{port}\n")
        return port
