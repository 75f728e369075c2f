"""Demo traffic in, and waiting until everything has come of it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aiokafka.errors import KafkaError

from processors.clock import epoch_ms
from processors.demo import generate
from processors.demo.anchor import anchor_ms
from processors.kafka.lag import Group, LagReader
from processors.kafka.sending import EventSender
from processors.settings import Settings
from processors.sink.tables import SINK_TOPICS
from schemas.topics import WORKER_TOPICS

_STRIDE = 200
_POLL_S = 0.2


async def send_demo(
    settings: Settings, data: Path, size: int, seed: int, advance: Callable[[int], None]
) -> tuple[int, float]:
    """Send ``size`` events that end at the anchor of ``data``; returns the anchor and the seconds it took.

    ``advance`` hears of so many more. Returns when all are acknowledged. Raises as ``EventSender`` does.
    """
    begin = time.monotonic()
    now_ms = anchor_ms(data, epoch_ms())
    async with EventSender(settings) as sender:
        for count, event in enumerate(generate(size, seed, now_ms), 1):
            await sender.send(event.topic, event.key, event.value)
            if count % _STRIDE == 0:
                advance(_STRIDE)
                await asyncio.sleep(0)
    return now_ms, time.monotonic() - begin


async def until_ready(reader: LagReader, settings: Settings, workers: int) -> None:
    """Returns when the consumer groups are complete and have their partitions."""
    groups = {settings.worker_group: workers, settings.rewards_group: 1, settings.full_sink_group: 1}
    for group, members in groups.items():
        while True:
            try:
                state, present = await reader.members(group)
            except KafkaError:
                state, present = "Unknown", 0
            if state == "Stable" and present >= members:
                break
            await asyncio.sleep(_POLL_S)


async def until_caught_up(
    reader: LagReader, settings: Settings, tell: Callable[[Group, Group], None]
) -> None:
    """Returns when everything that was in Kafka at the call has reached ClickHouse.

    The worker commits with its results, and the sink after its rows are in: in this order, nothing can be on
    its way between two readings. ``tell`` hears how far they are.
    """
    worker, sink = Group("", 0, -1), Group("", 0, -1)
    while worker.lag or sink.lag:
        # What a broker does not answer while its group moves, it answers soon.
        with suppress(KafkaError):
            worker = await reader.group(settings.worker_group, WORKER_TOPICS)
            sink = await reader.group(settings.full_sink_group, SINK_TOPICS)
            tell(worker, sink)
        if worker.lag or sink.lag:
            await asyncio.sleep(_POLL_S)
