"""States past their retention go, as fast as they come, and not before what arrived in time was processed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from processors.engine import Stats, frame
from processors.engine.expiry import Timekeeper
from processors.engine.state.memory import MemoryStore
from processors.engine.state.rocksdb import PartitionStore, new_cache
from processors.engine.stores import Store
from tests.engine.one_partition import settings_by
from tests.engine.toys import Counter

START_MS = 1_800_000_000_000
PARTITIONS = 3
SOURCE = TopicPartition("clicks", 0)


Make = Callable[[Path, int, int], Store]


def in_memory(path: Path, now_ms: int, retention_ms: int) -> Store:
    del now_ms, retention_ms
    return MemoryStore(path)


def on_disk(path: Path, now_ms: int, retention_ms: int) -> Store:
    return PartitionStore(path, new_cache(), now_ms, retention_ms)


class Table:
    """A table with a retention, and a clock."""

    def __init__(self, directory: Path, make: Make, retention_ms: int) -> None:
        self._directory = directory
        self._make = make
        self._job = Counter("t", ["clicks"], "out", "dead", chain=False)
        self._job.retention_ms = self._retention_ms = retention_ms
        self.written = 0
        self.now_ms = START_MS
        self.stats = Stats()
        self.stores: dict[tuple[str, int], Store] = {}
        self.start()

    def start(self) -> None:
        for partition in range(PARTITIONS):
            path = self._directory / f"t-{partition}"
            if ("t", partition) not in self.stores:
                self.stores["t", partition] = self._make(path, self.now_ms, self._retention_ms)
        settings = settings_by(lambda: self.now_ms)
        self.time = Timekeeper(settings, [self._job], self.stats, self.stores)

    def restart(self) -> None:
        """Of what is on a disk."""
        for place in [place for place, store in self.stores.items() if isinstance(store, PartitionStore)]:
            self.stores.pop(place).close()
        self.start()

    def write(self, count: int) -> None:
        """New states, as a batch would."""
        for partition in range(PARTITIONS):
            keys = range(self.written + partition, self.written + count, PARTITIONS)
            stored = frame.wrap(b"x" * 40, None, self.now_ms // 1000)
            # Keys come in no order, as clickIds do.
            items: dict[bytes, bytes | None] = {
                b"%08x" % (key * 2_654_435_761 % 2**32): stored for key in keys
            }
            self.stores["t", partition].write(items, self.written, self.now_ms)
        self.written += count

    def pass_time(self, ms: int, processed: int = 0) -> None:
        """One look of the housekeeping, all of the log being 0 offsets long."""
        self.now_ms += ms
        if self.time.round_wanted():
            self.time.watermark.begin(self.now_ms, {SOURCE: 0})
        self.time.take({SOURCE: processed})
        list(self.time.drop())

    def held(self) -> int:
        return sum(len(list(store.states())) for store in self.stores.values())

    def close(self) -> None:
        for store in self.stores.values():
            store.close()


@pytest.fixture(params=[in_memory, on_disk])
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_as_fast_as_they_come(make: Make, tmp_path: Path) -> None:
    """At 2,500 a second for ten retentions, restarts among them: at most two thirds too many."""
    retention_s, rate, looks_a_second = 16, 2_500, 10
    table = Table(tmp_path, make, retention_s * 1000)
    most = 0
    for tick in range(10 * retention_s * looks_a_second):
        table.write(rate // looks_a_second)
        table.pass_time(1000 // looks_a_second)
        if tick % (3 * retention_s * looks_a_second) == 0:
            table.restart()
        most = max(most, table.written - table.stats.dropped)
    assert table.held() == table.written - table.stats.dropped
    assert rate * retention_s <= most <= 1.65 * rate * retention_s
    table.close()


def test_the_clock_alone_drops_nothing(make: Make, tmp_path: Path) -> None:
    """After an outage: not while something that arrived meanwhile is still to be processed."""
    table = Table(tmp_path, make, 60_000)
    table.write(1000)
    table.now_ms += 10 * 60_000
    table.start()
    for _ in range(100):
        table.pass_time(1000, processed=-1)
    assert table.held() == 1000
    for _ in range(100):
        table.pass_time(1000)
    assert table.held() == 0
    assert table.stats.dropped == 1000
    table.close()


def test_a_new_generation_knows_nothing_of_the_time(make: Make, tmp_path: Path) -> None:
    """Its partitions may be others: it needs as many rounds as there are hops again."""
    table = Table(tmp_path, make, 60_000)
    table.write(10)
    table.now_ms += 10 * 60_000
    for _ in range(2):
        table.start()
        table.pass_time(1000)
        assert (table.time.watermark.time_ms, table.held()) == (0, 10)
    table.pass_time(1000)
    list(table.time.drop())
    assert table.time.watermark.time_ms > 0
    table.close()


def test_dropping_needs_few_rounds(make: Make, tmp_path: Path) -> None:
    """Nothing is due: a watermark that is a hundredth of the retention old is good enough."""
    table = Table(tmp_path, make, 3_600_000)
    rounds = 0
    for _ in range(3600):
        table.now_ms += 1000
        if table.time.round_wanted():
            rounds += 1
            table.time.watermark.begin(table.now_ms, {})
        table.time.take({})
        assert table.time.watermark.time_ms == 0 or table.now_ms - table.time.watermark.time_ms < 40_000
    assert rounds <= 2 * (100 + 1)
    table.close()


def test_a_table_that_is_kept_wants_no_rounds(tmp_path: Path) -> None:
    job = Counter("t", ["clicks"], "out", "dead", chain=False)
    settings = settings_by(lambda: START_MS)
    time = Timekeeper(settings, [job], Stats(), {("t", 0): MemoryStore(tmp_path)})
    assert not time.round_wanted()
    assert list(time.drop()) == []
