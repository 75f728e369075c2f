"""Services that die are started again, unless that changes nothing; and all of them end when asked to."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import pytest

from processors.stack.supervisor import Service, ServiceFailed, Supervisor
from processors.status.roster import Roster


class Run:
    def __init__(self, directory: Path) -> None:
        self.said: Queue[str] = Queue()
        self.supervisor = Supervisor(self.said.put, Roster(directory))
        self._directory = directory

    def start(self, program: str, name: str = "worker-1") -> Path:
        log = self._directory / f"{name}.log"
        self.supervisor.start(Service(name, [sys.executable, "-c", program], dict(os.environ), log))
        return log


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    one = Run(tmp_path)
    yield one
    one.supervisor.stop(5)


def eventually(condition: Callable[[], bool], timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


SLEEPER = "import time; time.sleep(60)"


def test_an_unexpected_end_is_told_and_followed_by_another_start(run: Run, tmp_path: Path) -> None:
    marker = tmp_path / "second"
    run.start(
        f"import os, sys, time; os.path.exists({str(marker)!r}) and time.sleep(60);"
        f"open({str(marker)!r}, 'w'); sys.exit(70)"
    )
    said = run.said.get(timeout=20)
    assert said.startswith("worker-1 ended with exit code 70; starting it again in 0.5 s")
    assert said.endswith("worker-1.log.1")
    eventually(lambda: run.supervisor.pid("worker-1") is not None)
    assert not run.supervisor.failed.done()


def test_a_killed_service_is_started_again(run: Run) -> None:
    run.start(SLEEPER)
    eventually(lambda: run.supervisor.pid("worker-1") is not None)
    first = run.supervisor.pid("worker-1")
    assert first is not None
    os.kill(first, 9)
    assert "was killed by SIGKILL" in run.said.get(timeout=20)
    eventually(lambda: run.supervisor.pid("worker-1") not in (None, first))


@pytest.mark.parametrize("code", [65, 73, 78])
def test_an_end_that_would_come_again_is_a_failure(run: Run, code: int) -> None:
    run.start(f"print('the topics are wrong', flush=True); raise SystemExit({code})")
    failure = run.supervisor.failed.exception(timeout=20)
    assert isinstance(failure, ServiceFailed)
    assert failure.exit_code == code
    assert "the topics are wrong" in str(failure)
    assert run.said.empty()


def test_stop_lets_services_finish_and_starts_none_again(tmp_path: Path) -> None:
    run = Run(tmp_path)
    program = (
        "import signal, sys, time\n"
        "def drain(*_):\n    print('drained', flush=True); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, drain); print('ready', flush=True); time.sleep(60)"
    )
    logs = [run.start(program, name) for name in ("worker-1", "sink")]
    for log in logs:
        eventually(lambda log=log: log.exists() and "ready" in log.read_text())  # type: ignore[misc]
    run.supervisor.stop(20)
    assert [log.read_text().split() for log in logs] == [["ready", "drained"]] * 2
    assert run.supervisor.pid("worker-1") is None
    assert run.said.empty()


@pytest.mark.timeout(60)
def test_stop_kills_what_does_not_listen(tmp_path: Path) -> None:
    run = Run(tmp_path)
    log = run.start(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('ready', flush=True); time.sleep(600)"
    )
    eventually(lambda: log.exists() and "ready" in log.read_text())
    run.supervisor.stop(0.2)
    assert run.supervisor.pid("worker-1") is None


def test_stop_does_not_wait_for_a_pause(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.start("raise SystemExit(70)")
    run.said.get(timeout=20)
    run.said.get(timeout=20)
    run.supervisor.stop(5)
    assert run.supervisor.pid("worker-1") is None
