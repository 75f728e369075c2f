"""How far the consumer thread may run ahead, and that nothing which was missed is forgotten."""

import asyncio

from processors.engine.contiguity import Fetched
from tests.engine.alone import AHEAD, GENERATION, TP, Alone
from tests.engine.records import record


def fetched(start: int, end: int) -> Fetched:
    return Fetched(
        TP, start, end, [record(TP.topic, TP.partition, offset, b"k", b"v") for offset in range(start, end)]
    )


def test_credit_comes_back_as_records_leave(consumer: Alone) -> None:
    """In portions, not one by one: each wakes up the thread."""
    consumer.accept(GENERATION, [fetched(0, AHEAD)], AHEAD)
    for _ in range(10):
        consumer.engine.inbox.take(GENERATION, AHEAD // 10)
        consumer.make_room()
    assert sum(consumer.granted) > 0.7 * AHEAD
    assert len(consumer.granted) <= 4


def test_what_is_refused_or_dropped_gives_its_credit_back(consumer: Alone) -> None:
    """A thread without credit hands nothing over, and would not hear of the next generation's."""
    consumer.accept(GENERATION - 1, [fetched(0, AHEAD)], AHEAD)
    assert consumer.granted == [AHEAD]
    consumer.accept(GENERATION, [fetched(0, AHEAD)], AHEAD)
    assert consumer.granted == [AHEAD]
    consumer.drop()
    assert consumer.granted == [AHEAD, AHEAD]


async def test_a_gap_is_fetched_again_however_often_that_fails(consumer: Alone) -> None:
    consumer.troubles = 2
    consumer.accept(GENERATION, [fetched(5, 10)], 5)
    assert not consumer.engine.inbox
    draining = asyncio.create_task(consumer._drain_messages(consumer))
    assert await asyncio.wait_for(consumer.sought.get(), 10) == {TP: 0}
    assert consumer.troubles == 0
    draining.cancel()
    await asyncio.gather(draining, return_exceptions=True)
