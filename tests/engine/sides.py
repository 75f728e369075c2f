"""Kafka and its stand-in, side by side: members of a group whose engine does not run."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
from aiokafka.structs import TopicPartition

from processors.engine import EngineSettings
from processors.engine.group import Group
from processors.engine.intake import Intake
from processors.engine.kafka import app as app_module
from processors.engine.kafka import consumer, fetching, private
from processors.engine.kafka.app import create_app
from processors.engine.loop import Engine
from processors.engine.producer import Producer
from processors.kafka.connection import KafkaConnection
from tests.engine.harness import CHAIN, PARTITIONS, Site
from tests.engine.members import Member
from tests.engine.memory import Broker
from tests.engine.memory_group import rebalance
from tests.engine.toys import Names, chain

BUFFER = 40
TOPICS = ("a", "b", "mid")
TABLES = ("first", "second")


class Side(Protocol):
    """A server with a group of its own. ``now_ms``: a time that records may have."""

    names: Names
    now_ms: int

    def send(self, topic: str, values: range, partition: int) -> None:
        """Records outside of any transaction."""

    async def join(self) -> "Joined":
        """One more member; returns when all are in one generation."""


class Joined:
    """A member, with the engine whose part the tests play."""

    def __init__(self, group: Group, intake: Intake, producer: Producer, engine: Engine) -> None:
        self.group = group
        self.intake = intake
        self.producer = producer
        self.engine = engine
        #: Offsets that were offered, in order, of each partition.
        self.offered: dict[TopicPartition, list[int]] = {}

    async def go_on_at(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.intake.open(self.group.generation, offsets)
        await self.group.go_on_at(offsets)

    def take(self) -> dict[TopicPartition, list[int]]:
        """What has come since, by partition."""
        for chunk in self.intake.take(10_000, {}):
            self.offered.setdefault(chunk.tp, []).extend(record.offset for record in chunk.records)
        return self.offered

    async def come(self, expected: dict[TopicPartition, list[int]]) -> None:
        await eventually(lambda: self.take() == expected)


async def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


class InMemory:
    """On lists."""

    def __init__(self) -> None:
        self.broker = Broker(PARTITIONS)
        self.names = Names("t.")
        self.now_ms = self.broker.now_ms
        self._members: list[Member] = []

    def send(self, topic: str, values: range, partition: int) -> None:
        for value in values:
            self.broker.send(self.names(topic), b"k", b"%d" % value, partition)

    async def join(self) -> Joined:
        member = Member(
            self.broker,
            chain(self.names),
            f"w{len(self._members)}",
            max_batch=BUFFER,
            max_buffer=BUFFER,
        )
        self._members.append(member)
        await rebalance(self.broker, *(member.group for member in self._members))
        return Joined(member.group, member.intake, member.producer, member.engine)


class OnKafka:
    """On a broker, each member with Faust in this process."""

    def __init__(self, site: Site, directory: Path, stack: AsyncExitStack) -> None:
        self.site = site
        self.names = site.names
        self.now_ms = int(time.time() * 1000)
        self._directory = directory
        self._stack = stack
        self.groups: list[Group] = []

    def send(self, topic: str, values: range, partition: int) -> None:
        for value in values:
            self.site.send(topic, "k", b"%d" % value, partition)
        self.site.flush()

    async def join(self) -> Joined:
        data_dir = self._directory / f"w{len(self.groups)}"
        data_dir.mkdir()
        settings = EngineSettings(
            connection=KafkaConnection(bootstrap=self.site.bootstrap),
            application_id=self.names.prefix,
            data_dir=data_dir,
            partitions=PARTITIONS,
            state="memory",
            session_timeout_s=6.0,
            rebalance_timeout_s=30.0,
            max_batch=BUFFER,
            max_buffer=BUFFER,
        )
        app = create_app(settings, chain(self.names))
        await app.start()
        self._stack.push_async_callback(app.stop)
        self.groups.append(app.consumer)
        await eventually(self._settled)
        return Joined(app.consumer, app.intake, private.producer_of(app.producer), app.engine)

    def _settled(self) -> bool:
        generations = {group.generation for group in self.groups}
        ours = sum(len(group.sources()) for group in self.groups)
        settled = all(group.flowing and group.rebalancing_since is None for group in self.groups)
        return settled and min(generations) > 0 and len(generations) == 1 and ours == len(TOPICS) * PARTITIONS


def only_played(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """No engine at work; and what would end the process is only noted."""
    deaths: list[BaseException] = []
    monkeypatch.setattr(Engine, "start", lambda _: None)
    for module in (app_module, consumer, fetching):
        monkeypatch.setattr(module, "die", deaths.append)
    monkeypatch.setattr(app_module, "leave", lambda: None)
    return deaths


@asynccontextmanager
async def on_kafka(site: Site, directory: Path, topics: Sequence[str] = CHAIN) -> AsyncIterator[OnKafka]:
    """With these topics. Members stop in the end."""
    site.create(*topics)
    async with AsyncExitStack() as stack:
        yield OnKafka(site, directory, stack)
