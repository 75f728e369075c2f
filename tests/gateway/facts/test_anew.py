"""A topic that is made anew under a gateway that follows it."""

import asyncio
import itertools
import os
from collections.abc import Iterable

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from msgspec.json import encode

from deploy.local.kafka import LocalKafka
from processors.gateway.answers import TryAgain
from processors.gateway.facts import RecentAndOlder, open_facts
from processors.gateway.known import Uncertain
from processors.gateway.publishing import EventPublisher
from processors.settings import Settings
from schemas.links import Link
from schemas.topics import Topic
from tests.stoppable import with_topics

pytestmark = pytest.mark.integration
_COUNT = itertools.count()
_PARTITIONS = 2
_LONG_S = 120.0


class NoLinks:
    """A registry without any."""

    @property
    def links(self) -> "NoLinks":
        return self

    def get(self, link_id: str) -> Link | None:  # noqa: ARG002
        return None


async def publish(settings: Settings, click_ids: Iterable[str]) -> None:
    """By somebody else, who tries until they are written."""
    async with EventPublisher(settings, lambda *_: None) as publisher:
        for click_id in click_ids:
            while True:
                try:
                    await publisher.publish(
                        encode({"type": "click", "workspaceId": "acme", "clickId": click_id})
                    )
                    break
                except TryAgain:
                    continue


async def until_known(facts: RecentAndOlder, click_id: str) -> None:
    """Nobody else has it: there is no ClickHouse."""
    while True:
        try:
            assert await facts.click("acme", click_id) is not None
            return
        except Uncertain:
            continue


def made_anew(settings: Settings, topic: Topic) -> None:
    """Returns when the topic is there again, and empty."""
    name = settings.topic(topic)
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    admin.delete_topics([name])[name].result()
    while name in admin.list_topics(timeout=10).topics:
        pass
    admin.create_topics([NewTopic(name, _PARTITIONS, 1)])[name].result()
    while name not in admin.list_topics(timeout=10).topics:
        pass


def test_what_is_written_into_it_is_known(kafka: LocalKafka) -> None:
    """It ends before where it was read, so that reading there is out of range."""
    prefix = f"anew{os.getpid()}-{next(_COUNT)}."
    settings = with_topics(
        Settings.model_validate(
            {
                "kafka_bootstrap": kafka.bootstrap,
                "topic_prefix": prefix,
                "partitions": _PARTITIONS,
                "clickhouse_url": "http://127.0.0.1:1/leadstream",
            }
        )
    )

    async def run() -> None:
        async with asyncio.timeout(_LONG_S), open_facts(settings, NoLinks()) as facts:
            await publish(settings, (f"old-{number}" for number in range(50)))
            await until_known(facts, "old-49")
            await asyncio.to_thread(made_anew, settings, Topic.CLICKS)
            await publish(settings, ["new"])
            await until_known(facts, "new")
            await publish(settings, ["newer"])
            await until_known(facts, "newer")

    asyncio.run(run())
