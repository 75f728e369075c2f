"""What Kafka knows of a running system."""

from collections.abc import Callable
from typing import Final

from processors.clock import epoch_ms
from processors.kafka.lag import LagReader
from processors.settings import Settings
from processors.sink.tables import SINK_TOPICS
from processors.status.figures import Flow, Rates, Stage
from schemas.topics import REWARD_INPUTS, WORKER_TOPICS, Topic

MINUTE_MS: Final = 60_000
_RATES_MS: Final = 5_000
"""For so long rates are not asked for again: they are of a minute, and cost reading what came in it."""


class KafkaSide:
    """Asks again and again. For one task at a time; methods raise as :class:`LagReader` does."""

    def __init__(self, settings: Settings, reader: LagReader, clock: Callable[[], int] = epoch_ms) -> None:
        self._settings = settings
        self._reader = reader
        self._clock = clock
        self._rates: tuple[int, Rates] | None = None

    async def flow(self) -> Flow:
        """Now."""
        settings = self._settings
        stages = [
            await self._stage("worker", settings.worker_group, WORKER_TOPICS),
            await self._stage("sink", settings.full_sink_group, SINK_TOPICS),
        ]
        if await self._reader.is_known(settings.rewards_group):
            stages.insert(1, await self._stage("rewards", settings.rewards_group, REWARD_INPUTS))
        return Flow(stages, await self._rates_now())

    async def _stage(self, name: str, group: str, topics: tuple[Topic, ...]) -> Stage:
        _, members = await self._reader.members(group)
        lag = await self._reader.lag(group, topics)
        records = sum(lag.values())
        seconds: float | None = 0.0
        if records:
            since = await self._reader.waiting_since(group, lag)
            seconds = None if since is None else max(0, self._clock() - since) / 1000
        return Stage(name, group, members, records, seconds)

    async def _rates_now(self) -> Rates:
        now = self._clock()
        if self._rates is None or not 0 <= now - self._rates[0] < _RATES_MS:
            since = now - MINUTE_MS
            counts = [
                await self._reader.written_since(topic, since)
                for topic in (Topic.CLICKS, Topic.LEADS, Topic.SALES)
            ]
            self._rates = now, Rates(*counts)
        return self._rates[1]
