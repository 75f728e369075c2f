"""A contestant's processes, measured from outside through the kernel's accounting."""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.process import Child


@dataclass(frozen=True)
class Command:
    """How a process is started: ``env`` is added to ours."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path


class Measured:
    """One process and its children. Linux only: reads ``/proc`` and the CPU clocks of other processes.

    Runs inside the context, and dies with us however we end.
    """

    def __init__(self, command: Command, log: Path) -> None:
        self._command = command
        self._log = log
        self._gone_s = 0.0
        self._last: dict[int, float] = {}

    def __enter__(self) -> Self:
        command = self._command
        self._child = Child(
            command.argv, cwd=command.cwd, env={**os.environ, **command.env}, log_path=self._log
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(0)

    @property
    def alive(self) -> bool:
        """Still running."""
        return self._child.alive

    def cpu_s(self) -> float:
        """User and system time since the start, of the process and its children, dead ones included."""
        now = {pid: used for pid in self.pids() if (used := cpu_s(pid)) is not None}
        for pid in self._last.keys() - now.keys():
            self._gone_s += self._last[pid]
        self._last = now
        return self._gone_s + sum(now.values())

    def peak_rss_bytes(self) -> int:
        """Sum of the largest resident sizes of the processes that live now."""
        return sum(_peak_rss(pid) for pid in self.pids())

    def stop(self, patience_s: float = 30.0) -> None:
        """SIGTERM, and after ``patience_s`` SIGKILL, to its children as well. Harmless when it is gone."""
        if self.alive:
            self._child.stop(patience_s)
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)

    def complaint(self) -> str:
        """The end of what it wrote."""
        return self._child.log_tail()

    def pids(self) -> list[int]:
        """Of the process itself and, after it, its children and theirs."""
        found = [self._child.pid]
        for pid in found:
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += map(int, (task / "children").read_text().split())
        return found


def cpu_s(pid: int) -> float | None:
    """The clock that clock_getcpuclockid(3) names: nanoseconds, not the ticks of ``/proc/PID/stat``."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


def _peak_rss(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
