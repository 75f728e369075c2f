"""What crashes, power failures, clocks and releases before leave of a store in layers."""

import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
import rocksdict

from processors.engine import frame
from processors.engine.state import rocksdb
from processors.engine.state.damage import noticing
from processors.engine.state.layer import Layer, remove
from processors.engine.state.rocksdb import MAX_AGE_MS, PartitionStore, new_cache
from tests.engine.state.layered import BEGIN_S, RETENTION_S, aged, copy, live, opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "t-0"


def test_what_is_gone_stays_so_when_a_power_failure_takes_the_layer_below_back(path: Path) -> None:
    """Databases reach the disk each in its own time. The latest one alone says how far the store has come."""
    store = opened(path, BEGIN_S)
    live(store, range(RETENTION_S // 2 + 1))
    assert [layer.path.name for layer in store._layers] == ["0", "1"]
    copy(path / "0", path.parent / "0")
    store.write({b"00003": None} | aged(BEGIN_S + 30, b"00004"), 21, 1000 * (BEGIN_S + 30))
    store.close()
    shutil.rmtree(path / "0")
    (path.parent / "0").rename(path / "0")
    store = opened(path, BEGIN_S)
    assert store.position == 21
    states = [None, frame.wrap(b"of 00004", None, BEGIN_S + 30), frame.wrap(b"of 00005", None, BEGIN_S + 5)]
    assert store.get_many([b"00003", b"00004", b"00005"]) == states
    assert b"00003" not in dict(store.states())
    store.close()


def restored(store: PartitionStore, log: list[dict[bytes, bytes | None]]) -> dict[bytes, bytes]:
    for position in range(store.position + 1, len(log)):
        store.write(log[position], position, 1000 * (BEGIN_S + position))
    return dict(store.states())


def without_its_log(path: Path, to: Path, layer: int) -> None:
    """What a power failure may leave of it."""
    copy(path, to)
    for log in (to / str(layer)).glob("*.log"):
        log.unlink()


def test_what_a_power_failure_leaves_of_a_store_is_whole_after_the_restore(path: Path) -> None:
    """Even where deletions below reached the disk, and not that for which they were made."""
    store = opened(path, BEGIN_S)
    log = [aged(BEGIN_S + second, b"%05d" % second) for second in range(21)]
    log += [{b"00003": frame.wrap(b"anew", None, BEGIN_S + 21)}, {b"00004": None}]
    for end in (1, 20, len(log)):
        restored(store, log[:end])
        store.first_due()
    assert [layer.path.name for layer in store._layers] == ["0", "1"]
    store._layers[0].db.flush(True)
    without_its_log(path, path.parent / "left", 1)
    expected = dict(store.states())
    store.close()
    store = opened(path.parent / "left", BEGIN_S + 30)
    assert store.position == 19
    assert store.get_many([b"00003", b"00004"]) == [None, None], "no prefix"
    assert restored(store, log) == expected
    assert expected[b"00003"] == b"anew"
    store.close()


def test_a_power_failure_after_a_drop_takes_no_more_than_the_latest_layer(path: Path) -> None:
    store = opened(path, BEGIN_S)
    log = [aged(BEGIN_S + second, b"%05d" % second) for second in range(50)]
    for end in range(50):
        restored(store, log[: end + 1])
        store.first_due()
    assert store.drop(BEGIN_S + 20) == 20
    without_its_log(path, path.parent / "left", 2)
    expected = dict(store.states())
    store.close()
    store = opened(path.parent / "left", BEGIN_S + 50)
    assert store.position == 39
    assert restored(store, log) == expected
    assert sorted(expected) == [b"%05d" % second for second in range(20, 50)]
    store.close()


@pytest.mark.parametrize("files", [(), ("LOCK", "LOG", "IDENTITY", "MANIFEST-000001", "000001.dbtmp")])
def test_a_layer_whose_creation_was_interrupted_is_begun_anew(path: Path, files: tuple[str, ...]) -> None:
    store = opened(path, BEGIN_S)
    live(store, range(15))
    store.close()
    (path / "1").mkdir()
    for name in files:
        (path / "1" / name).touch()
    store = opened(path, BEGIN_S)
    assert (store.position, len(dict(store.states()))) == (14, 15)
    live(store, range(15, 25))
    assert [layer.path.name for layer in store._layers] == ["0", "1"]
    store.close()


def test_states_of_a_clock_that_was_ahead_keep_no_others(path: Path) -> None:
    """One hour, where the retention is less than a minute."""
    store = opened(path, BEGIN_S)
    live(store, range(10))
    store.write(aged(BEGIN_S + 3600, b"ahead"), 10, 1000 * (BEGIN_S + 10))
    store.first_due()
    most = 0
    for second in range(11, 10 * RETENTION_S):
        live(store, range(second, second + 1))
        most = max(most, store.size)
    assert most <= 1.5 * RETENTION_S + 3
    young = {b"%05d" % second for second in range(9 * RETENTION_S, 10 * RETENTION_S)}
    assert young <= dict(store.states()).keys()
    store.close()


def test_states_are_not_older_than_they_say_because_a_clock_was_behind(path: Path) -> None:
    """By more than half a retention; time is that of the clock that was right."""
    store = opened(path, BEGIN_S)
    store.write(aged(BEGIN_S + 100, b"right"), 0, 1000 * (BEGIN_S + 100))
    store.first_due()
    store.write(aged(BEGIN_S + 60, b"behind"), 1, 1000 * (BEGIN_S + 100))
    store.first_due()
    assert len(store._layers) == 2
    for second in range(100, 100 + RETENTION_S):
        store.drop(BEGIN_S + second - RETENTION_S)
        assert store.get_many([b"right"]) != [None]
    store.close()


def test_the_files_of_a_layer_go_while_others_work(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = Event()

    def when_told(dropped: Path) -> None:
        go.wait(10)
        remove(dropped)

    store = opened(path, BEGIN_S)
    live(store, range(50))
    monkeypatch.setattr(rocksdb, "remove", when_told)
    assert store.drop(BEGIN_S + 25) == 20
    assert (path / "0.dropped").exists()
    assert store.get_many([b"00001", b"00030"])[0] is None
    go.set()
    store.close()
    assert sorted(one.name for one in path.iterdir()) == ["1", "2"]


def test_how_old_a_store_is_says_what_was_written_last(path: Path) -> None:
    """Not what was written while the clock was ahead."""
    store = opened(path, BEGIN_S)
    for position, second in enumerate((365 * 24 * 3600, 30)):
        store.write(aged(BEGIN_S + 30 * position, b"k"), position, 1000 * (BEGIN_S + second))
        store.first_due()
    store.close()
    store = opened(path, BEGIN_S + 31 + MAX_AGE_MS // 1000)
    assert store.position == -1
    store.close()


def by_one_database(path: Path, written_s: int) -> None:
    """As releases before layers left it."""
    layer = Layer(path, rocksdict_options())
    batch = rocksdict.WriteBatch(raw_mode=True)
    for key, value in aged(written_s, *(b"%05d" % number for number in range(1000))).items():
        assert value is not None
        batch.put(key, value)
    batch.put(b"\0sweep", struct.pack(">qq", 1000, 0) + b"\1")
    batch.put(b"\0position", struct.pack(">qq", 999, 1000 * written_s))
    layer.db.write(batch)
    layer.db.close()


def rocksdict_options() -> rocksdict.Options:
    return rocksdict.Options(raw_mode=True)


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("retention_s", [RETENTION_S, None])
def test_a_store_of_a_release_before_is_read_on(
    path: Path, retention_s: int | None, interrupted: bool
) -> None:
    path.parent.mkdir()
    by_one_database(path, BEGIN_S)
    if interrupted:
        (path / "0").mkdir()
        for file in path.glob("*.log"):
            file.rename(path / "0" / file.name)
    retention_ms = retention_s and 1000 * retention_s
    store = PartitionStore(path, new_cache(), 1000 * (BEGIN_S + 1), retention_ms)
    assert store.position == 999
    assert 1000 <= store.size <= 1003  # RocksDB counts the store's own entries
    assert len(dict(store.states())) == 1000
    store.write(aged(BEGIN_S + 1, b"new"), 1000, 1000 * (BEGIN_S + 1))
    assert store.get_many([b"new", b"00007", b"none"])[2] is None
    assert len(dict(store.states())) == 1001
    if retention_s is not None:
        assert store.drop(BEGIN_S + 1) == 1000
        assert [key for key, _ in store.states()] == [b"new"]
    store.close()


def test_a_store_of_a_release_before_does_not_get_younger(path: Path) -> None:
    path.parent.mkdir()
    by_one_database(path, BEGIN_S)
    for second in (20, 40, 60):
        store = opened(path, BEGIN_S + second)
        store.write({b"none": None}, 1000 + second, 1000 * (BEGIN_S + second))
        store.close()
    store = opened(path, BEGIN_S + 60)
    assert store.drop(BEGIN_S + 1) == 1000
    store.close()


def without_a_layer(path: Path) -> None:
    shutil.rmtree(path / "1")


def without_current(path: Path) -> None:
    (path / "1" / "CURRENT").unlink()


def without_current_of_the_latest(path: Path) -> None:
    (path / "2" / "CURRENT").unlink()


def with_a_mark(path: Path) -> None:
    with pytest.raises(OSError, match="No such file"), noticing(path):
        (path / "nothing").read_bytes()


@pytest.mark.parametrize(
    "damage", [without_a_layer, without_current, without_current_of_the_latest, with_a_mark]
)
def test_damage_in_one_layer_is_damage_of_all(path: Path, damage: Callable[[Path], None]) -> None:
    store = opened(path, BEGIN_S)
    live(store, range(50))
    assert [layer.path.name for layer in store._layers] == ["0", "1", "2"]
    store.close()
    damage(path)
    store = opened(path, BEGIN_S)
    assert (store.position, dict(store.states())) == (-1, {})
    live(store, range(50))
    store.close()
    store = opened(path, BEGIN_S + 50)
    assert store.position == 49
    store.close()


def test_a_drop_that_a_crash_interrupts_is_finished(path: Path) -> None:
    store = opened(path, BEGIN_S)
    live(store, range(50))
    store.close()
    (path / "0").rename(path / "0.dropped")
    store = opened(path, BEGIN_S)
    assert sorted(one.name for one in path.iterdir()) == ["1", "2"]
    assert store.position == 49
    store.close()


def test_layers_left_alone_for_too_long_are_thrown_away(path: Path) -> None:
    store = opened(path, BEGIN_S)
    live(store, range(50))
    store.close()
    store = opened(path, BEGIN_S + 50 + MAX_AGE_MS // 1000)
    assert (store.position, len(store._layers)) == (-1, 1)
    store.close()
