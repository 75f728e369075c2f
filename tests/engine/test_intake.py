"""What was accepted and what is expected next are forgotten together, whatever is offered."""

import asyncio

import pytest
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from processors.engine import Stats
from processors.engine.contiguity import Fetched
from processors.engine.intake import Intake, least_grant
from tests.attribution.effort import examples
from tests.engine.records import record

TP, OTHER = TopicPartition("t", 0), TopicPartition("t", 1)
BUFFER = 40


def fetched(start: int, *offsets: int, end: int | None = None, tp: TopicPartition = TP) -> Fetched:
    records = [record(tp.topic, tp.partition, offset, b"k", b"v") for offset in offsets]
    return Fetched(tp, start, offsets[-1] + 1 if end is None else end, records)


def taken(intake: Intake, limit: int = 1000) -> list[int]:
    return [r.offset for chunk in intake.take(limit, {}) for r in chunk.records]


@pytest.fixture
def intake() -> Intake:
    return Intake(BUFFER, frozenset(), Stats())


def test_closed_it_accepts_nothing(intake: Intake) -> None:
    intake.offer(1, [fetched(0, 0, 1)])
    intake.open(1, {TP: 0})
    intake.close()
    intake.offer(1, [fetched(0, 0, 1)])
    assert (intake.records, intake.wanted(TP)) == (0, None)


def test_fetches_of_a_former_generation_are_dropped(intake: Intake) -> None:
    """Those that came before the end of it, and those that come after."""
    intake.open(1, {TP: 0})
    intake.offer(1, [fetched(0, 0, 1)])
    intake.close()
    intake.open(2, {TP: 2})
    intake.offer(1, [fetched(2, 2)])
    intake.offer(2, [fetched(2, 2)])
    [chunk] = intake.take(10, {})
    assert chunk.next_offset == 3
    assert intake.records == 0


async def test_what_is_refused_is_missing(intake: Intake) -> None:
    """Its position has moved on, and nothing else would come to remind us."""
    intake.open(2, {TP: 2})
    assert await intake.missing() == {TP}
    intake.offer(1, [fetched(2, 2)])
    assert await intake.missing() == {TP}
    intake.offer(2, [fetched(5, 5)])
    assert (await intake.missing(), intake.wanted(TP)) == ({TP}, 2)


async def test_what_is_missing_is_forgotten_with_the_rest(intake: Intake) -> None:
    intake.open(1, {TP: 0})
    intake.close()
    intake.still_missing({TP})
    waiting = asyncio.create_task(intake.missing())
    await asyncio.sleep(0)
    intake.open(2, {OTHER: 0})
    assert await waiting == {OTHER}


def test_a_generation_is_closed_before_the_next(intake: Intake) -> None:
    """Or records of a former one would be taken for those of the next."""
    intake.open(1, {TP: 0})
    intake.open(1, {OTHER: 0})
    with pytest.raises(ValueError, match="generation 1, not 2"):
        intake.open(2, {TP: 0})


async def test_a_partition_that_stands_still(intake: Intake) -> None:
    """Nothing of it is left or comes, though others go on."""
    intake.open(1, {TP: 0, OTHER: 0})
    intake.offer(1, [fetched(0, 0, 1), fetched(0, 0, tp=OTHER)])
    intake.stand_still(TP)
    intake.offer(1, [fetched(2, 2), fetched(1, 1, tp=OTHER)])
    assert {chunk.tp for chunk in intake.take(10, {})} == {OTHER}
    assert await intake.missing() == {OTHER}


@examples(100)
@given(st.data())
def test_any_sequence_of_fetches_and_generations_yields_every_record_in_order(data: st.DataObject) -> None:
    """Each generation goes on where the batches of the one before have come to; credit never runs out."""
    intake, number, done, position = Intake(BUFFER, frozenset(), Stats()), 1, 0, 0
    credit, seen = BUFFER, list[int]()
    intake.open(number, {TP: 0})
    for _ in range(50):
        what = data.draw(st.sampled_from(["fetch", "fetch", "old", "lost", "take", "rebalance"]))
        if what == "lost":
            position = data.draw(st.integers(0, 100))
        elif what == "rebalance":
            intake.close()
            number += 1
            intake.open(number, {TP: done})
            position = done
        elif what == "take":
            for chunk in intake.take(data.draw(st.integers(1, 9)), {}):
                seen += [r.offset for r in chunk.records]
                done = chunk.next_offset
        else:
            wanted = intake.wanted(TP)
            assert wanted is not None
            end = position + min(data.draw(st.integers(1, 10)), credit)
            intake.offer(number - (what == "old"), [fetched(position, *range(position, end), end=end)])
            credit -= end - position
            position = end if intake.wanted(TP) == end else wanted
        credit += intake.room()
        assert credit + intake.records > BUFFER - least_grant(BUFFER)
    seen += taken(intake)
    assert seen == list(range(len(seen)))
