"""The broker stops, freezes, comes back, or refuses a batch: what callers are told, and what is in Kafka."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from msgspec.json import Decoder, encode

from deploy.local.kafka import LocalKafka
from processors.gateway.answers import TryAgain
from processors.gateway.publishing import EventPublisher
from processors.kafka.reading import TopicReader
from processors.settings import Settings
from schemas.events import Click
from schemas.topics import Topic
from tests.stoppable import broker, freeze, kill, stop, with_topics

__all__ = ["broker"]
pytestmark = pytest.mark.integration
_COUNT = itertools.count()
_AWAY_S = 6.0
_decode = Decoder(Click).decode


@pytest.fixture
def settings(broker: LocalKafka) -> Settings:
    return with_topics(Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=f"p{next(_COUNT)}."))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with much else to do, Kafka may take longer than a gateway waits for it."""
    for name in ("PUBLISH_S", "_DRAIN_S"):
        monkeypatch.setattr(f"processors.gateway.publishing.publisher.{name}", 60.0)


def click(click_id: str) -> bytes:
    return encode({"type": "click", "workspaceId": "acme", "clickId": click_id})


class Calls:
    """Traffic, and what became of it, by the ids of clicks."""

    def __init__(self, publisher: EventPublisher) -> None:
        self._publisher = publisher
        self.published: list[str] = []
        self.kept: list[str] = []
        self.refused: list[str] = []
        self.over = False
        self._calls: list[asyncio.Task[None]] = []

    async def go_on(self) -> None:
        """Two calls every 10 ms, until it is over."""
        while not self.over:
            self._calls.append(asyncio.create_task(self._publish(f"p{next(_COUNT)}")))
            self._calls.append(asyncio.create_task(self._keep(f"k{next(_COUNT)}")))
            await asyncio.sleep(0.01)
        await asyncio.gather(*self._calls)

    @property
    def unanswered(self) -> list[asyncio.Task[None]]:
        """Calls that wait."""
        return [one for one in self._calls if not one.done()]

    async def until_published(self, count: int) -> None:
        """Blocks until so many more are in Kafka."""
        wanted = len(self.published) + count
        while len(self.published) < wanted:
            soon = asyncio.create_task(asyncio.sleep(0.01))
            await asyncio.wait([soon, *self.unanswered], return_when=asyncio.FIRST_COMPLETED)

    async def _publish(self, click_id: str) -> None:
        try:
            await self._publisher.publish(click(click_id))
            self.published.append(click_id)
        except TryAgain:
            self.refused.append(click_id)

    async def _keep(self, click_id: str) -> None:
        await self._publisher.keep(click(click_id))
        self.kept.append(click_id)


async def written(settings: Settings) -> Counter[str]:
    """Click ids in the topic, and how often each is there."""
    found: Counter[str] = Counter()
    async with TopicReader(settings) as reader:
        async for records in reader.records(await reader.spans([Topic.CLICKS])):
            found.update(_decode(record.value).click_id for record in records)
    return found


@pytest.mark.parametrize("leave", [stop, kill, freeze])
def test_nobody_waits_for_a_broker_and_nothing_that_was_promised_is_lost(
    broker: LocalKafka, settings: Settings, leave: Callable[[LocalKafka], Callable[[], None]]
) -> None:
    async def run() -> tuple[EventPublisher, Calls]:
        learned: list[object] = []
        async with EventPublisher(settings, lambda event, *_: learned.append(event)) as publisher:
            calls = Calls(publisher)
            traffic = asyncio.create_task(calls.go_on())
            come_back = await asyncio.to_thread(leave, broker)
            try:
                waiting = calls.unanswered
                await asyncio.wait([asyncio.create_task(asyncio.sleep(_AWAY_S)), *waiting])
                assert [one for one in waiting if not one.done()] == []
                assert calls.refused
            finally:
                await asyncio.to_thread(come_back)
            await calls.until_published(50)
            calls.over = True
            await traffic
        assert len(learned) == publisher.published
        return publisher, calls

    publisher, calls = asyncio.run(run())
    there = asyncio.run(written(settings))
    assert publisher.dropped == 0
    assert [one for one in calls.published + calls.kept if one not in there] == []
    assert [one for one, count in there.items() if count > 1] == []


@pytest.mark.usefixtures("patient")
def test_after_a_refused_batch_another_producer_goes_on(settings: Settings) -> None:
    """As after batches that were never written: their numbers are missing."""

    async def run() -> EventPublisher:
        async with EventPublisher(settings, lambda *_: None) as publisher:
            await asyncio.gather(*(publisher.publish(click(f"a{number}")) for number in range(100)))
            producer = await publisher._producing.ready()
            for partition in producer._txn_manager._sequence_numbers:
                producer._txn_manager.increment_sequence_number(partition, 7)
            await asyncio.gather(*(publisher.publish(click(f"b{number}")) for number in range(100)))
            await asyncio.gather(*(publisher.keep(click(f"c{number}")) for number in range(100)))
        return publisher

    publisher = asyncio.run(run())
    assert publisher.producers > 1
    assert publisher.dropped == 0
    wanted = {f"{letter}{number}" for letter in "abc" for number in range(100)}
    assert asyncio.run(written(settings)) == Counter(wanted)


def test_closing_without_a_broker_ends_and_tells_what_is_lost(
    broker: LocalKafka, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.gateway.publishing.publisher.PUBLISH_S", 60.0)

    async def run() -> EventPublisher:
        async with AsyncExitStack() as stack:
            publisher = await stack.enter_async_context(EventPublisher(settings, lambda *_: None))
            await publisher.publish(click("first"))
            come_back = await asyncio.to_thread(freeze, broker)
            try:
                await publisher.keep(click("lost"))
                await stack.aclose()
            finally:
                come_back()
        return publisher

    publisher = asyncio.run(run())
    assert (publisher.published, publisher.dropped) == (1, 1)


@pytest.mark.usefixtures("patient")
def test_what_is_kept_is_bounded(
    broker: LocalKafka, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.gateway.publishing.publisher._MOST_KEPT", 10)

    async def run() -> EventPublisher:
        async with EventPublisher(settings, lambda *_: None) as publisher:
            come_back = await asyncio.to_thread(freeze, broker)
            try:
                await asyncio.gather(*(publisher.keep(click(f"k{number}")) for number in range(25)))
            finally:
                come_back()
        return publisher

    publisher = asyncio.run(run())
    assert publisher.dropped == 15
    assert publisher.published == 10
