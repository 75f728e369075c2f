"""Time moves when everything that had arrived is processed, twice over."""

from aiokafka.structs import TopicPartition

from processors.engine.expiry import Watermark

A, B = TopicPartition("a", 0), TopicPartition("b", 0)


def test_two_rounds() -> None:
    """The first round only says when the second may begin: a record may have to pass two processors."""
    watermark = Watermark()
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
    watermark = Watermark()
    watermark.begin(100, {A: 5, B: 5})
    assert not watermark.advance({A: 5})
    assert not watermark.advance({B: 5})
    assert not watermark.running


def test_without_a_round_time_stands_still() -> None:
    watermark = Watermark()
    assert not watermark.advance({A: 1})
    assert watermark.time_ms == 0
    watermark.begin(100, {})
    watermark.advance({})
    assert not watermark.advance({})
    assert watermark.time_ms == 0
