"""A data directory has one owner; ports are asked for and kept."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.directory import DirectoryLock
from deploy.local.errors import (
    DataDirectoryInUse,
    PortInUse,
)
from deploy.local.kafka import brokers_known_to
from deploy.local.ports import HOST, claim, free_port, is_free, is_taken

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
    remembered, usual, requested = (free_port() for _ in range(3))
    assert claim(0, remembered, usual) == remembered
    assert claim(0, None, usual) == claim(0, 0, usual) == usual
    assert claim(requested, remembered, usual) == requested
    with socket.create_server((HOST, remembered)):
        assert claim(0, remembered, usual) == usual
        with socket.create_server((HOST, usual)):
            assert claim(0, remembered, usual) not in (remembered, usual)


def test_a_port_that_another_process_was_given_is_passed_over() -> None:
    """Though nobody listens there yet: servers take seconds to begin."""
    script = (
        "import sys; from deploy.local.ports import claim, free_port\n"
        "print(claim(0, free_port()), flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        assert is_free(port)
        assert is_taken(port)
        assert claim(0, port) != port
        other.kill()
    assert not is_taken(port)
    assert claim(0, port) == port


PORTS = """
import sys
from deploy.local import ports
ports._RANGE = [int(port) for port in sys.argv[1:]]
while sys.stdin.readline():
    try:
        print(ports.free_port(), flush=True)
    except StopIteration:
        print("none", flush=True)
"""


def test_no_two_processes_are_given_the_same_port(tmp_path: Path) -> None:
    """Nor one of them twice. What a process was given is to be had again when it has ended."""
    three = [str(free_port()) for _ in range(3)]
    # Where they note what they were given, apart from what others are.
    env = {**os.environ, "TMPDIR": str(tmp_path)}

    def asking() -> subprocess.Popen[str]:
        program = [sys.executable, "-c", PORTS, *three]
        return subprocess.Popen(program, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def given(process: subprocess.Popen[str]) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    with asking() as first:
        with asking() as second:
            theirs = given(second)
            assert {given(first), given(first), theirs} == set(three)
            assert given(first) == given(second) == "none"
            second.communicate()
        assert given(first) == theirs
        first.communicate()


def test_a_port_without_kafka_behind_it_knows_no_brokers() -> None:
    assert brokers_known_to(free_port()) == 0
    with socket.create_server((HOST, 0)) as silent:
        assert brokers_known_to(silent.getsockname()[1]) == 0
