"""ClickHouse from the result topics: a sink of its own, from the beginning to the ends of now."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka import TopicPartition
from pydantic import SecretStr

from processors.clickhouse.url import ClickHouseUrl
from processors.kafka.groups import set_offsets
from processors.kafka.lag import LagReader
from processors.kafka.reading import Span, TopicReader
from processors.settings import Settings
from processors.sink.run import store_until
from processors.sink.stats import Stats
from processors.sink.tables import SINK_TOPICS

_POLL_S: Final = 0.5


@dataclass(frozen=True)
class Stored:
    """``gone``: records that retention removed, by topic; what they said is not in the new rows."""

    stats: Stats
    gone: Mapping[str, int]

    def lines(self) -> Iterator[str]:
        """For people."""
        for table, rows in sorted(self.stats.rows.items()):
            yield f"{rows:>12,} rows into {table}"
        for topic, records in sorted(self.gone.items()):
            yield f"{records:>12,} offsets of {topic} are gone by retention: what they held was not stored"


def sink_beside(settings: Settings, into: str | None) -> Settings:
    """A group of its own, beside the sinks', and the database ``into``. Raises ``ValueError``: it is none."""
    url = ClickHouseUrl.parse(settings.clickhouse_url.get_secret_value())
    if into is not None:
        url = url.naming(into)
    group = f"{settings.sink_group}-replay-{url.database}"
    return settings.model_copy(update={"sink_group": group, "clickhouse_url": SecretStr(url.secret())})


async def replay_clickhouse(
    settings: Settings, started: Callable[[int], None], advance: Callable[[int], None]
) -> Stored:
    """Store everything that the topics hold once more, as the group of ``settings``.

    Harmless beside other sinks and over what is stored: rows collapse by id. Raises ``GroupInUse``,
    ``NoBroker``, ``KafkaRefused``, and what a sink raises.
    """
    async with TopicReader(settings) as topics:
        spans = await topics.spans(SINK_TOPICS)
    records = sum(span.end - span.begin for span in spans.values())
    started(records)
    await set_offsets(
        settings, settings.full_sink_group, {place: span.begin for place, span in spans.items()}
    )
    stopping, stats = asyncio.Event(), Stats()
    sink = asyncio.create_task(store_until(settings, stopping, stats))
    try:
        await _until_stored(settings, spans, sink, records, advance)
    finally:
        stopping.set()
        await asyncio.wait({sink})
    await sink
    return Stored(stats, _gone(spans))


async def _until_stored(
    settings: Settings,
    spans: Mapping[TopicPartition, Span],
    sink: asyncio.Task[None],
    records: int,
    advance: Callable[[int], None],
) -> None:
    """Returns when the group has come to the ends, or when the sink has failed."""
    ends = {place: span.end for place, span in spans.items()}
    async with LagReader(settings) as reader:
        left = records
        while left and not sink.done():
            lag = sum((await reader.lag(settings.full_sink_group, SINK_TOPICS, ends)).values())
            advance(max(left - lag, 0))
            left = lag
            await asyncio.wait({sink}, timeout=_POLL_S if left else 0)


def _gone(spans: Mapping[TopicPartition, Span]) -> dict[str, int]:
    gone: dict[str, int] = {}
    for place, span in spans.items():
        if span.begin:
            gone[place.topic] = gone.get(place.topic, 0) + span.begin
    return gone
