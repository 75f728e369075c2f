"""Creating the topics, and saying how those on the broker differ from what they should be."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    TopicAuthorizationFailedError,
    for_code,
)

from processors.errors import Unavailable
from processors.kafka.connecting import connection_of
from processors.kafka.connection import KafkaRefused, telling
from processors.kafka.connection.failures import NotAuthorised
from processors.kafka.layouts import Layout
from processors.settings import Settings

_TOPIC_ALREADY_EXISTS: Final = 36
_UNKNOWN_TOPIC: Final = 3
_FROM_TOPIC: Final = 1
_MOST_NAMED: Final = 3
PATIENCE_S: Final = 15.0
"""So long brokers may take to hear of a topic."""
_DENIED: Final = (TopicAuthorizationFailedError.errno, ClusterAuthorizationFailedError.errno)


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be."""

    topic: str
    what: str
    expected: str
    actual: str

    def __str__(self) -> str:
        if self.actual == MISSING:
            return f"{self.topic}: missing"
        return f"{self.topic}: {self.what} is {self.actual}, should be {self.expected}"


MISSING: Final = "missing"
REMEDY: Final = (
    "`leadstream topics create` creates what is missing, with --update it also changes configurations; "
    "more partitions: docs/scaling.md; topics that this user may not see: `leadstream acls`"
)
"""What helps against differences."""


@dataclass
class Report:
    """What :func:`create_topics` did, and what differs still."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    def require_all(self) -> None:
        """Returns when every topic is there. Raises ``Unavailable``, for whoever cannot go on without."""
        missing = [one.topic for one in self.differences if one.actual == MISSING]
        if missing:
            more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
            raise Unavailable(
                f"Kafka was asked to create topics, and after {PATIENCE_S:.0f} s it still does not show "
                f"{', '.join(missing[:_MOST_NAMED])}{more}",
                "Run it again: a slow broker may have them by now. Topics that this user may not see: "
                "`leadstream acls`.",
            )


async def create_topics(settings: Settings, wanted: list[Layout], *, update: bool = False) -> Report:
    """Create what is missing, and wait until the brokers serve it, ``PATIENCE_S`` at most.

    A topic that exists keeps its configuration, unless ``update``; its partitions and replicas are never
    changed, because a key would then meet another worker's state. What differs is in the report. Any number
    of processes may call it at once. Raises ``NoBroker`` or ``KafkaRefused``.
    """
    report = Report()
    async with admin_of(settings) as admin:
        before = await _differences(admin, wanted)
        missing = {one.topic for one in before if one.actual == MISSING}
        await _create(admin, [layout for layout in wanted if layout.name in missing])
        report.created = [layout.name for layout in wanted if layout.name in missing]
        if update:
            report.updated = await _update(admin, wanted, before)
        report.differences = await _settled(admin, wanted, {*report.created, *report.updated})
    return report


async def check_topics(settings: Settings, wanted: list[Layout]) -> list[Difference]:
    """Everything that is not as it should be. Changes nothing. Raises ``NoBroker`` or ``KafkaRefused``."""
    async with admin_of(settings) as admin:
        return await _differences(admin, wanted)


async def partition_counts(settings: Settings) -> dict[str, int]:
    """Topic → partitions, of all topics on the broker. Raises ``NoBroker`` or ``KafkaRefused``."""
    async with admin_of(settings) as admin:
        return {one["topic"]: len(one["partitions"]) for one in await admin.describe_topics()}


@asynccontextmanager
async def admin_of(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connected; what goes wrong inside is raised as ``NoBroker`` or ``KafkaRefused``."""
    admin = connection_of(settings).admin(client_id="leadstream")
    try:
        with telling(settings.kafka_bootstrap):
            await admin.start()
            yield admin
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, missing: list[Layout]) -> None:
    if not missing:
        return
    new = [
        NewTopic(one.name, one.partitions, one.replication, topic_configs=dict(one.configs))
        for one in missing
    ]
    response = await admin.create_topics(new)
    for name, code, message in (tuple(row)[:3] for row in response.topic_errors):
        if code not in (0, _TOPIC_ALREADY_EXISTS):
            raise _refused("create", name, code, message)


async def _update(
    admin: AIOKafkaAdminClient, wanted: Iterable[Layout], differences: Iterable[Difference]
) -> list[str]:
    """The topics whose configuration was brought in line."""
    stale = {one.topic for one in differences if one.what in _layout(wanted, one.topic).configs}
    if not stale:
        return []
    present = await _configs(admin, stale)
    # The request replaces all of a topic's own settings: take along those that are none of our business.
    merged = {
        name: {
            **{key: value for key, (value, source) in present[name].items() if source == _FROM_TOPIC},
            **_layout(wanted, name).configs,
        }
        for name in stale
    }
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, merged[name]) for name in sorted(stale)]
    for response in await admin.alter_configs(resources):
        for code, message, _kind, name in response.resources:
            if code:
                raise _refused("configure", name, code, message)
    return sorted(stale)


def _layout(wanted: Iterable[Layout], name: str) -> Layout:
    return next(layout for layout in wanted if layout.name == name)


async def _settled(
    admin: AIOKafkaAdminClient, wanted: list[Layout], touched: set[str], patience_s: float = PATIENCE_S
) -> list[Difference]:
    """What differs once the brokers have heard of what was done to the ``touched`` topics."""
    deadline = time.monotonic() + patience_s
    while True:
        differences = await _differences(admin, wanted)
        if not any(one.topic in touched for one in differences) or time.monotonic() > deadline:
            return differences
        await asyncio.sleep(0.05)


async def _differences(admin: AIOKafkaAdminClient, wanted: list[Layout]) -> list[Difference]:
    # All topics: a broker that creates topics by itself would create those that are asked for by name.
    present = {one["topic"]: one["partitions"] for one in await admin.describe_topics()}
    configs = await _configs(admin, {layout.name for layout in wanted if layout.name in present})
    found: list[Difference] = []
    for layout in wanted:
        if layout.name in configs:
            found += compare(layout, present[layout.name], configs[layout.name])
        else:
            found.append(Difference(layout.name, "topic", "there", MISSING))
    return found


async def _configs(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, tuple[str, int]]]:
    """Topic → config → its value, and where it comes from. Without those that are new to who was asked: one
    broker hears of a topic later than another.
    """
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in sorted(names)]
    if not resources:
        return {}
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for response in await admin.describe_configs(resources):
        for code, message, _kind, name, entries in response.resources:
            if code == _UNKNOWN_TOPIC:
                continue
            if code:
                raise _refused("read", name, code, message)
            found[name] = {entry[0]: (entry[1], entry[3]) for entry in entries}
    return found


def _refused(what: str, name: str, code: int, message: str | None) -> KafkaRefused:
    if code in _DENIED:
        return NotAuthorised(f"topic {name}, to {what} it")
    return KafkaRefused(f"cannot {what} topic {name}: {message or for_code(code).__name__}")


def compare(
    layout: Layout, partitions: list[dict[str, Any]], configs: Mapping[str, tuple[str, int]]
) -> list[Difference]:
    """``partitions`` and ``configs`` as the broker describes them."""
    pairs = {}
    if not layout.keeps_partitions:
        pairs["partitions"] = (str(layout.partitions), str(len(partitions)))
    replicas = {len(one["replicas"]) for one in partitions}
    pairs["replicas"] = (str(layout.replication), ", ".join(map(str, sorted(replicas))))
    leaderless = sum(one["leader"] < 0 for one in partitions)
    pairs["partitions without a leader"] = ("0", str(leaderless))
    pairs.update({key: (value, configs.get(key, ("unset", 0))[0]) for key, value in layout.configs.items()})
    return [
        Difference(layout.name, what, expected, actual)
        for what, (expected, actual) in pairs.items()
        if _normal(expected) != _normal(actual)
    ]


def _normal(value: str) -> list[str]:
    """``compact,delete`` and ``delete,compact`` are the same."""
    return sorted(part.strip() for part in value.split(","))
