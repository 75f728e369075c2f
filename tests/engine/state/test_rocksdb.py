"""Frames; what a store on the disk has of its own: its life, and what damage does to it."""

import shutil
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from random import randbytes
from typing import Any

import pytest
import rocksdict
from hypothesis import given
from hypothesis import strategies as st

from processors.engine import frame
from processors.engine.state import rocksdb
from processors.engine.state.memory import MemoryStore
from processors.engine.state.rocksdb import MAX_AGE_MS, PartitionStore, new_cache
from tests.engine.records import plain

NOW = 1_800_000_000_000
_MS = st.integers(0, 2**53)


@given(st.binary(), st.none() | _MS, st.none() | st.integers(0, 2**32 - 1))
def test_frame(state: bytes, due_ms: int | None, written_s: int | None) -> None:
    """What goes in comes out."""
    stored = frame.wrap(state, due_ms, written_s)
    assert frame.body(stored) == state
    assert frame.written_s(stored) == written_s
    due = frame.due_bytes(stored)
    assert (None if due is None else int.from_bytes(due, "big")) == due_ms


@given(st.lists(st.tuples(st.binary(), st.none() | _MS, st.none() | st.integers(0, 2**32 - 1))))
def test_the_latest_of_several(states: list[tuple[bytes, int | None, int | None]]) -> None:
    times = [written_s for _, _, written_s in states if written_s is not None]
    assert frame.newest_s([frame.wrap(*state) for state in states]) == max(times, default=None)


def test_frame_is_as_documented() -> None:
    """Stores and changelogs outlive a version: these bytes are a format."""
    assert frame.wrap(b"s", None, None) == b"\0s"
    assert frame.wrap(b"s", 258, None) == b"\1" + bytes([0, 0, 0, 0, 0, 0, 1, 2]) + b"s"
    assert frame.wrap(b"s", None, 3) == b"\2\0\0\0\3s"
    assert frame.wrap(b"s", 1, 3) == b"\3\0\0\0\0\0\0\0\1\0\0\0\3s"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "t-0"


@pytest.fixture
def store(path: Path) -> Iterator[PartitionStore]:
    made = PartitionStore(path, new_cache(), NOW)
    yield made
    made.close()


def reopened(
    store: PartitionStore, now_ms: int = NOW, meanwhile: Callable[[], None] = lambda: None
) -> PartitionStore:
    store.close()
    meanwhile()
    store.__init__(store.path, new_cache(), now_ms)  # type: ignore[misc]
    return store


def test_values_and_position_survive(store: PartitionStore) -> None:
    assert store.position == -1
    store.write(plain(b"a", b"b"), 7, NOW)
    store.write({b"a": None}, 9, NOW)
    reopened(store)
    assert store.position == 9
    assert dict(store.states()) == {b"b": b"of b"}
    assert store.get_many([b"a"]) == [None]


def test_a_store_left_alone_for_too_long_starts_anew(store: PartitionStore) -> None:
    """Tombstones it has missed may be gone from the changelog."""
    store.write(plain(b"a"), 7, NOW)
    reopened(store, NOW + MAX_AGE_MS)
    assert store.position == 7
    reopened(store, NOW + MAX_AGE_MS + 1)
    assert store.position == -1
    assert dict(store.states()) == {}


def test_states_without_a_position_are_not_trusted(store: PartitionStore) -> None:
    store._layers[0].db.put(b"a", b"\0x")
    reopened(store)
    assert dict(store.states()) == {}


def test_overwriting_leaves_the_old_entry_as_a_hint(store: PartitionStore) -> None:
    """It is spent by whoever compares it with the state."""
    store.write({b"k": frame.wrap(b"1", 100, None)}, 1, NOW)
    assert store.first_due() == 100
    store.write({b"k": frame.wrap(b"2", 500, None)}, 2, NOW)
    assert [ms for _, ms, _ in store.due(1000, 10)] == [100, 500]
    (old, *_) = store.due(1000, 10)
    store.write({}, 3, NOW, spent=[old[0]])
    assert [ms for _, ms, _ in store.due(1000, 10)] == [500]


@pytest.mark.parametrize("writes", [1_600, 2_000, 8_888])
def test_a_crash_leaves_an_exact_prefix(store: PartitionStore, tmp_path: Path, writes: int) -> None:
    """Of what was written one by one the last 1,600 may be missing; never one in the middle."""
    for position in range(writes):
        store.write(plain(b"%d" % position), position, NOW)
    shutil.copytree(store.path, tmp_path / "left-behind")
    left = PartitionStore(tmp_path / "left-behind", new_cache(), NOW)
    assert writes - 1_600 < left.position + 1 <= writes
    assert sorted(dict(left.states())) == sorted(b"%d" % position for position in range(left.position + 1))
    left.close()


def test_large_changes_do_not_wait_for_many(
    store: PartitionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rocksdb, "_GATHER_BYTES", 1_000)
    for position in range(5):
        store.write({b"%d" % position: frame.wrap(bytes(400), None, None), b"gone": None}, position, NOW)
    shutil.copytree(store.path, tmp_path / "left-behind")
    left = PartitionStore(tmp_path / "left-behind", new_cache(), NOW)
    assert left.position == 2
    left.close()


def test_what_is_written_again_does_not_count_for_ever(store: PartitionStore) -> None:
    """Only until RocksDB has put it together: when there are 8 MB, or when the store is opened again."""
    for position in range(100):
        states = {b"%d" % key: frame.wrap(randbytes(4_000), None, None) for key in range(200)}
        store.write(dict(states), position, NOW)
        store.first_due()
        assert store.size >= 200
    assert store.size < 8_000
    for _ in range(2):
        reopened(store)
        assert 200 <= store.size < 2_000
        store.write({b"0": frame.wrap(b"s", None, None)}, 100, NOW)


def test_memory_forgets_the_entries_of_states_that_moved_on(path: Path) -> None:
    store = MemoryStore(path)
    for position in range(5_000):
        store.write({b"k": frame.wrap(b"s", 100 + position % 2, None)}, position, NOW)
    assert [ms for _, ms, _ in store.due(1000, 10)] == [101]
    assert len(store._due_heap) <= 1_002
    store.write({b"k": None}, 100, NOW)
    assert store.first_due() is None
    assert store.due(1000, 10) == []


def test_second_opening_is_refused(store: PartitionStore) -> None:
    with pytest.raises(Exception, match="lock"):
        PartitionStore(store.path, new_cache(), NOW)


def flushed(store: PartitionStore) -> dict[bytes, bytes | None]:
    """Into a file of its own, and something more only in the log."""
    values = plain(*(blake2b(b"%d" % n).digest() for n in range(5000)))
    store.write(values, 7, NOW)
    store._layers[0].db.flush()
    store.write(plain(b"later"), 8, NOW)
    return values


def overwrite(store: PartitionStore, pattern: str, begin: float = 0.0, end: float = 1.0) -> None:
    path = max(store.path.rglob(pattern), key=lambda one: one.stat().st_size)
    raw = bytearray(path.read_bytes())
    first, last = int(begin * len(raw)), int(end * len(raw))
    raw[first:last] = b"\xa5" * (last - first)
    path.write_bytes(raw)


@pytest.mark.parametrize("pattern", ["MANIFEST-*", "CURRENT"])
def test_a_damaged_store_begins_anew(store: PartitionStore, pattern: str) -> None:
    flushed(store)
    assert reopened(store, meanwhile=lambda: overwrite(store, pattern)).position == -1
    assert dict(store.states()) == {}


def test_an_incomplete_store_begins_anew(store: PartitionStore) -> None:
    """RocksDB would replay its log, position included, and miss what was in the other files."""
    flushed(store)
    assert reopened(store, meanwhile=(store.path / "0" / "CURRENT").unlink).position == -1
    assert dict(store.states()) == {}


def test_damage_that_shows_in_reading_is_remembered(store: PartitionStore) -> None:
    values = flushed(store)
    # Some states; what is read first, and the index at the end, are whole.
    assert reopened(store, meanwhile=lambda: overwrite(store, "*.sst", 0.3, 0.4)).position == 8
    with pytest.raises(Exception, match="Corruption"):
        store.get_many(list(values))
    assert reopened(store).position == -1
    store.write(values, 7, NOW)
    assert reopened(store).position == 7


def test_a_lock_is_no_damage(store: PartitionStore) -> None:
    store.write(plain(b"a"), 1, NOW)
    with pytest.raises(Exception, match="lock"):
        PartitionStore(store.path, new_cache(), NOW)
    assert reopened(store).position == 1


def due_states(count: int) -> dict[bytes, bytes | None]:
    return {b"%06d" % number: frame.wrap(b"s" * 20, 1000 + number, 1000) for number in range(count)}


class Impatient:
    """A database whose iterators fail when they pass over more than what one batch has deleted.

    That counts twice: what was put, and that it was deleted.
    """

    def __init__(self, db: rocksdict.Rdict) -> None:
        self._db = db
        self._few = rocksdict.ReadOptions()
        self._few.set_max_skippable_internal_keys(1_100)

    def iter(self, _: rocksdict.ReadOptions | None = None) -> rocksdict.RdictIter:
        return self._db.iter(self._few)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


@pytest.mark.parametrize("count", [10_000, 50_000, 200_000])
def test_expiring_many_costs_each_the_same(
    store: PartitionStore, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is spent lies about in front of what is left until RocksDB compacts it: a look must not walk over
    more of it than the last batch has spent, however many went before.
    """
    store.write(due_states(count), 1, NOW)
    monkeypatch.setattr(store._layers[0], "db", Impatient(store._layers[0].db))
    expired = 0
    while found := store.due(10**9, 500):
        assert store.first_due() == found[0][1]
        store.write({key: None for _, _, key in found}, 2, NOW, [entry for entry, _, _ in found])
        expired += len(found)
    assert expired == count
    assert store.first_due() is None


LOOKS: list[Callable[[PartitionStore], object]] = [
    lambda store: store.due(10**9, 10**9),
    lambda store: store.held(10**9),
    lambda store: [store.held(100) for _ in range(250)],
    lambda store: list(store.states()),
    lambda store: [store.get_many([b"%06d" % number]) for number in range(20_000)],
]


@pytest.mark.parametrize("look", LOOKS)
def test_damage_is_never_passed_over(store: PartitionStore, look: Callable[[PartitionStore], object]) -> None:
    """RocksDB's iterators end at a damaged block as if there were nothing behind it."""
    store.write(due_states(20_000), 7, NOW)
    store._flush()
    store._layers[0].db.flush()

    def damage() -> None:
        overwrite(store, "*.sst", 0.1, 0.101)  # among the due entries
        overwrite(store, "*.sst", 0.7, 0.701)  # among the states

    assert reopened(store, meanwhile=damage).position == 7
    with pytest.raises(Exception, match="Corruption"):
        look(store)
    assert reopened(store).position == -1


def test_damage_in_front_of_the_first_due_entry(store: PartitionStore) -> None:
    store.write(due_states(20_000), 7, NOW)
    store._flush()
    store._layers[0].db.flush()
    reopened(store, meanwhile=lambda: overwrite(store, "*.sst", 0.0, 0.001))
    with pytest.raises(Exception, match="Corruption"):
        store.first_due()
    assert reopened(store).position == -1


def test_damage_that_shows_in_opening(store: PartitionStore) -> None:
    """Where its position is: nothing was done with it yet, so that it can begin anew at once."""
    store.write(plain(*(b"%06d" % number for number in range(20_000))), 7, NOW)
    store._flush()
    store._layers[0].db.flush()
    assert reopened(store, meanwhile=lambda: overwrite(store, "*.sst", 0.0, 0.001)).position == -1
    assert list(store.states()) == []
    store.write(plain(b"a"), 1, NOW)
    assert reopened(store).position == 1
