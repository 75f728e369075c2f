"""What every store has to do: :class:`processors.engine.stores.Store`, word by word."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.engine import frame
from processors.engine.state.memory import MemoryStore
from processors.engine.state.rocksdb import PartitionStore, new_cache
from processors.engine.stores import Store
from tests.engine.records import plain

NOW = 1_800_000_000_000
RETENTION_S = 60


@pytest.fixture(params=["rocksdb", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "state" / "t-0"
    made: Store = MemoryStore(path) if request.param == "memory" else on_disk(path)
    assert made.path == path
    yield made
    made.close()


def on_disk(path: Path) -> Store:
    return PartitionStore(path, new_cache(), NOW, 1000 * RETENTION_S)


def aged(keys: set[bytes], written_s: int) -> dict[bytes, bytes | None]:
    """States that were written then."""
    return {key: frame.wrap(b"s", None, written_s) for key in keys}


def dropped(store: Store, written_before_s: int) -> int:
    """All that goes."""
    return sum(iter(lambda: store.drop(written_before_s), 0))


def test_due_in_order_and_bounded(store: Store) -> None:
    dues = {b"k%d" % ms: ms for ms in (300, 100, 2**40, 200)}
    store.write({key: frame.wrap(b"s", ms, None) for key, ms in dues.items()} | plain(b"zz", b"\1"), 1, NOW)
    assert store.first_due() == 100
    assert [(ms, key) for _, ms, key in store.due(300, 10)] == [
        (100, b"k100"),
        (200, b"k200"),
        (300, b"k300"),
    ]
    assert [key for _, _, key in store.due(2**50, 2)] == [b"k100", b"k200"]
    assert store.due(99, 10) == []
    store.spend([entry for entry, _, _ in store.due(200, 10)])
    assert store.first_due() == 300
    assert len(dict(store.states())) == 6


def test_no_due_entries(store: Store) -> None:
    assert store.first_due() is None
    store.write(plain(b"a"), 1, NOW)
    assert store.first_due() is None
    assert store.due(2**60, 10) == []


def test_values_and_position(store: Store) -> None:
    assert store.position == -1
    store.write(plain(b"a", b"b", b"c"), 7, NOW)
    store.write({b"a": None, b"x": None, b"b": frame.wrap(b"new", None, None)}, 9, NOW)
    assert store.position == 9
    assert store.get_many([b"c", b"a", b"b", b"nobody"]) == [b"\0of c", None, b"\0new", None]
    assert dict(store.states()) == {b"b": b"new", b"c": b"of c"}


def test_what_is_gathered_is_read_like_what_is_written(store: Store) -> None:
    dice, truth = random.Random(5), dict[bytes, bytes | None]()
    for position in range(3_000):
        key = b"k%d" % dice.randrange(700)
        stored = None if dice.random() < 0.3 else frame.wrap(b"%d" % position, None, None)
        store.write({key: stored}, position, NOW)
        truth[key] = stored
        some = [key, *(b"k%d" % dice.randrange(700) for _ in range(3))]
        assert store.get_many(some) == [truth.get(one) for one in some]
    assert dict(store.states()) == {key: frame.body(raw) for key, raw in truth.items() if raw is not None}


def test_due_entries_come_again_until_they_are_spent(store: Store) -> None:
    """A batch may be dropped. The same due time written again is one entry."""
    for position in range(3):
        store.write({b"k": frame.wrap(b"%d" % position, 100, None)}, position, NOW)
    (entry,) = store.due(200, 10)
    assert [entry] == store.due(200, 10) == store.due(100, 1)
    assert store.due(200, 0) == store.due(99, 10) == []
    store.write({b"k": frame.wrap(b"3", 100, None), b"l": frame.wrap(b"l", 50, None)}, 3, NOW)
    assert [key for _, _, key in store.due(200, 10)] == [b"l", b"k"]
    store.spend([entry[0]])
    assert [key for _, _, key in store.due(200, 10)] == [b"l"]
    assert store.first_due() == 50


def test_what_is_old_goes(store: Store) -> None:
    """In time, and nothing that is young."""
    for second in range(1000, 1400):
        store.write(aged({b"%04d-%d" % (second, n) for n in range(3)}, second), second, NOW)
        store.first_due()  # as each second in the life of a worker
        before = second - RETENTION_S
        gone = dropped(store, before)
        left = {int(key[:4]) for key, _ in store.states()}
        assert left >= set(range(max(1000, before), second + 1))
        assert min(left) >= before - RETENTION_S // 2 - 1
        assert gone % 3 == 0
    assert store.position == 1399
    assert dropped(store, 1400) == 3 * len(left)
    assert list(store.states()) == []
    assert store.position == 1399


def test_what_is_written_again_is_young_again(store: Store) -> None:
    store.write(aged({b"a", b"b", b"c"}, 1000), 1, NOW)
    store.write(aged({b"x"}, 1040), 2, NOW)
    store.first_due()
    store.write(aged({b"a"}, 1080), 3, NOW)
    store.write({b"c": None}, 4, NOW)
    dropped(store, 1070)
    assert store.get_many([b"a", b"b", b"c", b"x"]) == [frame.wrap(b"s", None, 1080), None, None, None]
    assert [key for key, _ in store.states()] == [b"a"]


def test_what_does_not_say_when_it_was_written_is_as_young_as_what_was_written_with_it(store: Store) -> None:
    store.write(plain(b"ageless"), 1, NOW)
    dropped(store, NOW // 1000)
    assert [key for key, _ in store.states()] == [b"ageless"]


def test_size_is_never_less_than_there_are(store: Store) -> None:
    dice = random.Random(1)
    for position in range(300):
        keys = [b"k%d" % dice.randrange(2_000) for _ in range(10)]
        items: dict[bytes, bytes | None] = dict(aged(set(keys), 1000 + position))
        store.write(items | ({keys[0]: None} if dice.random() < 0.2 else {}), position, NOW)
        dropped(store, 1000 + position - RETENTION_S)
        assert store.size >= len(dict(store.states()))
    dropped(store, 2000)
    assert store.size == 0


def test_what_waits_is_not_dropped(store: Store) -> None:
    """It is given up first, however old it is."""
    store.write({b"k": frame.wrap(b"s", 100, 1000)} | aged({b"z"}, 1000), 1, NOW)
    assert dropped(store, 2000) <= 1
    assert store.get_many([b"k"]) == [frame.wrap(b"s", 100, 1000)]
    store.spend([entry for entry, _, _ in store.due(100, 10)])
    dropped(store, 2000)
    assert store.get_many([b"k", b"z"]) == [None, None]
    assert store.first_due() is None


@pytest.mark.parametrize("looks", [1, 2, 3, 100])
def test_states_that_wait_are_counted(store: Store, looks: int) -> None:
    """Not those that have moved on, and each once however often it was written."""
    store.write({b"k%d" % n: frame.wrap(b"s", 100 + n, None) for n in range(5)} | plain(b"z"), 1, NOW)
    store.write(
        {b"k0": frame.wrap(b"s", None, None), b"k1": None, b"k2": frame.wrap(b"s", 300, None)}, 2, NOW
    )
    counts = [store.held(looks) for _ in range(9)]
    assert counts[-1] == 3
    assert set(counts) <= {None, 3}


def test_an_earlier_entry_is_found_behind_those_that_were_spent(store: Store) -> None:
    """Where the last look ended is no bound for what is written later."""
    for position, ms in enumerate((500, 400, 450, 100, 100, 300)):
        store.write({b"k%d" % ms: frame.wrap(b"s", ms, None)}, position, NOW)
        assert store.first_due() == ms
        [(entry, due_ms, key)] = store.due(600, 10)
        assert (due_ms, key) == (ms, b"k%d" % ms)
        store.spend([entry])
        assert store.first_due() is None


def test_due_like_a_sorted_list(store: Store) -> None:
    dice, truth = random.Random(2), dict[bytes, int]()
    for position in range(400):
        key, ms = b"k%d" % dice.randrange(30), dice.randrange(1, 1000)
        store.write({key: frame.wrap(b"s", ms, None)}, position, NOW)
        truth[key] = ms
        until = dice.randrange(300)
        found = store.due(until, 50)
        assert [ms for _, ms, _ in found] == sorted(ms for _, ms, _ in found)
        live = [(ms, key) for _, ms, key in found if truth.get(key) == ms]
        assert live == sorted((ms, key) for key, ms in truth.items() if ms <= until)
        gone: dict[bytes, bytes | None] = {key: None for _, key in live}
        store.write(gone, position, NOW, [entry for entry, _, _ in found])
        truth = {key: ms for key, ms in truth.items() if key not in gone}
        first = store.first_due()
        assert (first is None) <= (not truth)
        assert first is None or first <= min(truth.values(), default=2**60)
