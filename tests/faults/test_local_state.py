"""The data directory: lost, damaged, full, or claimed by two."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.trial import Trial
from tests.integration.stack import Service, wait_for

pytestmark = pytest.mark.integration

Damage = Callable[[Path], None]


def delete(state: Path) -> None:
    shutil.rmtree(state)


def delete_one_table(state: Path) -> None:
    for store in state.glob("customers-*"):
        shutil.rmtree(store)


def overwrite_manifests(state: Path) -> None:
    """What RocksDB opens first."""
    for path in state.rglob("MANIFEST-*"):
        path.write_bytes(b"\0" * path.stat().st_size)


def delete_current(state: Path) -> None:
    """As after an interrupted copy."""
    for path in state.rglob("CURRENT"):
        path.unlink()


def flip_bytes(state: Path) -> None:
    """In the middle of everything that holds states; checksums tell when they are read."""
    for path in (*state.rglob("*.sst"), *state.rglob("*.log")):
        raw = bytearray(path.read_bytes())
        middle = len(raw) // 2
        raw[middle : middle + 64] = b"\xa5" * len(raw[middle : middle + 64])
        path.write_bytes(raw)


DAMAGES: tuple[Damage, ...] = (delete, delete_one_table, overwrite_manifests, delete_current, flip_bytes)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(one, id=one.__name__, marks=() if one in DAMAGES[:1] else pytest.mark.faults)
        for one in DAMAGES
    ],
)
def test_damaged(new_trial: NewTrial, record: Recorder, damage: Damage) -> None:
    """Rebuilt from the changelog, equal to a rebuild from the input: that is what the verdict compares."""
    with new_trial(f"local state: {damage.__name__.replace('_', ' ')}", 12_000) as trial:
        workers = trial.workers(2)
        # However late it comes back, there is something left for it to do.
        trial.begin(per_second=2_500).gate(0.6)
        trial.reach(0.6)
        victim = workers[0]
        victim.kill()
        damage(Path(victim.env["LEADSTREAM_DATA_DIR"]) / "state")
        trial.faults += 1
        trial.supervise()
        trial.restart(victim)
        trial.at_work(victim)
        assert len(victim.exits) <= 3, f"it does not mend: {victim.exits}\n{victim.log.read_text()[-3000:]}"
        check(record(trial.conclude()))


def test_two_on_one_directory(new_trial: NewTrial) -> None:
    """The second refuses, with a message, before it joins the group."""
    with new_trial("two workers, one directory", 100) as trial:
        [first] = trial.workers(1)
        second = trial.stack.service("worker", "second")
        second.env["LEADSTREAM_DATA_DIR"] = first.env["LEADSTREAM_DATA_DIR"]
        second.start()
        assert second.wait(30) == 73
        said = second.log.read_text()
        assert "in use by process" in said
        assert "Traceback" not in said
        first.check_alive()


@pytest.mark.faults
def test_disk_full(new_trial: NewTrial, record: Recorder, tmp_path: Path) -> None:
    """It stops with a message instead of going on without a state, and goes on when there is room again."""
    with small_disk(tmp_path / "disk") as disk, new_trial("disk full for the state", 30_000) as trial:
        worker = trial.stack.service("worker", "worker")
        worker.env["LEADSTREAM_DATA_DIR"] = str(disk / "data")
        worker.start()
        trial.ready(worker)
        trial.begin(per_second=2_500)
        filler = disk / "filler"
        trial.reach(0.3)
        fill(filler)
        trial.faults += 1
        assert ended(trial, worker) == 70
        said = worker.life()
        assert "No space left" in said, said[-2000:]
        filler.unlink()
        trial.restart(worker)
        trial.at_work(worker)
        verdict = trial.conclude()
        check(record(verdict))


@contextmanager
def small_disk(path: Path) -> Iterator[Path]:
    """A file system of its own. Needs the right to mount one."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "none", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return


def ended(trial: Trial, worker: Service) -> int:
    assert worker.process is not None
    process = worker.process
    wait_for(lambda: process.poll() is not None, 120, lambda: "it does not notice")
    return worker.wait()
