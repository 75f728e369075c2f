"""One child process: its own log, readiness, an orderly end, and no life beyond its parent's."""

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from processors.files import OTHERS, open_private

_TETHER = Path(__file__).with_name("tether.py")
_TAIL_BYTES = 64 * 1024


def ending(code: int) -> str:
    """How a process ended, by its exit code: for a sentence that begins with its name."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


class Child:
    """A command running in the background, its output going to ``log_path`` (the last one kept as ``*.1``).

    The log and every file that the command makes is for their owner alone.

    It runs in a session of its own, so the terminal's Ctrl-C reaches the parent only, which then decides on
    the order of shutdown. On Linux the kernel kills it when the parent dies, even by ``kill -9``; elsewhere
    it is killed when the interpreter exits.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log_path: Path,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Start the command. Raises ``OSError`` when the log cannot be written or no process can be made."""
        self.log_path = log_path
        self._exited = threading.Event()
        if log_path.exists():
            log_path.replace(log_path.with_name(log_path.name + ".1"))

        def popen() -> subprocess.Popen[bytes]:
            with open_private(log_path, "wb") as log:
                return subprocess.Popen(
                    [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *argv],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=cwd,
                    env=env,
                    pass_fds=pass_fds,
                    start_new_session=True,
                    umask=OTHERS,
                )

        started: Future[subprocess.Popen[bytes]] = Future()
        # To the kernel "parent" means the thread that forks. This one stays until the child has ended,
        # whereas the thread we are called in may be short-lived.
        threading.Thread(target=self._attend, args=(popen, started), daemon=True).start()
        self._process = started.result()
        atexit.register(self.kill)

    def _attend(
        self,
        popen: Callable[[], subprocess.Popen[bytes]],
        started: "Future[subprocess.Popen[bytes]]",
    ) -> None:
        try:
            process = popen()
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result(process)
        process.wait()
        self._exited.set()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._exited.is_set()

    @property
    def returncode(self) -> int | None:
        """Its exit code, minus the signal's number when one ended it; None while it runs."""
        return self._process.returncode if self._exited.is_set() else None

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> bool:
        """Block until ``ready()``; False when the child ends, or ``timeout`` seconds pass, before that."""
        deadline = time.monotonic() + timeout
        while not ready():
            if time.monotonic() > deadline or self._exited.wait(0.03):
                return False
        return True

    def wait(self, timeout: float) -> int | None:
        """Block until it has ended by itself; None when it has not after ``timeout`` seconds."""
        self._exited.wait(timeout)
        return self.returncode

    def stop(self, grace: float) -> None:
        """Ask it to end; kill it after ``grace`` seconds. Blocks until it is gone, harmless when it is."""
        self._process.send_signal(signal.SIGTERM)
        # A frozen process would not hear it.
        self._process.send_signal(signal.SIGCONT)
        self._exited.wait(grace)
        self.kill()

    def kill(self) -> None:
        """End it at once. Blocks until it is gone, harmless when it is."""
        self._process.kill()
        self._exited.wait()
        atexit.unregister(self.kill)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines it wrote."""
        with self.log_path.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - _TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").rstrip().splitlines()[-lines:])
