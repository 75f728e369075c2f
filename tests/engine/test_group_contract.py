"""What every group and every producer has to do: :class:`processors.engine.group.Group` and
:class:`processors.engine.producer.Producer`, on Kafka and on lists.

The engine itself does not run: its part is played by the tests.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from processors.engine.errors import Superseded
from processors.engine.producer import FencedGeneration, Fields
from tests.engine.harness import PARTITIONS
from tests.engine.sides import BUFFER, TABLES, TOPICS, InMemory, Side, eventually, on_kafka, only_played


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.integration)])
async def side(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Side]:
    """One or the other."""
    deaths = only_played(monkeypatch)
    if request.param == "memory":
        yield InMemory()
    else:
        async with on_kafka(request.getfixturevalue("site"), tmp_path) as made:
            yield made
    assert deaths == []


def sources(side: Side, *topics: str) -> list[TopicPartition]:
    return [TopicPartition(side.names(topic), p) for topic in topics or TOPICS for p in range(PARTITIONS)]


def fields(side: Side, value: bytes) -> Fields:
    return b"k", value, [], side.now_ms


async def test_a_member_is_in_a_generation(side: Side) -> None:
    group = (await side.join()).group
    number = group.generation
    assert number > 0
    assert (group.flowing, group.stopping, group.rebalancing_since) == (True, False, None)
    assert group.sources() == set(sources(side))
    assert group.stores().keys() == {(table, p) for table in TABLES for p in range(PARTITIONS)}
    assert group.member(number).generation == number
    with pytest.raises(Superseded):
        group.member(number + 1)


async def test_records_come_from_where_they_are_asked_for(side: Side) -> None:
    """Of those partitions that were named, and no others; before that of none."""
    joined = await side.join()
    first, second = sources(side, "a")[:2]
    for partition in (0, 1):
        side.send("a", range(10), partition)
    joined.intake.open(joined.group.generation, {first: 0, second: 0})
    await asyncio.sleep(0.2)
    assert joined.take() == {}
    await joined.go_on_at({first: 4})
    await joined.come({first: [4, 5, 6, 7, 8, 9]})
    await joined.go_on_at({second: 0})
    side.send("a", range(10, 12), 0)
    await joined.come({first: list(range(4, 12)), second: list(range(10))})


async def test_records_come_again_when_they_are_asked_for_again(side: Side) -> None:
    joined = await side.join()
    tp = sources(side, "b")[0]
    side.send("b", range(10), 0)
    await joined.go_on_at({tp: 0})
    await joined.come({tp: list(range(10))})
    await joined.go_on_at({tp: 3})
    await joined.come({tp: [*range(10), *range(3, 10)]})


async def test_a_partition_that_stands_still(side: Side) -> None:
    """Until it is asked for anew."""
    joined = await side.join()
    still, other = sources(side, "a")[:2]
    side.send("a", range(3), 0)
    await joined.go_on_at({still: 0, other: 0})
    await joined.come({still: [0, 1, 2]})
    joined.group.stand_still(still)
    await joined.group.ends({still})  # what was told the thread before has arrived there
    side.send("a", range(3), 0)
    side.send("a", range(5), 1)
    await joined.come({still: [0, 1, 2], other: list(range(5))})
    await joined.go_on_at({still: 3})
    await joined.come({still: list(range(6)), other: list(range(5))})


async def test_no_more_comes_than_was_granted(side: Side) -> None:
    """One record of each partition on top. What is granted comes, and nothing is left out."""
    joined = await side.join()
    tps = sources(side, "a")
    joined.intake.room = lambda: 0  # type: ignore[method-assign]
    for partition in range(PARTITIONS):
        side.send("a", range(BUFFER), partition)
    await joined.go_on_at(dict.fromkeys(tps, 0))
    await eventually(lambda: joined.intake.records > 0.5 * BUFFER)
    await asyncio.sleep(0.2)
    assert joined.intake.records <= BUFFER + PARTITIONS
    joined.group.grant(BUFFER)
    await eventually(lambda: joined.intake.records > 1.5 * BUFFER)
    await asyncio.sleep(0.2)
    assert joined.intake.records <= 2 * (BUFFER + PARTITIONS)
    joined.group.grant(10 * BUFFER)
    await joined.come({tp: list(range(BUFFER)) for tp in tps})


async def test_gathering_keeps_nothing_back(side: Side) -> None:
    joined = await side.join()
    tp = sources(side, "a")[0]
    await joined.go_on_at({tp: 0})
    joined.group.gather(0.02)
    side.send("a", range(2), 0)
    await joined.come({tp: [0, 1]})
    joined.group.gather(0.0)
    side.send("a", range(2), 0)
    await joined.come({tp: [0, 1, 2, 3]})


async def test_where_a_generation_goes_on(side: Side) -> None:
    """At what was committed, with what was told then; else at the beginning, which is not committed yet."""
    joined = await side.join()
    group, producer, tps = joined.group, joined.producer, sources(side, "a")
    side.send("a", range(5), 0)
    start = await group.start_offsets(set(tps), lambda: True)
    assert start == (dict.fromkeys(tps, 0), dict.fromkeys(tps, 0), 0, 0, {})
    out = TopicPartition(side.names("out"), 0)
    producer.begin(group.member(group.generation))
    await producer.add([out])
    assert await producer.send({out: [fields(side, b"1"), fields(side, b"2")]}) == {out: 1}
    await producer.commit_offsets({tps[0]: 5, tps[1]: 0}, {tps[0]: "told"})
    await producer.commit()
    start = await group.start_offsets(set(tps), lambda: True)
    assert (start.offsets, start.lost) == ({**dict.fromkeys(tps, 0), tps[0]: 5}, 0)
    assert (set(start.moved), start.metadata) == (set(tps[2:]), {tps[0]: "told"})
    assert dict(await group.committed(set(tps))) == {tps[0]: 5, tps[1]: 0}
    # A commit is answered before its markers are written.
    for _ in range(1000):
        if dict(await group.ends({out})) == {out: 3}:
            break
    assert dict(await group.ends({out})) == {out: 3}
    assert dict(await group.beginnings({out, tps[0]})) == {out: 0, tps[0]: 0}


async def test_undecided_offsets_are_waited_for(side: Side) -> None:
    """And the end of a log counts what is undecided."""
    joined = await side.join()
    group, producer, tp = joined.group, joined.producer, sources(side, "a")[0]
    out = TopicPartition(side.names("out"), 1)
    producer.begin(group.member(group.generation))
    await producer.add([out])
    await producer.send({out: [fields(side, b"1")]})
    await producer.commit_offsets({tp: 7})
    assert dict(await group.ends({out})) == {out: 1}
    asked = 0

    def go_on() -> bool:
        nonlocal asked
        asked += 1
        return True

    waiting = asyncio.create_task(group.start_offsets({tp}, go_on))
    await eventually(lambda: asked > 2)
    assert not waiting.done()
    with pytest.raises(Superseded):
        await group.start_offsets({tp}, lambda: False)
    await producer.commit()
    start = await waiting
    assert start.offsets == {tp: 7}
    assert start.waits > 0


async def test_what_is_aborted_never_was(side: Side) -> None:
    joined = await side.join()
    group, producer, tp = joined.group, joined.producer, sources(side, "mid")[0]
    for end in (producer.abort, producer.commit):
        producer.begin(group.member(group.generation))
        await producer.add([tp])
        await producer.send({tp: [fields(side, b"1")]})
        await producer.commit_offsets({tp: 1 if end == producer.abort else 0})
        await end()
    await joined.go_on_at({tp: 0})
    await joined.come({tp: [2]})  # behind the aborted one and its marker
    assert (await group.start_offsets({tp}, lambda: True)).offsets == {tp: 0}


async def test_the_end_of_a_generation(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine drops what it has and ends its batch as a member. Afterwards that one commits nothing."""
    joined = await side.join()
    group, producer = joined.group, joined.producer
    number, tp = group.generation, sources(side, "a")[0]
    former = group.member(number)
    side.send("a", range(3), 0)
    await joined.go_on_at({tp: 0})
    await eventually(lambda: joined.intake.records == 3)
    told: list[Any] = []
    drop, finish = joined.engine.drop, joined.engine.finish_batch

    def dropped() -> None:
        told.append("drop")
        drop()

    async def finished() -> None:
        assert joined.intake.records == 0
        out = TopicPartition(side.names("out"), 0)
        producer.begin(former)
        await producer.add([out])
        await producer.send({out: [fields(side, b"in flight")]})
        await producer.commit_offsets({tp: 1})
        await producer.commit()
        told.append("finished")
        await finish()

    with monkeypatch.context() as patched:
        patched.setattr(joined.engine, "drop", dropped)
        patched.setattr(joined.engine, "finish_batch", finished)
        other = await side.join()
    assert told[0] == "drop"
    assert told.count("finished") == 1
    assert group.generation == other.group.generation > number
    assert not group.sources() & other.group.sources()
    assert group.sources() | other.group.sources() == set(sources(side))
    for one in (group, other.group):
        assert {place[1] for place in one.stores()} == {source.partition for source in one.sources()}
    with pytest.raises(Superseded):
        group.member(number)
    assert (await other.group.start_offsets({tp}, lambda: True)).offsets == {tp: 1}
    producer.begin(former)
    await producer.add([])
    with pytest.raises(FencedGeneration):
        await producer.commit_offsets({tp: 9})
    await producer.abort()
    assert (await group.start_offsets({tp}, lambda: True)).offsets == {tp: 1}
