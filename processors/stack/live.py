"""One line about what is going on."""

import asyncio
import time
from collections.abc import Callable

from aiokafka.errors import KafkaError

from processors.kafka.connection import KafkaRefused, NoBroker
from processors.kafka.lag import LagReader
from processors.settings import Settings
from processors.sink.tables import SINK_TOPICS
from schemas.topics import EVENT_TOPICS, WORKER_TOPICS

_EVERY_S = 1.0


async def live(
    reader: LagReader, settings: Settings, leads: Callable[[], int], show: Callable[[str], None]
) -> None:
    """Show a line every second, for ever. ``leads`` counts them, may block, and what it raises is shown."""
    before, at = None, 0.0
    while True:
        try:
            written, now = sum((await reader.ends(EVENT_TOPICS)).values()), time.monotonic()
            worker = await reader.group(settings.worker_group, WORKER_TOPICS)
            sink = await reader.group(settings.full_sink_group, SINK_TOPICS)
        except (KafkaError, NoBroker, KafkaRefused, OSError) as error:
            show(f"Kafka does not answer: {type(error).__name__}")
        else:
            rate = 0.0 if before is None else (written - before) / (now - at)
            before, at = written, now
            show(
                f"{rate:,.0f} events/s · {await _counted(leads)} · "
                f"lag: worker {worker.lag:,}, sink {sink.lag:,} · Ctrl-C stops"
            )
        await asyncio.sleep(_EVERY_S)


async def _counted(leads: Callable[[], int]) -> str:
    try:
        return f"{await asyncio.to_thread(leads):,} leads"
    except Exception as error:
        return f"ClickHouse does not answer: {type(error).__name__}"
