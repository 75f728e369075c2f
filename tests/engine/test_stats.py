"""What an engine counts of a batch that is committed, and how it stands."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiokafka.structs import TopicPartition

from processors.engine import Stats, frame
from processors.engine.effects import Effects, StateWrite, Taken
from processors.engine.expiry import Timekeeper
from processors.engine.processor import Output
from processors.engine.settings import EngineSettings
from processors.engine.standing import standing
from processors.engine.state.memory import MemoryStore
from processors.engine.trouble import Failure
from processors.engine.watch import Quarantined
from processors.kafka.connection import KafkaConnection
from tests.engine.toys import Names, chain

A0, A1, B0 = TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 0)


def test_each_record_has_one_outcome() -> None:
    effects = Effects(0, taken=[Taken(A0, 5, 100, 200), Taken(A1, 4, 150, 300), Taken(B0, 2, -1, -1)])
    effects.forwarded["a"] = 2
    effects.rejected["a"] = 3
    effects.quarantined = [
        Quarantined(A0, Failure(7, "", "KeyError: 'x'")),
        Quarantined(B0, Failure(9, "", "KeyError: 'x'", due=True)),
    ]
    stats = Stats()
    stats.count(effects, 1_100)
    assert stats.outcomes == {
        ("a", "applied"): 4,
        ("a", "forwarded"): 2,
        ("a", "rejected"): 2,
        ("a", "quarantined"): 1,
        ("b", "applied"): 2,
    }
    assert (stats.events, stats.forwarded, stats.rejected, stats.quarantined) == (11, 2, 3, 2)


class Recorded(Counter[tuple[str, str]]):
    """What another thread could see between two steps."""

    def __init__(self) -> None:
        super().__init__()
        self.falls: list[tuple[str, str]] = []

    def __setitem__(self, key: tuple[str, str], value: int) -> None:
        if value < self[key]:
            self.falls.append(key)
        super().__setitem__(key, value)


def test_no_counter_ever_falls() -> None:
    """A scrape in between would take it for one that began anew, and count everything twice."""
    stats, recorded = Stats(), Recorded()
    stats.outcomes = recorded
    for _ in range(2):
        effects = Effects(0, taken=[Taken(A0, 5, 100, 200), Taken(A1, 4, 150, 300)])
        effects.forwarded["a"] = 2
        effects.rejected["a"] = 3
        stats.count(effects, 1_100)
    assert recorded["a", "applied"] == 8
    assert recorded.falls == []


def test_records_are_as_old_as_the_oldest_that_came_with_them() -> None:
    stats = Stats()
    stats.count(
        Effects(0, taken=[Taken(A0, 5, 100, 200), Taken(A1, 4, 150, 300), Taken(B0, 2, -1, -1)]), 1_100
    )
    assert stats.age_seconds["a"].total == 5 * 1.0 + 4 * 0.95
    assert sum(stats.age_seconds["a"].counts) == 9
    assert "b" not in stats.age_seconds, "they have no time"
    assert stats.reached_ms == {A0: 200, A1: 300, B0: -1}


def test_what_is_written_counts_by_topic() -> None:
    effects = Effects(0, states={("t", 0): StateWrite({b"k": b"v", b"l": None}, [])})
    effects.outputs["out", 0] += [Output("out", b"k", b"v")] * 3
    effects.outputs["out", 1] += [Output("out", b"k", b"v")]
    effects.outputs["dead", 0] += [Output("dead", b"k", b"v")]
    stats = Stats()
    stats.count(effects, 0)
    assert stats.written == {"out": 4, "dead": 1}
    assert (stats.outputs, stats.state_writes) == (5, 2)


def test_plain_numbers_can_be_printed() -> None:
    assert all(isinstance(value, int | float) for value in Stats().as_dict().values())
    assert Stats().as_dict()["batches"] == 0


def test_how_things_stand() -> None:
    stores: Any = {(table, n): MemoryStore(Path(table)) for table in ("t", "u") for n in (0, 1)}
    stores["t", 1].write({b"k": frame.wrap(b"s", None, None)}, 0, 0)
    current: Any = SimpleNamespace(processed={A0: 5, A1: 7, B0: 1}, stores=stores)
    found = standing(current, {A0: 9, A1: 6}.get)
    assert found.restored == 2
    assert found.lag == {A0: 4, A1: 0}, "what was never fetched from is not known"
    assert found.states == {"t": 1, "u": 0}
    assert standing(None, {}.get).restored is None


def test_states_that_wait_are_counted_store_by_store(tmp_path: Path) -> None:
    stores: Any = {("t", n): MemoryStore(tmp_path) for n in range(3)}
    for n, store in enumerate(stores.values()):
        store.write({b"%d" % key: frame.wrap(b"s", 9, None) for key in range(n)}, 0, 0)
        store.write({b"x": frame.wrap(b"s", None, None)}, 0, 0)
    settings = EngineSettings(
        connection=KafkaConnection(bootstrap=""), application_id="t", data_dir=tmp_path, partitions=3
    )
    stats = Stats()
    time = Timekeeper(settings, chain(Names("t.")), stats, stores)
    for _ in range(4):
        time.count_held()
    assert stats.held == {"t": 3}
