"""Which records of a key count when they lie in several partitions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

import pytest

from processors.kafka.placement import partition_for
from processors.registry.elsewhere import Elsewhere, Outdated

TOPIC = "links"
KEYS = [b"link_%d" % number for number in range(12)]


@dataclass(frozen=True)
class Record:
    key: bytes
    partition: int
    value: bytes | None
    timestamp: int
    topic: str = TOPIC


class History:
    """A topic whose partitions become more, written by those who delete what lies elsewhere, or not."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.records: list[Record] = []
        self.truth: dict[bytes, bytes] = {}
        self._clock = count()

    def write(self, key: bytes, value: bytes | None, *, tidy: bool, skew: int = 0) -> None:
        """``skew``: of the writer's clock."""
        elsewhere = self.read(Random(0))[1]
        now = next(self._clock) + skew
        stamp = elsewhere.stamp(now) if tidy else now
        self._append(key, partition_for(key, self.partitions), value, stamp)
        for one in elsewhere.outdated([(TOPIC, key)]) if tidy else ():
            self._append(one.key, one.partition, None, one.timestamp)
        self.truth.pop(key, None) if value is None else self.truth.update({key: value})

    def compact(self, *, tombstones: bool) -> None:
        """Each partition by itself. ``tombstones``: these go, too: their time is up."""
        last = {(one.partition, one.key): one for one in self.records}
        self.records = [
            one
            for one in self.records
            if last[one.partition, one.key] is one and not (tombstones and one.value is None)
        ]

    def read(self, random: Random) -> tuple[dict[bytes, bytes], Elsewhere]:
        """Partitions in any order."""
        elsewhere, found = Elsewhere({TOPIC: self.partitions}), dict[bytes, bytes]()
        for record in shuffled(self.records, random):
            heard(record, elsewhere, found)
        elsewhere.all_read()
        return found, elsewhere

    def _append(self, key: bytes, partition: int, value: bytes | None, timestamp: int) -> None:
        self.records.append(Record(key, partition, value, timestamp))


def heard(record: Any, elsewhere: Elsewhere, found: dict[bytes, bytes]) -> None:
    if not elsewhere.heard(record):
        return
    if record.value is None:
        found.pop(record.key, None)
    else:
        found[record.key] = record.value


def shuffled(records: Sequence[Record], random: Random) -> Iterator[Record]:
    """Those of a partition stay in order."""
    places = [one.partition for one in records]
    random.shuffle(places)
    queues = {place: iter([one for one in records if one.partition == place]) for place in set(places)}
    return (next(queues[place]) for place in places)


def change(history: History, random: Random, *, tidy: bool) -> None:
    value = b"%d" % random.getrandbits(32) if random.random() < 0.7 else None
    history.write(random.choice(KEYS), value, tidy=tidy, skew=random.randint(-9, 9) if tidy else 0)


@pytest.mark.parametrize("seed", range(60))
def test_nothing_comes_back_however_often_partitions_are_added(seed: int) -> None:
    """In whichever order partitions are read, and whatever has been compacted."""
    random = Random(seed)
    history = History(2)
    for partitions in (2, 5, 9):
        history.partitions = partitions
        for _ in range(30):
            change(history, random, tidy=True)
            if random.random() < 0.2:
                history.compact(tombstones=random.random() < 0.5)
            assert history.read(random)[0] == history.truth


@pytest.mark.parametrize("seed", range(60))
def test_what_was_written_without_deleting_anything_elsewhere(seed: int) -> None:
    """As releases before did. While deletions are kept it is read rightly, and the next change deletes it."""
    random = Random(seed)
    history = History(2)
    for partitions in (2, 5):
        history.partitions = partitions
        for _ in range(30):
            change(history, random, tidy=False)
            assert history.read(random)[0] == history.truth
    history.write(b"another", b"", tidy=True)
    history.compact(tombstones=True)
    assert history.read(random)[0] == history.truth


@pytest.mark.parametrize("seed", range(60))
def test_who_follows_is_told_of_what_comes_in_any_order(seed: int) -> None:
    random = Random(seed)
    history = History(2)
    for _ in range(30):
        change(history, random, tidy=True)
    history.partitions = 5
    found, elsewhere = history.read(random)
    for _ in range(30):
        before = len(history.records)
        change(history, random, tidy=True)
        for record in shuffled(history.records[before:], random):
            heard(record, elsewhere, found)
        assert found == history.truth
    assert {key for key in KEYS if elsewhere.outdated([(TOPIC, key)])} == {
        one.key for one in lying_elsewhere(history)
    }


@pytest.mark.parametrize("seed", range(20))
def test_what_goes_to_its_place_is_there_all_the_while(seed: int) -> None:
    """For whoever follows, though he may read first that it is deleted elsewhere."""
    random = Random(seed)
    history = History(2)
    for key in KEYS:
        history.write(key, b"before", tidy=True)
    history.partitions = 5
    found, elsewhere = history.read(random)
    before = len(history.records)
    for key in KEYS:
        history.write(key, b"after", tidy=True)
    assert any(one.value is None for one in history.records[before:])
    for record in shuffled(history.records[before:], random):
        heard(record, elsewhere, found)
        assert found.keys() == set(KEYS)
    assert set(found.values()) == {b"after"}


def test_topics_whose_partitions_are_what_they_were_have_nothing_elsewhere() -> None:
    history = History(3)
    for number in range(100):
        history.write(KEYS[number % len(KEYS)], b"" if number % 3 else None, tidy=True)
    found, elsewhere = history.read(Random(1))
    assert (found, len(elsewhere)) == (history.truth, 0)
    assert elsewhere.outdated([(TOPIC, key) for key in KEYS]) == []


def test_whoever_writes_is_told_what_to_delete() -> None:
    """What counts is left alone until its key is written."""
    own, first, second = (
        partition_for(b"k", 9),
        *[one for one in range(9) if one != partition_for(b"k", 9)][:2],
    )
    elsewhere = Elsewhere({TOPIC: 9})
    found = dict[bytes, bytes]()
    heard(Record(b"k", second, b"2", 20), elsewhere, found)
    heard(Record(b"k", first, b"1", 10), elsewhere, found)
    elsewhere.all_read()
    assert found == {b"k": b"2"}
    older, newer = Outdated(TOPIC, b"k", first, 10), Outdated(TOPIC, b"k", second, 20)
    assert elsewhere.outdated([]) == [older]
    assert set(elsewhere.outdated([(TOPIC, b"k")])) == {older, newer}
    assert [elsewhere.stamp(now) for now in (5, 50)] == [21, 50]
    heard(Record(b"k", own, None, 21), elsewhere, found)
    assert found == {}
    assert set(elsewhere.outdated([])) == {older, newer}


def lying_elsewhere(history: History) -> list[Record]:
    last = {(one.partition, one.key): one for one in history.records}
    return [
        one
        for one in last.values()
        if one.value is not None and one.partition != partition_for(one.key, history.partitions)
    ]
