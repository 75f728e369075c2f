"""The life of a server, told by servers that are a line of Python."""

import os
import signal
import socket
import sys
from pathlib import Path
from types import ModuleType

import pytest

from deploy.local.clickhouse_process import engine
from deploy.local.errors import (
    DataDirectoryInUse,
    DataDirectoryUnusable,
    DiskFull,
    NotInstalled,
    PortInUse,
    StartFailed,
    explained,
)
from deploy.local.ports import HOST
from deploy.local.server import Command, LocalServer
from tests.conftest import eventually
from tests.local.programs import is_gone, python


class Scripted(LocalServer):
    """A server that is a line of Python, and ready when it says so in its log."""

    NAME = "Scripted"
    START_TIMEOUT = 10.0
    source = "import time; print('ready', flush=True); time.sleep(600)"

    def _prepare(self, port: int) -> Command:
        return Command(python(self.source.replace("PORT", str(port))), os.environ)

    def _answers(self, port: int) -> bool:  # noqa: ARG002
        return self.log_path.exists() and "ready" in self.log_path.read_text().splitlines()


def test_a_server_starts_and_stops_any_number_of_times(tmp_path: Path) -> None:
    server = Scripted(tmp_path / "data")
    for end in (server.stop, server.kill, server.stop):
        server.start()
        pid = server.pid
        server.start()
        assert server.pid == pid
        end()
        end()
        assert not server.process_alive
        assert is_gone(pid)


def test_what_is_launched_is_started_once(tmp_path: Path) -> None:
    server = Scripted(tmp_path)
    server.launch()
    pid = server.pid
    with server:
        server.launch()
        assert server.pid == pid


def test_what_dies_after_its_launch_is_not_tried_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "source", "raise SystemExit(3)")
    server = Scripted(tmp_path)
    server.launch()
    eventually(lambda: not server.process_alive)
    with pytest.raises(StartFailed, match="ended with exit code 3"):
        server.start()
    assert not server.log_path.with_name(f"{server.log_path.name}.1").exists()


def test_a_server_that_is_not_installed_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "MODULES", ("json", "no_such_module"))
    with pytest.raises(NotInstalled, match="the embedded Scripted is not installed") as failure:
        Scripted(tmp_path / "data").start()
    assert failure.value.exit_code == 78
    assert failure.value.remedy == "Run `pip install 'leadstream[local]'`."
    assert not (tmp_path / "data").exists()


def test_a_server_that_died_can_be_started_again(tmp_path: Path) -> None:
    with Scripted(tmp_path) as server:
        os.kill(server.pid, signal.SIGKILL)
        eventually(lambda: not server.process_alive)
        server.start()
        assert server.process_alive


def test_a_server_keeps_its_port(tmp_path: Path) -> None:
    with Scripted(tmp_path) as first:
        port = first.port
    with Scripted(tmp_path) as second:
        assert second.port == port


def test_before_its_start_a_server_has_no_port_and_no_process(tmp_path: Path) -> None:
    server = Scripted(tmp_path / "data")
    with pytest.raises(RuntimeError, match="Scripted was not started"):
        _ = server.port
    with pytest.raises(RuntimeError, match="Scripted was not started"):
        _ = server.pid
    server.stop()
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("impatient")
def test_two_servers_do_not_share_a_directory(tmp_path: Path) -> None:
    with Scripted(tmp_path) as first:
        with pytest.raises(DataDirectoryInUse, match=f"process {os.getpid()}"):
            Scripted(tmp_path).start()
        assert first.process_alive


def test_a_requested_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=str(port)):
            Scripted(tmp_path, port).start()
    with Scripted(tmp_path, port) as server:
        assert server.port == port


class OutOfSpace(Scripted):
    source = "raise OSError(28, 'No space left on device')"


class PortTaken(Scripted):
    source = "raise OSError('failed to bind to 127.0.0.1:PORT: Address already in use')"


class Dead(Scripted):
    source = "print('one\\ntwo'); raise SystemExit(3)"


class Killed(Scripted):
    source = "import os; os.kill(os.getpid(), 9)"


class NeverReady(Scripted):
    START_TIMEOUT = 0.1
    source = "import time; time.sleep(600)"


@pytest.mark.parametrize(
    ("server", "error", "message"),
    [
        (OutOfSpace, DiskFull, "no space left on the disk of "),
        (PortTaken, PortInUse, "is taken by another program"),
        (
            Dead,
            StartFailed,
            r"start: it ended with exit code 3 \(.* free\)\. The end of .*scripted.log:\none\ntwo",
        ),
        (Killed, StartFailed, "Scripted did not start: it was killed by SIGKILL"),
        (NeverReady, StartFailed, "Scripted did not start: not ready after 0 s"),
    ],
)
def test_a_failed_start_says_why_and_leaves_nothing_behind(
    server: type[Scripted], error: type[Exception], message: str, tmp_path: Path
) -> None:
    failing = server(tmp_path)
    with pytest.raises(error, match=message):
        failing.start()
    assert not failing.process_alive
    with Scripted(tmp_path) as after:
        assert after.process_alive


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirectoryUnusable, match=r"Not a directory\. Make it writable"):
        Scripted(tmp_path / "file" / "data").start()


def test_a_full_disk_is_told_from_other_trouble(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="no space left"), explained(tmp_path):
        Path("/dev/full").write_text("x")


def test_the_wheel_still_has_the_entry_point_the_server_is_made_of() -> None:
    assert callable(engine()), "chdb._chdb.query has moved: see deploy/local/clickhouse_process.py"


def test_a_wheel_without_the_entry_point_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chdb", ModuleType("chdb"))
    with pytest.raises(ImportError, match=r"chdb-core \S+ has no chdb\._chdb\.query: install"):
        engine()
