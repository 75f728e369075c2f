"""Which `leadstream up` a command finds: the living one of here or of a parent, and never a stranger's."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.directory import DirectoryLock
from processors.files import OTHERS
from processors.settings.running import RunningUp, published, running_up


def made(data: Path) -> RunningUp:
    """A data directory of `up`, and what would run there."""
    (data / "logs").mkdir(parents=True, exist_ok=True)
    return RunningUp(
        data=data,
        pid=os.getpid(),
        kafka="127.0.0.1:29092",
        clickhouse="http://leadstream:s3cret@127.0.0.1:8123/leadstream",
        gateway="http://127.0.0.1:8787",
        metrics={"worker-1": "http://127.0.0.1:20001/metrics"},
        settings={"hold": "2h"},
    )


@contextmanager
def living(data: Path) -> Iterator[RunningUp]:
    up = made(data)
    lock = DirectoryLock(data)
    lock.acquire()
    try:
        with published(up):
            yield up
    finally:
        lock.release()


def test_it_is_found_in_the_directory_and_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert running_up() is None
    with living(tmp_path / ".leadstream") as up:
        assert running_up() == running_up(deep) == up
        monkeypatch.chdir(deep)
        assert running_up() == up
    assert running_up() is None


def test_its_file_is_its_users_alone_and_goes_with_it(tmp_path: Path) -> None:
    data = tmp_path / ".leadstream"
    with living(data) as up:
        assert not (data / "running.json").stat().st_mode & OTHERS
        assert "s3cret" not in repr(up)
    assert {one.name for one in data.iterdir()} == {"logs", "lock"}


def test_the_nearest_decides_even_when_nothing_runs_there(tmp_path: Path) -> None:
    """What is erased, sent or replayed in a project is not to reach the system of another one."""
    inner = tmp_path / "project"
    with living(tmp_path / ".leadstream") as outer:
        made(inner / ".leadstream")
        assert running_up(inner) is None
        with living(inner / ".leadstream") as up:
            assert running_up(inner) == up
        assert running_up(tmp_path) == outer


def test_the_directory_of_a_worker_is_none_of_up(tmp_path: Path) -> None:
    inner = tmp_path / "project"
    (inner / ".leadstream" / "state").mkdir(parents=True)
    with living(tmp_path / ".leadstream") as up:
        assert running_up(inner) == up


def test_a_data_directory_that_is_named_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with living(tmp_path / ".leadstream") as here, living(tmp_path / "big") as named:
        monkeypatch.setenv("LEADSTREAM_DATA_DIR", "big")
        assert running_up() == named
        assert running_up(tmp_path) == here, "a place that is given counts alone"
    with living(tmp_path / ".leadstream") as here:
        assert running_up() is None, "the one that is named has ended"
        monkeypatch.setenv("LEADSTREAM_DATA_DIR", "state-of-a-worker")
        assert running_up() == here


def test_one_that_was_killed_is_none(tmp_path: Path) -> None:
    """Its file stays behind; also where somebody else works in the directory since, or has its number."""
    data = tmp_path / ".leadstream"
    script = (
        "import os, sys; from pathlib import Path; from tests.settings.test_running import living\n"
        "with living(Path(sys.argv[1])): print('there', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, data],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        found = running_up()
        assert found is not None
        assert found.pid == process.pid
        process.kill()
    assert (data / "running.json").exists()
    assert running_up() is None
    lock = DirectoryLock(data)
    lock.acquire()
    assert running_up() is None
    lock.release()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": "x"}', "\xff"])
def test_what_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    data = tmp_path / ".leadstream"
    with living(data):
        (data / "running.json").write_bytes(content.encode("latin-1"))
        assert running_up() is None


def test_what_a_later_release_adds_is_passed_over(tmp_path: Path) -> None:
    data = tmp_path / ".leadstream"
    with living(data) as up:
        document = json.loads((data / "running.json").read_text())
        (data / "running.json").write_text(json.dumps({**document, "colour": "blue"}))
        assert running_up() == up


def test_nobody_is_sent_to_the_server_of_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write into a directory above, such as /tmp, could put one there."""
    with living(tmp_path / ".leadstream"):
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert running_up() is None


def test_a_working_directory_that_is_gone_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert running_up() is None
