"""How far the consumer thread may run ahead, and that nothing which was missed is forgotten."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition

from processors.engine import EngineSettings, create_app
from processors.engine.contiguity import Fetched
from processors.engine.expiry import Timekeeper
from processors.engine.generation import Generation
from processors.engine.transport import BatchConsumer
from tests.engine.records import record
from tests.engine.toys import Names, chain

AHEAD = 100
GENERATION = 7
TP = TopicPartition(Names("t.")("a"), 0)


class Alone(BatchConsumer):
    """In its generation, with a thread that only keeps what it is told."""

    generation = GENERATION
    flow_active = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.granted: list[int] = []
        self.sought = asyncio.Queue[Mapping[TopicPartition, int]]()
        self.troubles = 0
        self._thread.grant = self.granted.append
        self._thread._consumer = self  # whose methods `call` stands in for
        self.beginning_offsets = None

    async def call(self, method: Any, *args: Any) -> dict[TopicPartition, int]:  # noqa: ARG002
        """The beginnings of the logs."""
        if self.troubles:
            self.troubles -= 1
            raise KafkaConnectionError("no leader")
        (partitions,) = args
        return dict.fromkeys(partitions, 0)

    async def go_on_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.contiguity.expect(offsets)
        self.sought.put_nowait(offsets)


@pytest.fixture
async def consumer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alone]:
    settings = EngineSettings(
        bootstrap="nowhere:1",
        application_id="t",
        data_dir=tmp_path,
        partitions=4,
        max_batch=AHEAD,
        max_buffer=AHEAD,
    )
    monkeypatch.setattr("processors.engine.transport.BatchTransport.Consumer", Alone)
    monkeypatch.setattr("processors.engine.transport._RETRY_S", 0.01)
    monkeypatch.setattr("processors.engine.loop.Engine.start", lambda _: None)
    app = create_app(settings, chain(Names("t.")))
    found = app.consumer
    time = Timekeeper(settings, app.processors, app.stats, {})
    app.engine.current = Generation(GENERATION, {}, {}, time, {})
    found.contiguity.expect({TP: 0})
    yield found
    found._thread.thread_loop.close()


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
