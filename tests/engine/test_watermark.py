"""Time moves when everything that had arrived is processed, and what came of it, and what came of that."""

import pytest
from aiokafka.structs import TopicPartition

from processors.engine.watermark import Watermark, hops
from tests.engine.toys import Counter, Holder, Names, chain

A, B = TopicPartition("a", 0), TopicPartition("b", 0)


def test_two_rounds() -> None:
    """The first round only says when the second may begin: a record may have to pass two processors."""
    watermark = Watermark(2)
    watermark.begin(100, {A: 5, B: 7})
    assert watermark.running
    assert not watermark.advance({A: 5, B: 6})
    assert not watermark.advance({A: 5, B: 7})
    assert (watermark.running, watermark.time_ms) == (False, 0)
    watermark.begin(200, {A: 6, B: 7})
    assert not watermark.advance({A: 5, B: 9})
    assert watermark.advance({A: 6, B: 9})
    assert watermark.time_ms == 100
    watermark.begin(300, {A: 6, B: 9})
    assert watermark.advance({A: 6, B: 9})
    assert watermark.time_ms == 200


def test_each_partition_has_to_get_there_once() -> None:
    watermark = Watermark(2)
    watermark.begin(100, {A: 5, B: 5})
    assert not watermark.advance({A: 5})
    assert not watermark.advance({B: 5})
    assert not watermark.running


def test_without_a_round_time_stands_still() -> None:
    watermark = Watermark(2)
    assert not watermark.advance({A: 1})
    assert watermark.time_ms == 0
    watermark.begin(100, {})
    watermark.advance({})
    assert not watermark.advance({})
    assert watermark.time_ms == 0


@pytest.mark.parametrize("further", [1, 2, 3, 5])
def test_as_many_rounds_as_hops(further: int) -> None:
    watermark = Watermark(further)
    known = []
    for start_ms in range(100, 200, 10):
        watermark.begin(start_ms, {A: start_ms})
        watermark.advance({A: start_ms})
        known.append(watermark.time_ms)
    assert known == [0] * (further - 1) + list(range(100, 200 - 10 * (further - 1), 10))


def counter(reads: str, writes: str) -> Counter:
    return Counter(reads, [reads], writes, "dead", chain=False)


@pytest.mark.parametrize(
    ("processors", "expected"),
    [
        pytest.param([Holder(Names("t"), 1)], 2, id="sent on, then applied"),
        pytest.param(chain(Names("t")), 3, id="and once more by the second"),
        pytest.param([counter("a", "b"), counter("b", "c"), counter("c", "out")], 4, id="a chain of three"),
        pytest.param([counter("a", "b"), counter("b", "a")], 3, id="a circle is gone round once"),
        pytest.param([counter("a", "a")], 2, id="what writes to its own source is done with it"),
    ],
)
def test_hops(processors: list[Counter], expected: int) -> None:
    assert hops(processors) == expected
