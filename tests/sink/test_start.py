"""A broker that goes away while a sink starts is waited for, whatever the sink was just asking."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from processors.kafka.connection import NoBroker
from processors.settings import Settings
from processors.sink import loop
from processors.sink.loop import NoTopics, Sink
from processors.sink.observing import unready
from processors.sink.tables import by_topic

AWAY = {
    "consumer": NoBroker("no Kafka broker answers"),
    "producer": NoBroker("no Kafka broker answers"),
    "topics": KafkaError("Unable to get cluster metadata over all known brokers"),
}


class Starting:
    """A sink whose consumer and producer answer at once, or fail as often as there are ``failures``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.failing = ""
        self.failures: list[Exception] = []
        self.stopping = asyncio.Event()
        self.sink = Sink(Settings(), None, self.stopping, clock=self.clock)  # type: ignore[arg-type]
        self.topics = set(by_topic(str))
        consumer, rejects = self.sink._consumer, self.sink._rejects
        monkeypatch.setattr(consumer, "start", lambda: self.ask("consumer"))
        monkeypatch.setattr(consumer, "topics", lambda: self.ask("topics", self.topics))
        monkeypatch.setattr(consumer, "subscribe", lambda *_, **__: self.asked.append("subscribed"))
        monkeypatch.setattr(rejects, "start", lambda: self.ask("producer"))
        monkeypatch.setattr(loop, "_RETRY_S", 0.0)

    def clock(self) -> float:
        self.now += 1
        return self.now

    async def ask(self, what: str, answer: Any = None) -> Any:
        self.asked.append(what)
        if what == self.failing and self.failures:
            raise self.failures.pop()
        return answer

    async def run(self) -> bool:
        return await self.sink._started()


@pytest.fixture
async def starting(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Starting]:
    starting = Starting(monkeypatch)
    yield starting
    await starting.sink._rejects.stop()
    await starting.sink._consumer.stop()


@pytest.mark.parametrize("failing", AWAY)
async def test_a_broker_that_goes_away_meanwhile_is_waited_for(starting: Starting, failing: str) -> None:
    starting.failing, starting.failures = failing, [AWAY[failing]] * 3
    assert await starting.run()
    assert starting.asked.count(failing) == 4
    assert {"consumer", "topics", "subscribed", "producer"} == {*starting.asked}
    assert sum(starting.sink.stats.retries.values()) == 3


@pytest.mark.parametrize("failing", AWAY)
async def test_not_for_ever_and_then_it_is_no_fault_of_the_settings(starting: Starting, failing: str) -> None:
    starting.failing, starting.failures = failing, [AWAY[failing]] * 1000
    with pytest.raises(NoBroker):
        await starting.run()


async def test_a_right_that_is_missing_is_not_waited_for(starting: Starting) -> None:
    starting.failing, starting.failures = "topics", [TopicAuthorizationFailedError("clicks")]
    with pytest.raises(TopicAuthorizationFailedError):
        await starting.run()


async def test_a_topic_that_is_missing_is_not_waited_for_long(starting: Starting) -> None:
    missing = starting.topics.pop()
    with pytest.raises(NoTopics, match=missing):
        await starting.run()


async def test_told_to_stop_it_asks_no_more(starting: Starting) -> None:
    starting.stopping.set()
    assert not await starting.run()
    assert starting.asked == []


async def test_who_starts_without_clickhouse_is_ready_once_that_is_there(
    starting: Starting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when no record comes."""

    class Writer:
        answers: ClassVar[list[bool]] = [False, True]

        async def count_erased(self) -> int:
            return 0

        async def check(self, _: object) -> bool:
            return self.answers.pop(0)

    sink = starting.sink
    writer: Any = Writer()
    monkeypatch.setattr(sink, "_writer", writer)
    monkeypatch.setattr(sink._deletions, "_writer", writer)
    for ready in (False, True, True):
        await sink._look()
        assert (unready(sink.stats) != "ClickHouse has not been seen to have the tables") is ready
