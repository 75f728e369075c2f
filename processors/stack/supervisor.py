"""Child processes that are started again when they die, and end in good order when they are asked to."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from deploy.local.errors import LocalServerError, ServerLost
from deploy.local.process import Child, ending
from processors.disk import Disk
from processors.errors import ExitCode, LeadstreamError
from processors.programs import isolated
from processors.stack.restarts import Restarts
from processors.status.roster import Roster

if TYPE_CHECKING:
    from deploy.local.server import LocalServer

_COMMANDS: Final = "processors.cli.main"
FATAL: Final = {
    ExitCode.USAGE,
    ExitCode.TOO_MANY_REFUSED,
    ExitCode.CANNOT_WRITE,
    ExitCode.MISCONFIGURED,
}
"""Exit codes that another start would not change."""
SERVER_RESTARTS: Final = 5
"""So many in a row may be in vain: some 15 s of pauses, and what the starts take."""
_LOOK_S: Final = 0.2
_DISK_S: Final = 5.0


class ServiceFailed(LeadstreamError):
    """A service ended with an exit code that another start would not change."""

    def __init__(self, name: str, code: int, log_path: Path, tail: str) -> None:
        super().__init__(f"{name} {ending(code)}. The end of {log_path}:\n{tail or '(empty)'}")
        self.exit_code = ExitCode(code)


@dataclass(frozen=True)
class Service:
    """A command that runs until it is told to stop."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log_path: Path

    @classmethod
    def of(cls, name: str, command: Sequence[str], env: Mapping[str, str], log_path: Path) -> Self:
        """A command of ``leadstream``, word by word."""
        return cls(name, isolated(_COMMANDS, *command), env, log_path)


class Supervisor:
    """Runs services and keeps servers. ``failed``: gets an error when one cannot go on. Thread-safe."""

    def __init__(self, say: Callable[[str], None], roster: Roster | None = None) -> None:
        """``say`` is told, from other threads, of everything that died and is started again; ``roster``, if
        somebody is to see it, of everything that runs.
        """
        self.failed: Future[None] = Future()
        self._say = say
        self._roster = roster or Roster(None)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._children: dict[str, Child] = {}
        self._threads: list[threading.Thread] = []

    def start(self, service: Service) -> None:
        """Start it, and keep it running until :meth:`stop`."""
        self._in_thread(service.name, lambda: self._run(service))

    def keep(self, server: "LocalServer") -> None:
        """Start a server that runs again whenever it dies, until :meth:`stop`, which leaves it running.

        Nobody else touches it meanwhile. After ``SERVER_RESTARTS`` in vain: ``ServerLost``.
        """
        self._roster.started(server.NAME, server.pid, server.log_path)
        self._in_thread(server.NAME, lambda: self._keep(server))

    def watch_disk(self, directory: Path) -> None:
        """Say it when the disk of ``directory`` is nearly full: once, and again after it had room."""

        def watch() -> None:
            told = False
            while True:
                with suppress(OSError):
                    disk = Disk.of(directory)
                    if disk.low and not told:
                        self._say(disk_warning(disk))
                    told = disk.low
                if self._stopping.wait(_DISK_S):
                    return

        self._in_thread("disk", watch)

    def pid(self, name: str) -> int | None:
        """The process id of a service, while it has one."""
        with self._lock:
            child = self._children.get(name)
        return child.pid if child is not None and child.alive else None

    def stop(self, grace_s: float) -> None:
        """Ask all services to end; kill those that have not after ``grace_s``. Blocks until all are gone."""
        self._stopping.set()
        with self._lock:
            children = list(self._children.values())
        try:
            with ThreadPoolExecutor(max_workers=max(1, len(children))) as pool:
                for child in children:
                    pool.submit(child.stop, grace_s)
        except BaseException:
            for child in children:
                child.kill()
            raise
        for thread in self._threads:
            thread.join()
        self._roster.clear()

    def _in_thread(self, name: str, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                self._fail(error)

        thread = threading.Thread(target=guarded, name=f"keep-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, service: Service) -> None:
        restarts = Restarts()
        while True:
            with self._lock:
                if self._stopping.is_set():
                    return
                child = self._children[service.name] = _spawn(service)
            self._roster.started(service.name, child.pid, service.log_path)
            begin = time.monotonic()
            code = child.wait(threading.TIMEOUT_MAX)
            child.kill()
            if self._stopping.is_set() or code is None:
                return
            how = ending(code)
            self._roster.ended(service.name, how)
            if code in FATAL:
                raise ServiceFailed(service.name, code, service.log_path, child.log_tail())
            pause = restarts.pause_after(time.monotonic() - begin)
            assert pause is not None  # noqa: S101 - narrows: any number of restarts
            self._say(again(f"{service.name} {how}", pause, service.log_path))
            if self._stopping.wait(pause):
                return

    def _keep(self, server: "LocalServer") -> None:
        restarts, since = Restarts(SERVER_RESTARTS), time.monotonic()
        while not self._stopping.is_set():
            # Not until it ends: it outlives those who work with it, and whoever stops them joins us first.
            if (why := server.wait(_LOOK_S)) is not None:
                self._bring_back(server, why, restarts, time.monotonic() - since)
                since = time.monotonic()

    def _bring_back(
        self, server: "LocalServer", why: LocalServerError, restarts: Restarts, lived_s: float
    ) -> None:
        """Returns when it runs again, or is not wanted any more."""
        failure: LocalServerError | None = why
        while failure is not None:
            what = failure.brief or str(failure)
            self._roster.ended(server.NAME, what.removeprefix(server.NAME).lstrip(": "))
            if (pause := restarts.pause_after(lived_s)) is None:
                raise ServerLost(server.NAME, SERVER_RESTARTS, server.log_path, failure)
            self._say(again(what, pause, server.log_path))
            if self._stopping.wait(pause):
                return
            # A start that has failed has not lived, however long it took.
            lived_s, failure = 0.0, _started(server, self._stopping.is_set)
            if self._stopping.is_set():
                return
        self._roster.started(server.NAME, server.pid, server.log_path)
        self._say(f"{server.NAME} is back on port {server.port}")

    def _fail(self, error: BaseException) -> None:
        with suppress(InvalidStateError):
            self.failed.set_exception(error)


def again(what: str, pause_s: float, log_path: Path) -> str:
    """A line about something that has ended. Its log is put aside when it is started again."""
    return f"{what}; starting it again in {pause_s:g} s, its log is {log_path}.1"


def disk_warning(disk: Disk) -> str:
    """A line about a disk that is nearly full."""
    return (
        f"warning: the disk of {disk.directory} is nearly full, {disk}: when it is, everything stands still"
    )


def _started(server: "LocalServer", unwanted: Callable[[], bool]) -> LocalServerError | None:
    """Why it could not be started, or None."""
    try:
        server.start(unwanted)
    except LocalServerError as error:
        return error
    return None


def _spawn(service: Service) -> Child:
    return Child(service.argv, cwd=Path.cwd(), env=service.env, log_path=service.log_path)
