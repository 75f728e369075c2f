"""What a batch does, with a toy."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from processors.engine import frame
from processors.engine.batch import Computer
from processors.engine.effects import DueEntry, Effects
from processors.engine.errors import Unexpected
from processors.engine.inbox import Chunk
from processors.engine.processor import Halt, Output, Rejected, Unfit
from processors.engine.state.memory import MemoryStore
from processors.kafka.placement import partition_for
from tests.engine.records import record

PARTITIONS = 4
NOW = 5000


class Toy:
    """A list of what has happened to a key. Value ``n`` appends; ``=`` changes nothing; ``-`` deletes."""

    table = "toy"
    topics = frozenset({"in", "in2"})
    outputs = frozenset({"out", "dead"})
    retention_ms: int | None = None
    inner: frozenset[str] = frozenset()
    fatal: tuple[type[Exception], ...] = ()

    def __init__(self, later_ms: int = 0) -> None:
        """``later_ms``: how much later than they say states are due, by the settings of today."""
        self.loads = self.dumps = 0
        self._later_ms = later_ms

    def parse(self, r: Any, now_ms: int) -> tuple[str, bytes, bytes]:  # noqa: ARG002
        if r.value == b"bad":
            raise Rejected([Output("dead", r.key, r.value)])
        if r.value == b"halt":
            raise Halt("enough")
        topic, _, rest = r.value.partition(b"@")
        return (topic.decode(), r.key, b"") if rest else (r.topic, r.key, r.value)

    def refuse(self, r: Any, unfit: Unfit, detail: str) -> Rejected:
        return Rejected([Output("dead", r.key, unfit.encode())], detail)

    def load(self, raw: bytes) -> tuple[bytes, ...]:
        self.loads += 1
        return tuple(raw.split(b","))

    def dump(self, state: tuple[bytes, ...]) -> bytes:
        self.dumps += 1
        return b",".join(state)

    def due(self, state: tuple[bytes, ...]) -> int | None:
        return int(state[-1][1:]) + self._later_ms if state[-1].startswith(b"d") else None

    def apply(
        self, key: bytes, state: tuple[bytes, ...] | None, fact: bytes, now_ms: int
    ) -> tuple[tuple[bytes, ...] | None, Sequence[Output]]:
        assert now_ms == NOW
        if fact == b"=":
            return state, ()
        if fact == b"-":
            return None, ()
        return (*(state or ()), fact), [Output("out", key, fact), Output("out", b"other", fact)]

    def expire(
        self, key: bytes, state: tuple[bytes, ...], now_ms: int
    ) -> tuple[tuple[bytes, ...] | None, Sequence[Output]]:
        if state[0] == b"stuck" or (self.due(state) or 0) > now_ms:
            return state, ()
        return None, [Output("out", key, b"expired %d" % now_ms)]


def stored_due(state: bytes) -> int | None:
    last = state.split(b",")[-1]
    return int(last[1:]) if last.startswith(b"d") else None


def store_of(states: dict[bytes, bytes]) -> MemoryStore:
    store = MemoryStore(Path("toy-1"))
    stored = {key: frame.wrap(state, stored_due(state), None) for key, state in states.items()}
    store.write(stored, 0, NOW)
    return store


def key_of(partition: int) -> bytes:
    return next(k for i in range(1000) if partition_for(k := b"k%d" % i, PARTITIONS) == partition)


K = [key_of(p) for p in range(PARTITIONS)]


def run(
    *values: bytes,
    key: bytes = K[1],
    stored: dict[bytes, bytes] | None = None,
    due: Sequence[DueEntry] = (),
    toy: Toy | None = None,
    partition: int = 1,
) -> Effects:
    records = [record("in", partition, i, key, value) for i, value in enumerate(values)]
    chunks = [Chunk(TopicPartition("in", partition), records, len(records) + 3)]
    stores = {("toy", partition): store_of(stored or {})}
    return Computer(PARTITIONS, [toy or Toy()]).compute(chunks, due, stores, NOW, 4000)


def items(effects: Effects) -> dict[bytes, bytes | None]:
    return effects.states["toy", 1].items


def test_loaded_once_dumped_once() -> None:
    toy = Toy()
    effects = run(b"1", b"2", b"3", stored={K[1]: b"0"}, toy=toy)
    assert items(effects) == {K[1]: b"\0" + b"0,1,2,3"}
    assert (toy.loads, toy.dumps, effects.taken[0].records) == (1, 1, 3)
    assert effects.offsets == {TopicPartition("in", 1): 6}


def test_outputs_stay_with_their_event_or_follow_their_key() -> None:
    effects = run(b"1", b"2")
    assert [o.value for o in effects.outputs["out", 1] if o.key == K[1]] == [b"1", b"2"]
    other = partition_for(b"other", PARTITIONS)
    assert [o.value for o in effects.outputs["out", other] if o.key == b"other"] == [b"1", b"2"]


def test_no_change_writes_nothing() -> None:
    assert run(b"=", b"=", stored={K[1]: b"0"}).states == {}
    assert run(b"=").states == {}


def test_changed_back_is_still_written() -> None:
    """A store whose owner was superseded may hold something else by now."""
    assert items(run(b"1", b"-")) == {K[1]: None}
    assert items(run(b"-", stored={K[1]: b"0"})) == {K[1]: None}


def test_due_and_age_are_framed() -> None:
    assert items(run(b"d777")) == {K[1]: frame.wrap(b"d777", 777, None)}
    toy = Toy()
    toy.retention_ms = 1
    assert items(run(b"1", toy=toy)) == {K[1]: frame.wrap(b"1", None, NOW // 1000)}


def test_misplaced_records_are_sent_on_unchanged() -> None:
    stray = record("in", 1, 0, K[2], b"1", (("h", b"v"),))
    moved = record("in", 1, 1, K[1], b"in2@x", ())
    chunk = Chunk(TopicPartition("in", 1), [stray, moved], 2)
    effects = Computer(PARTITIONS, [Toy()]).compute([chunk], (), {("toy", 1): store_of({})}, NOW, 0)
    assert effects.states == {}
    assert dict(effects.outputs) == {
        ("in", 2): [Output("in", K[2], b"1", (("h", b"v"),), 1000)],
        ("in2", 1): [Output("in2", K[1], b"in2@x", (), 1001)],
    }
    assert (effects.forwarded, effects.taken[0].records) == ({"in": 2}, 2)


def test_rejected_records_are_answered() -> None:
    effects = run(b"1", b"bad", b"2")
    assert effects.rejected == {"in": 1}
    assert effects.outputs["dead", 1] == [Output("dead", K[1], b"bad")]
    assert items(effects) == {K[1]: b"\0" + b"1,2"}
    nameless = run(b"bad", key=None)  # type: ignore[arg-type]
    assert nameless.outputs["dead", 1] == [Output("dead", None, b"bad")]


def test_halt_comes_through() -> None:
    with pytest.raises(Halt, match="enough"):
        run(b"1", b"halt")


def due(ms: int, key: bytes = K[1]) -> DueEntry:
    return DueEntry("toy", 1, b"entry %d" % ms, ms, key)


def test_expiry() -> None:
    effects = run(stored={K[1]: b"d100"}, due=[due(100)])
    assert effects.states["toy", 1].items == {K[1]: None}
    assert effects.states["toy", 1].spent == [b"entry 100"]
    assert effects.outputs["out", 1] == [Output("out", K[1], b"expired 4000")]
    assert effects.expired == 1


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        pytest.param((b"d200",), b"d100", id="has been put off by a record of this batch"),
        pytest.param((b"1",), b"d100", id="is no longer due, by a record of this batch"),
        pytest.param((), b"d300", id="was put off by an earlier batch"),
        pytest.param((), None, id="is gone"),
    ],
)
def test_entries_that_mean_nothing_any_more(values: tuple[bytes, ...], stored: bytes | None) -> None:
    """The entry is only a hint: it is spent, and the state is left alone."""
    effects = run(*values, stored={} if stored is None else {K[1]: stored}, due=[due(100)])
    assert effects.expired == 0
    assert effects.states["toy", 1].spent == [b"entry 100"]


@pytest.mark.parametrize("later_ms", [-50, 50, 3900])
def test_what_is_stored_says_when_to_ask(later_ms: int) -> None:
    """The processor may have called it due at another time by now: it is called all the same."""
    effects = run(stored={K[1]: b"d100"}, due=[due(100)], toy=Toy(later_ms))
    assert items(effects) == {K[1]: None}
    assert effects.expired == 1


def test_what_is_not_yet_due_by_the_settings_of_today_is_put_off() -> None:
    """The same state, stored with the due time of today."""
    effects = run(stored={K[1]: b"d100"}, due=[due(100)], toy=Toy(3901))
    assert items(effects) == {K[1]: frame.wrap(b"d100", 4001, None)}
    assert effects.states["toy", 1].spent == [b"entry 100"]


def reserved(key: bytes) -> Effects:
    return run(b"1", key=key, partition=partition_for(key, PARTITIONS))


def without_store() -> Effects:
    chunk = Chunk(TopicPartition("in", 1), [record("in", 1, 0, K[1], b"1")], 1)
    return Computer(PARTITIONS, [Toy()]).compute([chunk], (), {}, NOW, 0)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        pytest.param(lambda: reserved(b"\0x"), "reserved", id="a key of the engine's own"),
        pytest.param(lambda: reserved(b""), "empty", id="no key"),
        pytest.param(
            lambda: run(stored={K[1]: b"stuck,d100"}, due=[due(100)]),
            "left a state",
            id="expire that does not",
        ),
        pytest.param(lambda: run(b"nowhere@x"), "undeclared", id="an output nobody has checked"),
        pytest.param(without_store, "co-partitioning", id="a partition whose store is not ours"),
    ],
)
def test_bugs_stop_the_worker(act: Callable[[], Effects], message: str) -> None:
    with pytest.raises(Unexpected, match=message):
        act()
