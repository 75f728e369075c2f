"""Is what a group has to read being read?"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AsyncExitStack

import pytest
from aiokafka import TopicPartition

from processors.kafka.lag import LagReader
from processors.settings import Settings
from processors.sink.tables import SINK_TOPICS
from schemas.topics import Topic

PLACE = TopicPartition("leads", 0)


class Reader(LagReader):
    """``read``: up to where the group has come, each time that it is looked at; a look takes a second."""

    def __init__(self, end: int, read: Iterable[int]) -> None:
        super().__init__(Settings(), clock=lambda: float(self.looks))
        self.looks = 0
        self._end, self._read = end, iter(read)

    async def ends(self, topics: Iterable[Topic]) -> dict[TopicPartition, int]:
        assert tuple(topics) == SINK_TOPICS
        return {PLACE: self._end}

    async def lag(
        self, group: str, topics: Iterable[Topic], ends: Mapping[TopicPartition, int] | None = None
    ) -> dict[TopicPartition, int]:
        assert (group, tuple(topics), ends) == ("sink", SINK_TOPICS, {PLACE: self._end})
        self.looks += 1
        left = self._end - next(self._read)
        return {PLACE: left} if left else {}


def stuck() -> Iterator[int]:
    while True:
        yield 7


@pytest.mark.parametrize(
    ("read", "still", "looks"),
    [([10], False, 1), ([7, 7, 8], False, 3), ([7, 7, 7, 10], False, 4), (stuck(), True, 6)],
)
async def test_a_group_that_reads_nothing_stands_still(
    read: Iterable[int], still: bool, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_: float) -> None: ...

    monkeypatch.setattr(asyncio, "sleep", at_once)
    reader = Reader(10, read)
    assert await reader.stands_still("sink", SINK_TOPICS, 5) is still
    assert reader.looks == looks


async def test_to_leave_while_a_fetch_is_to_be_tried_again_is_no_cancellation() -> None:
    async def stop() -> None:
        fetch = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        fetch.cancel()
        await fetch

    reader = LagReader(Settings())
    reader._stack = AsyncExitStack()
    reader._stack.push_async_callback(stop)
    await reader.__aexit__(None, None, None)
