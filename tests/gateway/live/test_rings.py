"""Whoever reads on from a position, here or at another gateway, misses nothing and has nothing twice."""

from collections.abc import Sequence
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.gateway.live.positions import TOPICS, Place, Position, later, read, written
from processors.gateway.live.rings import Cursor, Lost, Record, Rings
from schemas.topics import Topic

PLACES: Final = [Place(topic, partition) for topic in TOPICS for partition in range(2)]
NOWHERE: Final = dict.fromkeys(PLACES, 0)


def record(place: Place, offset: int, workspace: str = "acme", name: str = "x", size: int = 10) -> Record:
    return Record(place, offset, f"{workspace}:{name}".encode(), b"v" * size, 0)


class Kafka:
    """Topics that are lists; offsets have gaps, as after the markers of transactions."""

    def __init__(self) -> None:
        self.records: dict[Place, list[Record]] = {place: [] for place in PLACES}
        self.ends = dict(NOWHERE)

    def write(self, random: Random) -> None:
        place = random.choice(PLACES)
        self.records[place].append(record(place, self.ends[place], random.choice(("acme", "other"))))
        self.ends[place] += random.choice((1, 1, 2))


class Gateway:
    """Reads each partition in its order, and the partitions in any."""

    def __init__(self, kafka: Kafka, back: int, most: int) -> None:
        self._kafka = kafka
        self.rings = Rings(most)
        starts = {place: max(0, end - back) for place, end in kafka.ends.items()}
        self.rings.begin(starts, kafka.ends)

    def read(self, random: Random) -> None:
        for _ in range(random.randrange(6)):
            place = random.choice(PLACES)
            reached = self.rings.reached[place]
            ahead = [one for one in self._kafka.records[place] if one.offset >= reached]
            if ahead:
                self.rings.add(ahead[0])
            else:
                self.rings.reached[place] = max(reached, self._kafka.ends[place])


@given(st.integers(0, 2**32), st.sampled_from((3, 20, 1_000)), st.sampled_from((2, 1_000)))
def test_any_cuts_at_any_gateway(seed: int, most: int, back: int) -> None:
    """A reader who is cut off within anything, and comes back to gateways that lag and are restarted."""
    random, kafka = Random(seed), Kafka()
    gateways = [Gateway(kafka, back, most) for _ in range(2)]
    had: list[Record] = []
    excused = dict(NOWHERE)
    position: Position | None = None
    cursor: Cursor | None = None
    for _ in range(60):
        kafka.write(random)
        gateway = random.choice(gateways)
        gateway.read(random)
        if random.random() < 0.05:
            gateways[gateways.index(gateway)] = gateway = Gateway(kafka, back, most)
            cursor = None
        if cursor is None or random.random() < 0.3:
            known = gateway.rings.oldest("acme") if position is None else read(written(position))
            assert known is not None
            try:
                cursor = Cursor(gateway.rings, "acme", known)
            except Lost:
                # It is told to look elsewhere for what is before this.
                excused = later(excused, gateway.rings.oldest("acme"))
                cursor = Cursor(gateway.rings, "acme", later(known, gateway.rings.oldest("acme")))
        try:
            for one in cursor.take(random.choice((1, 5, 100))):
                # Before the cut only what was told with the last position has arrived.
                had.append(one)
                position = dict(cursor.position)
            if cursor.waits:
                position = dict(cursor.position)
        except Lost:
            cursor = None
    if position is None:
        return
    wanted = [
        one
        for place in PLACES
        for one in kafka.records[place]
        if one.key == b"acme:x" and excused[place] <= one.offset < position[place]
    ]
    beside = [one for one in had if one.offset >= excused[one.place]]
    assert sorted(beside) == sorted(wanted)
    assert len(set(had)) == len(had)


@given(st.dictionaries(st.sampled_from(PLACES), st.integers(0, 2**62)))
def test_what_is_written_is_read_again(position: Position) -> None:
    found = read(written(position))
    assert found is not None
    assert {place: offset for place, offset in found.items() if offset} == {
        place: offset for place, offset in position.items() if offset
    }


@given(st.text() | st.text(alphabet="AQgB_-", max_size=40))
def test_any_text_is_a_position_or_none(text: str) -> None:
    found = read(text)
    assert found is None or read(written(found)) == found


def test_news_begins_where_the_topics_ended() -> None:
    """What lies before was read for those who come back."""
    rings, place = Rings(), PLACES[0]
    rings.begin(NOWHERE, {**NOWHERE, place: 2})
    for offset in range(3):
        rings.add(record(place, offset))
    cursor = Cursor(rings, "acme", later({}, {**NOWHERE, place: 2}))
    assert [one.offset for one in cursor.take(10)] == [2]
    assert [*Cursor(rings, "acme", rings.now).take(10)] == []


def test_nobody_reads_of_another_workspace() -> None:
    rings = Rings()
    rings.begin(NOWHERE, NOWHERE)
    rings.add(record(PLACES[0], 0, "acme"))
    assert [*Cursor(rings, "acm", NOWHERE).take(10)] == []
    assert len([*Cursor(rings, "acme", NOWHERE).take(10)]) == 1


def offsets(rings: Rings, workspace: str) -> Sequence[int]:
    return [one.offset for one in rings.ring(workspace).records]


def test_memory_is_bounded_by_what_is_oldest() -> None:
    """Of all workspaces together, whose ever it is."""
    size = record(PLACES[0], 0).size
    rings = Rings(most_of_each=3, most_bytes=5 * size)
    rings.begin(NOWHERE, NOWHERE)
    for offset, workspace in enumerate(("acme", "other", "acme", "acme", "acme", "other", "other")):
        rings.add(record(PLACES[0], offset, workspace[:4], ""))
    assert offsets(rings, "acme") == [2, 3, 4]
    assert offsets(rings, "othe") == [5, 6]
    assert rings.size == 5 * record(PLACES[0], 0, "acme", "").size


def test_who_is_slower_than_the_ring_is_told() -> None:
    rings = Rings(most_of_each=2)
    rings.begin(NOWHERE, NOWHERE)
    cursor = Cursor(rings, "acme", NOWHERE)
    for offset in range(3):
        rings.add(record(PLACES[0], offset))
    with pytest.raises(Lost):
        next(cursor.take(1))


def test_of_an_erased_person_nothing_is_told_any_more() -> None:
    rings, leads, customers = Rings(), Place(Topic.LEADS, 0), Place(Topic.CUSTOMERS, 0)
    rings.begin(NOWHERE, NOWHERE)
    rings.add(record(leads, 0, name="ann"))
    rings.add(record(leads, 1, name="bob"))
    rings.add(record(customers, 0, name="ann", size=0))
    told = [(one.key, one.value != b"") for one in Cursor(rings, "acme", NOWHERE).take(10)]
    assert told == [(b"acme:ann", False), (b"acme:bob", True)]


def test_an_erasure_that_is_read_before_what_it_erases() -> None:
    """Partitions are read in any order. Of as many persons as there is room for records."""
    rings, sales, customers = Rings(most_of_each=2), Place(Topic.SALES, 0), Place(Topic.CUSTOMERS, 0)
    rings.begin(NOWHERE, NOWHERE)
    for offset, name in enumerate(("ann", "bob", "cid")):
        rings.add(record(customers, offset, name=name, size=0))
    rings.add(record(customers, 3, "other", name="ann", size=0))
    whose = [rings.add(record(sales, offset, name=name)) for offset, name in enumerate(("bob", "cid", "dan"))]
    assert whose == [None, None, "acme"]
    assert [one.key for one in Cursor(rings, "acme", NOWHERE).take(10)] == [b"acme:dan"]
    assert rings.reached[sales] == 3


def test_what_is_nobodys_is_left_out() -> None:
    rings = Rings()
    rings.begin(NOWHERE, NOWHERE)
    assert rings.add(Record(PLACES[0], 0, b"\xff:x", b"v", 0)) is None
    assert rings.reached[PLACES[0]] == 1
