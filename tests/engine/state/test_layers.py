"""A store in layers is a dictionary that forgets what is old: whatever is written, dropped or lost."""

import shutil
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest
import rocksdict
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processors.engine import frame
from processors.engine.state import rocksdb
from processors.engine.state.damage import noticing
from processors.engine.state.layer import Layer, remove
from processors.engine.state.rocksdb import MAX_AGE_MS, PartitionStore, new_cache

BEGIN_S = 1_800_000_000
RETENTION_S = 40
KEYS = st.integers(0, 30).map(lambda number: b"k%02d" % number)
Logged = tuple[int, dict[bytes, bytes | None]]


def opened(path: Path, now_s: int, retention_s: int = RETENTION_S) -> PartitionStore:
    return PartitionStore(path, new_cache(), now_s * 1000, retention_s * 1000)


def aged(now_s: int, *keys: bytes) -> dict[bytes, bytes | None]:
    return {key: frame.wrap(b"of " + key, None, now_s) for key in keys}


def copy(path: Path, to: Path) -> None:
    """As it is at one moment: RocksDB goes on tidying up in the background."""

    def seen() -> dict[Path, int]:
        return {one: one.stat().st_size for one in path.rglob("*") if one.is_file()}

    while True:
        with suppress(shutil.Error, FileNotFoundError):
            before = seen()
            shutil.copytree(path, to)
            if seen() == before:
                return
        shutil.rmtree(to, ignore_errors=True)


class Forgetful(RuleBasedStateMachine):
    """Beside the store: the log of all that was written, and up to when what was written may be gone."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = TemporaryDirectory()
        self.path = Path(self._directory.name) / "t-0"
        self.lives = 0
        self.now_s = BEGIN_S
        self.retention_s = RETENTION_S
        self.log: list[dict[bytes, bytes | None]] = []
        #: What was written before has been dropped, if it is gone.
        self.before_s = 0
        #: Keys whose latest state has a due time that is spent.
        self.spent: set[bytes] = set()
        self.store = opened(self.path, self.now_s)

    def teardown(self) -> None:
        self.store.close()
        self._directory.cleanup()

    def append(self, items: dict[bytes, bytes | None]) -> None:
        self.log.append(items)
        self.spent -= items.keys()
        self.store.write(items, len(self.log) - 1, self.now_s * 1000)

    @rule(
        keys=st.lists(KEYS, min_size=1, max_size=8),
        ago=st.integers(-2, 5),
        wait=st.none() | st.integers(1, 30),
    )
    def write(self, keys: list[bytes], ago: int, wait: int | None) -> None:
        """As of a worker whose clock was somewhat off."""
        self.store.get_many(keys)
        written_s = self.now_s - ago
        due_ms = None if wait is None else (self.now_s + wait) * 1000
        state = b"%d" % len(self.log)
        self.append({key: frame.wrap(state, due_ms, written_s) for key in keys})

    @rule(keys=st.lists(KEYS, min_size=1, max_size=3))
    def delete(self, keys: list[bytes]) -> None:
        self.append(dict.fromkeys(keys))

    @rule(seconds=st.integers(1, 25))
    def pass_time(self, seconds: int) -> None:
        self.now_s += seconds

    @rule()
    def flush(self) -> None:
        self.store.first_due()

    @rule(behind=st.integers(0, 20))
    def drop(self, behind: int) -> None:
        """By a watermark that is behind; what is due is spent first."""
        watermark_s = self.now_s - behind
        due = self.store.due(watermark_s * 1000, 1000)
        if due:
            self.store.spend([entry for entry, _, _ in due])
            self.spent |= {key for _, due_ms, key in due if self.due_ms(key) == due_ms}
        before_s = watermark_s - self.retention_s
        self.before_s = max(self.before_s, before_s)
        while self.store.drop(before_s):
            pass

    def due_ms(self, key: bytes) -> int | None:
        (stored,) = self.store.get_many([key])
        return None if stored is None else frame.due_ms(stored)

    @rule(factor=st.sampled_from([0.5, 1, 3]))
    def restart(self, factor: float) -> None:
        """Under another retention."""
        self.store.close()
        self.retention_s = int(RETENTION_S * factor)
        self.store = opened(self.path, self.now_s, self.retention_s)

    @rule()
    def crash(self) -> None:
        """What is in the files at this moment is what is left; the rest is read from the log."""
        self.lives += 1
        left = self.path.with_name(f"life-{self.lives}")
        copy(self.path, left)
        self.store.close()
        self.path = left
        self.store = opened(left, self.now_s, self.retention_s)
        assert self.store.position < len(self.log)
        assert self.reads() == self.expected(self.store.position + 1), "an exact prefix"
        self.restore()

    @rule()
    def lose_everything(self) -> None:
        self.store.reset()
        assert (self.store.position, dict(self.store.states())) == (-1, {})
        self.restore()

    def restore(self) -> None:
        for position in range(self.store.position + 1, len(self.log)):
            self.store.write(self.log[position], position, self.now_s * 1000)

    @precondition(lambda self: self.log)
    @invariant()
    def forgets_nothing_else(self) -> None:
        assert self.reads() == self.expected(len(self.log))
        assert len(self.store._layers) <= rocksdb._MOST_LAYERS

    @precondition(lambda self: self.log)
    @invariant()
    def counts_what_waits(self) -> None:
        """But for those whose entry was spent, if no crash has brought it back."""
        waiting = {key for key, stored in self.reads().items() if frame.due_bytes(stored) is not None}
        held = self.store.held(1000)
        assert held is not None
        assert len(waiting - self.spent) <= held <= len(waiting)

    def reads(self) -> dict[bytes, bytes]:
        """Both ways of reading agree."""
        keys = [b"k%02d" % number for number in range(31)]
        found = {
            key: raw for key, raw in zip(keys, self.store.get_many(keys), strict=True) if raw is not None
        }
        assert {key: frame.body(raw) for key, raw in found.items()} == dict(self.store.states())
        return found

    def expected(self, end: int) -> dict[bytes, bytes]:
        """The latest of each key, but for those old ones that the store has dropped."""
        latest: dict[bytes, bytes | None] = {}
        for items in self.log[:end]:
            latest |= items
        have = dict(self.store.states())
        return {
            key: stored
            for key, stored in latest.items()
            if stored is not None and (key in have or (frame.written_s(stored) or 0) >= self.before_s)
        }


Forgetful.TestCase.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
TestForgetful = Forgetful.TestCase


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "t-0"


def live(store: PartitionStore, seconds: range) -> None:
    """A key a second."""
    for second in seconds:
        store.write(aged(BEGIN_S + second, b"%05d" % second), second, 1000 * (BEGIN_S + second))
        store.first_due()
        store.drop(BEGIN_S + second - RETENTION_S)


def test_what_is_kept_is_at_most_half_as_much_again(path: Path) -> None:
    store = opened(path, BEGIN_S)
    most = 0
    for second in range(10 * RETENTION_S):
        live(store, range(second, second + 1))
        most = max(most, store.size)
    assert RETENTION_S < most <= 1.5 * RETENTION_S + 2
    assert len(store._layers) <= rocksdb._LAYERS + 1
    store.close()


def test_a_restore_puts_each_where_it_belongs_by_its_age(path: Path) -> None:
    """Or all of it would stay for another retention."""
    store = opened(path, BEGIN_S)
    for second in range(RETENTION_S):
        store.write(aged(BEGIN_S + second, *(b"%05d-%d" % (second, n) for n in range(500))), second, 0)
    store.drop(BEGIN_S + RETENTION_S // 2 + 1)
    assert len(dict(store.states())) <= 500 * (RETENTION_S // 2 + 1)
    store.close()


def test_while_time_stands_still_there_are_few_layers(path: Path) -> None:
    """Each is looked into for every key."""
    store = opened(path, BEGIN_S)
    for second in range(0, 50 * RETENTION_S, 10):
        store.write(aged(BEGIN_S + second, b"%05d" % second), second, 1000 * (BEGIN_S + second))
        store.first_due()
    assert len(store._layers) == rocksdb._MOST_LAYERS
    assert len(dict(store.states())) == 5 * RETENTION_S
    while store.drop(BEGIN_S + 50 * RETENTION_S):
        pass
    assert dict(store.states()) == {}
    store.close()


def test_former_versions_leave_the_disk(path: Path) -> None:
    """Of what was written anew, or deleted, nothing is found in a layer below, once it was compacted."""
    store = opened(path, BEGIN_S)
    for second in (0, 20, 25):
        keys = [b"%s%d" % (name, second) for name in (b"read", b"deleted", b"restored", b"left")]
        assert store.get_many(keys) == [None] * 4
        secrets = {key: frame.wrap(b"secret", None, BEGIN_S + second) for key in keys}
        store.write(secrets, second, 1000 * (BEGIN_S + second))
        store.first_due()
    store.write(aged(BEGIN_S + RETENTION_S, b"x"), 99, 0)
    store.first_due()
    assert [layer.path.name for layer in store._layers] == ["0", "1", "2"]
    for second in (0, 20, 25):
        assert None not in store.get_many([b"read%d" % second])
        anew = aged(BEGIN_S + RETENTION_S + 2, b"read%d" % second, b"restored%d" % second)
        store.write(anew | {b"deleted%d" % second: None}, 100, 0)
    store.close()
    found = []
    for layer in sorted(path.iterdir()):
        database = rocksdict.Rdict(str(layer), options=rocksdict.Options(raw_mode=True))
        found += [key for key, value in database.items() if value.endswith(b"secret")]
        database.close()
    assert found == [b"left0", b"left20", b"left25"]


def test_a_layer_is_on_the_disk_before_the_next_one_begins(path: Path) -> None:
    """Else a power failure, which takes a write-ahead log, would leave a gap."""
    store = opened(path, BEGIN_S)
    live(store, range(25))
    copy(path, path.parent / "left")
    store.close()
    for log in (path.parent / "left" / "0").glob("*.log"):
        log.unlink()
    store = opened(path.parent / "left", BEGIN_S)
    assert len(store._layers) == 2
    assert (store.position, len(dict(store.states()))) == (24, 25)
    store.close()


def test_a_store_of_which_all_is_dropped_knows_how_far_it_has_come(path: Path) -> None:
    store = opened(path, BEGIN_S)
    live(store, range(50))
    while store.drop(BEGIN_S + 50):
        pass
    store.close()
    store = opened(path, BEGIN_S + 50)
    assert (store.position, dict(store.states())) == (49, {})
    store.close()


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
