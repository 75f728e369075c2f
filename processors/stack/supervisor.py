"""Child processes that are started again when they die, and end in good order when they are asked to."""

import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from deploy.local.process import Child, isolated
from processors.errors import ExitCode, LeadstreamError

_COMMANDS: Final = "processors.cli.main"
FATAL: Final = {
    ExitCode.USAGE,
    ExitCode.TOO_MANY_REFUSED,
    ExitCode.CANNOT_WRITE,
    ExitCode.MISCONFIGURED,
}
"""Exit codes that another start would not change."""
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_STEADY_S: Final = 60.0
"""Who lived that long has recovered from what it died of before."""


class ServiceFailed(LeadstreamError):
    """A service ended with an exit code that another start would not change."""

    def __init__(self, name: str, code: int, log_path: Path, tail: str) -> None:
        super().__init__(f"{name} ended with exit code {code}. The end of {log_path}:\n{tail or '(empty)'}")
        self.exit_code = ExitCode(code)


@dataclass(frozen=True)
class Service:
    """A command that runs until it is told to stop."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log_path: Path

    @classmethod
    def of(cls, name: str, command: str, env: Mapping[str, str], log_path: Path) -> Self:
        """A command of ``leadstream``."""
        return cls(name, isolated(_COMMANDS, command), env, log_path)


class Supervisor:
    """Runs services. ``failed``: gets a ``ServiceFailed`` when one cannot go on. Thread-safe."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """``say`` is told, from other threads, of every service that died and is started again."""
        self.failed: Future[None] = Future()
        self._say = say
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._children: dict[str, Child] = {}
        self._threads: list[threading.Thread] = []

    def start(self, service: Service) -> None:
        """Start it, and keep it running until :meth:`stop`."""
        thread = threading.Thread(target=self._keep, args=[service], name=f"keep-{service.name}", daemon=True)
        self._threads.append(thread)
        thread.start()

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

    def _keep(self, service: Service) -> None:
        try:
            self._run(service)
        except BaseException as error:
            self._fail(error)

    def _run(self, service: Service) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            with self._lock:
                if self._stopping.is_set():
                    return
                child = self._children[service.name] = _spawn(service)
            begin = time.monotonic()
            code = child.wait(threading.TIMEOUT_MAX)
            child.kill()
            if self._stopping.is_set() or code is None:
                return
            if code in FATAL:
                raise ServiceFailed(service.name, code, service.log_path, child.log_tail())
            if time.monotonic() - begin > _STEADY_S:
                pause = _FIRST_PAUSE_S
            self._say(
                f"{service.name} {_ending(code)}; starting it again in {pause:g} s, its log is "
                f"{service.log_path}.1"
            )
            if self._stopping.wait(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _fail(self, error: BaseException) -> None:
        with suppress(InvalidStateError):
            self.failed.set_exception(error)


def _spawn(service: Service) -> Child:
    return Child(service.argv, cwd=Path.cwd(), env=service.env, log_path=service.log_path)


def _ending(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
