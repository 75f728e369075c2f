"""Frames, positions, the due index, the sweep."""

import random
import shutil
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.engine import frame
from processors.engine.memory_store import AnyStore, MemoryStore
from processors.engine.store import MAX_AGE_MS, PartitionStore, new_cache

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


@pytest.fixture(params=["rocksdb", "memory"])
def either(request: pytest.FixtureRequest, path: Path) -> Iterator[AnyStore]:
    made = PartitionStore(path, new_cache(), NOW) if request.param == "rocksdb" else MemoryStore(path)
    yield made
    made.close()


def reopened(
    store: PartitionStore, now_ms: int = NOW, meanwhile: Callable[[], None] = lambda: None
) -> PartitionStore:
    store.close()
    meanwhile()
    store.__init__(store.path, new_cache(), now_ms)  # type: ignore[misc]
    return store


def plain(*keys: bytes) -> dict[bytes, bytes | None]:
    return {key: frame.wrap(b"of " + key, None, None) for key in keys}


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
    store._db.put(b"a", b"\0x")
    reopened(store)
    assert dict(store.states()) == {}


def test_due_in_order_and_bounded(either: AnyStore) -> None:
    dues = {b"k%d" % ms: ms for ms in (300, 100, 2**40, 200)}
    either.write({key: frame.wrap(b"s", ms, None) for key, ms in dues.items()} | plain(b"zz", b"\1"), 1, NOW)
    assert either.first_due() == 100
    assert [(ms, key) for _, ms, key in either.due(300, 10)] == [
        (100, b"k100"),
        (200, b"k200"),
        (300, b"k300"),
    ]
    assert [key for _, _, key in either.due(2**50, 2)] == [b"k100", b"k200"]
    assert either.due(99, 10) == []
    either.spend([entry for entry, _, _ in either.due(200, 10)])
    assert either.first_due() == 300
    assert len(dict(either.states())) == 6


def test_no_due_entries(either: AnyStore) -> None:
    assert either.first_due() is None
    either.write(plain(b"a"), 1, NOW)
    assert either.first_due() is None
    assert either.due(2**60, 10) == []


def test_overwriting_leaves_the_old_entry_as_a_hint(store: PartitionStore) -> None:
    """It is spent by whoever compares it with the state."""
    store.write({b"k": frame.wrap(b"1", 100, None)}, 1, NOW)
    assert store.first_due() == 100
    store.write({b"k": frame.wrap(b"2", 500, None)}, 2, NOW)
    assert [ms for _, ms, _ in store.due(1000, 10)] == [100, 500]
    (old, *_) = store.due(1000, 10)
    store.write({}, 3, NOW, spent=[old[0]])
    assert [ms for _, ms, _ in store.due(1000, 10)] == [500]


def test_values_and_position(either: AnyStore) -> None:
    assert either.position == -1
    either.write(plain(b"a", b"b", b"c"), 7, NOW)
    either.write({b"a": None, b"x": None, b"b": frame.wrap(b"new", None, None)}, 9, NOW)
    assert either.position == 9
    assert either.get_many([b"c", b"a", b"b", b"nobody"]) == [b"\0of c", None, b"\0new", None]
    assert dict(either.states()) == {b"b": b"new", b"c": b"of c"}


def test_what_is_gathered_is_read_like_what_is_written(either: AnyStore) -> None:
    dice, truth = random.Random(5), dict[bytes, bytes | None]()
    for position in range(3_000):
        key = b"k%d" % dice.randrange(700)
        stored = None if dice.random() < 0.3 else frame.wrap(b"%d" % position, None, None)
        either.write({key: stored}, position, NOW)
        truth[key] = stored
        some = [key, *(b"k%d" % dice.randrange(700) for _ in range(3))]
        assert either.get_many(some) == [truth.get(one) for one in some]
    assert dict(either.states()) == {key: frame.body(raw) for key, raw in truth.items() if raw is not None}


@pytest.mark.parametrize("writes", [1, 500, 2_222])
def test_a_crash_leaves_an_exact_prefix(store: PartitionStore, tmp_path: Path, writes: int) -> None:
    """Of what was written one by one the last few hundred may be missing; never one in the middle."""
    for position in range(writes):
        store.write(plain(b"%d" % position), position, NOW)
    shutil.copytree(store.path, tmp_path / "left-behind")
    left = PartitionStore(tmp_path / "left-behind", new_cache(), NOW)
    assert writes - 500 < left.position + 1 <= writes
    assert sorted(dict(left.states())) == sorted(b"%d" % position for position in range(left.position + 1))
    left.close()


def test_memory_forgets_the_entries_of_states_that_moved_on(path: Path) -> None:
    store = MemoryStore(path)
    for position in range(5_000):
        store.write({b"k": frame.wrap(b"s", 100 + position % 2, None)}, position, NOW)
    assert [ms for _, ms, _ in store.due(1000, 10)] == [101]
    assert len(store._due_heap) <= 1_002
    store.write({b"k": None}, 100, NOW)
    assert store.first_due() is None
    assert store.due(1000, 10) == []


def test_due_entries_come_again_until_they_are_spent(either: AnyStore) -> None:
    """A batch may be dropped. The same due time written again is one entry."""
    for position in range(3):
        either.write({b"k": frame.wrap(b"%d" % position, 100, None)}, position, NOW)
    (entry,) = either.due(200, 10)
    assert [entry] == either.due(200, 10) == either.due(100, 1)
    assert either.due(200, 0) == either.due(99, 10) == []
    either.write({b"k": frame.wrap(b"3", 100, None), b"l": frame.wrap(b"l", 50, None)}, 3, NOW)
    assert [key for _, _, key in either.due(200, 10)] == [b"l", b"k"]
    either.spend([entry[0]])
    assert [key for _, _, key in either.due(200, 10)] == [b"l"]
    assert either.first_due() == 50


def test_sweep_goes_round(either: AnyStore) -> None:
    """A bounded look at a time, each key once per round; only what was written too early goes."""
    aged = {b"k%02d" % i: frame.wrap(b"s", i if i % 7 == 0 else None, 1000 + i) for i in range(20)}
    either.write(aged | plain(b"ageless"), 1, NOW)
    looks = [either.sweep(1010, 6) for _ in range(4)]
    assert sum(looks) == 10
    assert max(looks) <= 6
    assert sorted(dict(either.states())) == [b"ageless", *(b"k%02d" % i for i in range(10, 20))]
    assert [either.sweep(1012, 100), either.sweep(1012, 100)] == [2, 0]
    assert either.position == 1


def test_second_opening_is_refused(store: PartitionStore) -> None:
    with pytest.raises(Exception, match="lock"):
        PartitionStore(store.path, new_cache(), NOW)


def flushed(store: PartitionStore) -> dict[bytes, bytes | None]:
    """Into a file of its own, and something more only in the log."""
    values = plain(*(blake2b(b"%d" % n).digest() for n in range(5000)))
    store.write(values, 7, NOW)
    store._db.flush()
    store.write(plain(b"later"), 8, NOW)
    return values


def overwrite(store: PartitionStore, pattern: str, begin: float = 0.0, end: float = 1.0) -> None:
    path = max(store.path.glob(pattern), key=lambda one: one.stat().st_size)
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
    assert reopened(store, meanwhile=(store.path / "CURRENT").unlink).position == -1
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
