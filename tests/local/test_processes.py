"""Child processes: their logs, their ends, and that none is left behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deploy.local.process import Child
from processors.programs import isolated
from tests.conftest import eventually
from tests.local.programs import DEAF, FOREVER, is_gone, python
from tests.look_alikes import set_traps


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


def test_what_lies_where_a_program_of_ours_is_started_is_not_taken_for_its_modules(tmp_path: Path) -> None:
    executed = set_traps(tmp_path)
    child = Child(
        isolated("processors.cli.main", "version"), cwd=tmp_path, env=os.environ, log_path=tmp_path / "log"
    )
    assert child.wait(60) == 0, child.log_tail()
    assert not executed.exists()


def test_no_program_of_ours_is_started_in_another_way() -> None:
    root = Path(__file__).parents[2]
    allowed = {
        "processors/programs.py",
        "deploy/local/process.py",  # ties them to their parent
        "deploy/install.py",  # starts pip and uv, before anything of ours is there
        "processors/terminal/program.py",  # asks where it is
        "bench/environments.py",  # makes environments for other programs
        "bench/peers/bytewax_flow/w1.py",  # runs in one
    }
    users = {
        str(path.relative_to(root))
        for package in ("schemas", "processors", "deploy", "bench")
        for path in (root / package).rglob("*.py")
        if "sys.executable" in path.read_text()
    }
    assert users == allowed


def test_what_a_child_writes_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = "import os; open('made', 'w'); os.mkdir('directory')"
        child = Child(python(made), cwd=tmp_path, env=os.environ, log_path=tmp_path / "log")
        assert child.wait(30) == 0
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"made": 0o600, "directory": 0o700, "log": 0o600}
