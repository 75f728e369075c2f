"""How far the consumer thread may run ahead, and that nothing which was missed is forgotten."""

import asyncio

from processors.engine.contiguity import Fetched
from processors.engine.gaps import fetch_missing
from tests.engine.kafka.alone import AHEAD, GENERATION, TP, Alone
from tests.engine.records import record


def fetched(start: int, end: int) -> Fetched:
    return Fetched(
        TP, start, end, [record(TP.topic, TP.partition, offset, b"k", b"v") for offset in range(start, end)]
    )


def test_credit_comes_back_as_records_leave(consumer: Alone) -> None:
    """In portions, not one by one: each wakes up the thread."""
    consumer.accept(GENERATION, [fetched(0, AHEAD)])
    for _ in range(10):
        consumer.app.intake.take(AHEAD // 10, {})
        consumer.grant(consumer.app.intake.room())
    assert sum(consumer.granted) > 0.7 * AHEAD
    assert len(consumer.granted) <= 4


def test_what_is_refused_or_dropped_gives_its_credit_back(consumer: Alone) -> None:
    """A thread without credit hands nothing over, and would not hear of the next generation's."""
    consumer.accept(GENERATION - 1, [fetched(0, AHEAD)])
    assert consumer.granted == [AHEAD]
    consumer.accept(GENERATION, [fetched(0, AHEAD)])
    assert consumer.granted == [AHEAD]
    consumer.app.engine.drop()
    assert consumer.granted == [AHEAD, AHEAD]


async def test_nothing_is_accepted_while_nothing_flows(consumer: Alone) -> None:
    """The partitions are about to be taken from us, or the generation is over and we have not heard of it."""
    consumer.flow_active = False
    consumer.accept(GENERATION, [fetched(0, 5)])
    assert consumer.app.intake.records == 0
    assert await consumer.app.intake.missing() == {TP}


async def test_a_gap_is_fetched_again_however_often_that_fails(consumer: Alone) -> None:
    consumer.troubles = 2
    app = consumer.app
    consumer.accept(GENERATION, [fetched(5, 10)])
    assert app.intake.records == 0
    fetching = asyncio.create_task(fetch_missing(consumer, app.intake, app.stats))
    assert await asyncio.wait_for(consumer.sought.get(), 10) == {TP: 0}
    assert consumer.troubles == 0
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)
