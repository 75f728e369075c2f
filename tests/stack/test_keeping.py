"""Servers that die are started again on the port they had; one that cannot be kept up ends it all."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from deploy.local.errors import ServerLost
from deploy.local.server import Command, LocalServer
from processors.disk import Disk
from processors.stack import supervisor as module
from processors.stack.supervisor import SERVER_RESTARTS, Supervisor
from processors.status.roster import Noted, Roster, noted_in
from tests.conftest import eventually
from tests.local.programs import FOREVER, python


class Scripted(LocalServer):
    """A line of Python. With the file ``broken`` in its directory it dies, and says why in its log."""

    NAME = "Scripted"
    START_TIMEOUT = 20.0

    def _prepare(self, port: int) -> Command:  # noqa: ARG002
        broken = self.data_dir / "broken"
        return Command(
            python(f"raise SystemExit({broken.read_text()!r})") if broken.exists() else FOREVER, os.environ
        )

    def _answers(self, port: int) -> bool:  # noqa: ARG002
        return "ready" in self.log_path.read_text().splitlines()


class Run:
    def __init__(self, data: Path) -> None:
        self.said: Queue[str] = Queue()
        self.data = data
        self.supervisor = Supervisor(self.said.put, Roster(data))
        self.server = Scripted(data / "server")
        self.server.start()

    def die(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)

    def noted(self) -> Noted:
        (one,) = noted_in(self.data)
        return one


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr("processors.stack.restarts.FIRST_PAUSE_S", 0.01)
    one = Run(tmp_path)
    yield one
    one.supervisor.stop(5)
    one.server.stop()


def test_a_server_that_dies_comes_back_on_its_port(run: Run) -> None:
    port, pid = run.server.port, run.server.pid
    run.supervisor.keep(run.server)
    assert (run.noted().pid, run.noted().restarts) == (pid, 0)
    run.die()
    said = run.said.get(timeout=20)
    assert said.startswith("Scripted was killed by SIGKILL (")
    assert " free); starting it again in 0.01 s, its log is " in said
    assert run.said.get(timeout=20) == f"Scripted is back on port {port}"
    assert run.server.process_alive
    noted = run.noted()
    assert (noted.pid, noted.restarts, noted.alive) == (run.server.pid, 1, True)
    assert noted.ended.startswith("was killed by SIGKILL (")
    assert not run.supervisor.failed.done()


def test_a_server_that_cannot_be_kept_up_is_named_with_its_log_and_the_room_on_its_disk(run: Run) -> None:
    run.supervisor.keep(run.server)
    (run.server.data_dir / "broken").write_text("the cause of it all")
    run.die()
    failure = run.supervisor.failed.exception(timeout=60)
    assert isinstance(failure, ServerLost)
    assert failure.exit_code == 69
    text = str(failure)
    assert f"Scripted cannot be kept up: started again {SERVER_RESTARTS} times, in vain" in text
    assert str(run.server.log_path) in text
    assert " free)" in text
    assert "the cause of it all" in text
    assert run.said.qsize() == SERVER_RESTARTS


def test_a_full_disk_is_named_as_one(run: Run) -> None:
    run.supervisor.keep(run.server)
    (run.server.data_dir / "broken").write_text("java.io.IOException: No space left on device")
    run.die()
    run.said.get(timeout=20)
    said = run.said.get(timeout=20)
    assert said.startswith(f"Scripted: no space left on the disk of {run.server.data_dir} (")
    failure = run.supervisor.failed.exception(timeout=60)
    assert isinstance(failure, ServerLost)
    assert failure.exit_code == 69
    assert "no space left on the disk" in str(failure)


def test_a_disk_without_room_is_a_full_one_whatever_the_log_says(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Disk, "of", classmethod(lambda _, where: Disk(where, 1024)))
    run.supervisor.keep(run.server)
    run.die()
    assert "no space left on the disk of" in run.said.get(timeout=20)


def test_to_stop_does_not_wait_for_a_server_that_comes_back(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "_answers", lambda *_: False)
    run.supervisor.keep(run.server)
    pid = run.server.pid
    run.die()
    run.said.get(timeout=20)
    eventually(lambda: run.server._child is not None and run.server.pid != pid)
    run.supervisor.stop(5)
    assert not run.server.process_alive
    assert run.said.empty()
    assert noted_in(run.data) == []


def test_a_disk_that_fills_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([10, 10, 10**12, 10])
    looked = Queue[int]()

    def of(_: type[Disk], where: Path) -> Disk:
        looked.put(free := next(looks, 10))
        return Disk(where, free)

    monkeypatch.setattr(Disk, "of", classmethod(of))
    monkeypatch.setattr(module, "_DISK_S", 0.001)
    said = Queue[str]()
    supervisor = Supervisor(said.put, Roster(tmp_path))
    supervisor.watch_disk(tmp_path)
    for _ in range(6):
        looked.get(timeout=20)
    supervisor.stop(1)
    assert said.qsize() == 2
    assert "is nearly full, 0 MiB free" in said.get()
