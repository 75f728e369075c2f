"""The servers, and what Kafka and ClickHouse hold before the first call."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
from pydantic import SecretStr

from bench.gateway.calls import DOMAIN, WORKSPACE, Clicks, links
from bench.measured import Command, Measured
from bench.site import ROOT
from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clickhouse.migrations import bring_up_to_date
from processors.clickhouse.url import DEFAULT_DATABASE, ClickHouseUrl
from processors.clock import epoch_ms
from processors.kafka.lag import LagReader
from processors.kafka.sending import EventSender
from processors.kafka.topics import create_topics
from processors.programs import isolated
from processors.settings import Settings, variable
from processors.sink.tables import SINK_TOPICS
from processors.worker.run import layouts_of
from schemas.links import Link, encode_link
from schemas.times import HOUR_MS
from schemas.topics import Topic, click_key

_COMMANDS: Final = "processors.cli.main"
_NO_LIMIT: Final = "1000000"
_POLL_S: Final = 0.1


@dataclass(frozen=True)
class Sizes:
    """``links`` in the registry; ``old`` clicks, which ClickHouse alone has, and ``recent`` ones."""

    links: int
    old: int
    recent: int


@dataclass(frozen=True)
class Place:
    """Everything but the gateway. ``key``: a secret one. ``link``: the one that is clicked. ``servers``: the
    processes of Kafka and ClickHouse, by what they are called."""

    settings: Settings
    directory: Path
    key: str
    link: Link
    old: Clicks
    recent: Clicks
    servers: Mapping[str, int]

    @contextmanager
    def process(self, command: str, **env: str) -> Iterator[Measured]:
        """A command of ours, until the context ends."""
        with _process(self.settings, self.directory, command, env) as process:
            yield process
            process.stop()

    async def send(self, clicks: Clicks) -> None:
        """Returns when all are in Kafka, their records dated as they are."""
        await _send_clicks(self.settings, clicks, self.link)


@asynccontextmanager
async def furnished(directory: Path, sizes: Sizes) -> AsyncIterator[Place]:
    """Servers of its own, which go in the end. Raises ``LeadstreamError``."""
    with ExitStack() as stack:
        kafka = stack.enter_context(LocalKafka(directory / "kafka"))
        server = stack.enter_context(LocalClickHouse(directory / "clickhouse", databases=DEFAULT_DATABASE))
        settings = Settings(
            kafka_bootstrap=kafka.bootstrap,
            clickhouse_url=SecretStr(ClickHouseUrl.parse(server.url).naming(DEFAULT_DATABASE).secret()),
        )
        await create_topics(settings, layouts_of(settings))
        await asyncio.to_thread(bring_up_to_date, settings)
        key = await asyncio.to_thread(_workspace, settings, directory)
        now_ms = epoch_ms()
        made = list(links(sizes.links, now_ms))
        await _send(settings, ((Topic.LINKS, one.id.encode(), encode_link(one), now_ms) for one in made))
        old, recent = Clicks("old", sizes.old, now_ms - 2 * HOUR_MS), Clicks("new", sizes.recent, now_ms)
        await _send_clicks(settings, old, made[0])
        with _process(settings, directory, "sink", {}) as sink:
            await _stored(settings)
            sink.stop()
        await _send_clicks(settings, recent, made[0])
        servers = {"broker": kafka.pid, "ClickHouse": server.pid}
        yield Place(settings, directory, key, made[0], old, recent, servers)


def _workspace(settings: Settings, directory: Path) -> str:
    """Its secret key."""

    def run(*arguments: str) -> bytes:
        command = isolated(_COMMANDS, "workspace", *arguments)
        env = {**os.environ, **_env(settings, directory)}
        return subprocess.run(command, check=True, capture_output=True, env=env, cwd=ROOT).stdout

    keys = orjson.loads(run("create", WORKSPACE, "--domain", DOMAIN, "--json"))
    run("set", WORKSPACE, "--limit-secret", _NO_LIMIT, "--limit-visitor", _NO_LIMIT)
    return str(keys["secretKey"])


async def _send_clicks(settings: Settings, clicks: Clicks, link: Link) -> None:
    events = (
        (Topic.CLICKS, click_key(WORKSPACE, click_id), value, clicks.at_ms)
        for click_id, value in clicks.events(link)
    )
    await _send(settings, events)


async def _send(settings: Settings, records: Iterable[tuple[Topic, bytes, bytes, int]]) -> None:
    async with EventSender(settings) as sender:
        for topic, key, value, at_ms in records:
            await sender.send(topic, key, value, at_ms)


async def _stored(settings: Settings) -> None:
    """Returns when the sink has stored all that there is."""
    async with LagReader(settings) as reader:
        while (await reader.group(settings.full_sink_group, SINK_TOPICS)).lag:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_POLL_S)


@contextmanager
def _process(settings: Settings, directory: Path, command: str, env: Mapping[str, str]) -> Iterator[Measured]:
    argv = isolated(_COMMANDS, command)
    whole = {**_env(settings, directory), **env}
    with Measured(Command(argv, whole, ROOT), directory / f"{command}.log") as process:
        yield process


def _env(settings: Settings, directory: Path) -> dict[str, str]:
    return {
        variable("kafka_bootstrap"): settings.kafka_bootstrap,
        variable("clickhouse_url"): settings.clickhouse_url.get_secret_value(),
        variable("data_dir"): str(directory / "state"),
    }
