"""A store in layers is a dictionary that forgets what is old: whatever is written, dropped or lost."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import rocksdict
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processors.engine import frame
from processors.engine.state import rocksdb
from tests.engine.state.layered import BEGIN_S, RETENTION_S, aged, copy, live, opened

KEYS = st.integers(0, 30).map(lambda number: b"k%02d" % number)
Logged = tuple[int, dict[bytes, bytes | None]]


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


def test_files_that_cannot_be_removed_stay_until_the_store_is_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(path, BEGIN_S)
    live(store, range(50))
    with monkeypatch.context() as failing:
        failing.setattr(shutil, "rmtree", cannot)
        assert store.drop(BEGIN_S + 50)
        store.close()
    assert list(path.glob("*.dropped"))
    said = [(one.levelname, one.message, getattr(one, "because", "")) for one in caplog.records]
    assert said == [("WARNING", "old states stay on the disk", "the disk is broken")]
    store = opened(path, BEGIN_S + 50)
    assert not list(path.glob("*.dropped"))
    store.close()


def cannot(path: Path) -> None:
    raise OSError("the disk is broken")
