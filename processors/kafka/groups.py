"""How far consumer groups have come, and letting one go on elsewhere; as an outsider, who joins none."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    IllegalGenerationError,
    KafkaError,
    NotCoordinatorForGroupError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata

from processors.errors import Misconfigured
from processors.kafka.connecting import connection_of
from processors.kafka.connection import told
from processors.kafka.topics import admin_of
from processors.settings import Settings

T = TypeVar("T")

_PATIENCE_S: Final = 15.0
_PASSING: Final = (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)
"""What a broker answers that has just started, or that never had a group before."""


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer, once the group's coordinator has been found. Raises a ``KafkaError`` that may pass."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return await ask()
        except _PASSING:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)


async def group_offsets(settings: Settings, group: str) -> dict[TopicPartition, int]:
    """Where a group goes on, of every partition of which it has ever read anything; empty: never seen.

    Raises ``NoBroker`` or ``KafkaRefused``.
    """
    return {place: one.offset for place, one in (await committed_offsets(settings, group)).items()}


async def group_metadata(settings: Settings, group: str) -> dict[TopicPartition, str]:
    """What a group has committed with its offsets, where there is any. Raises as :func:`group_offsets`."""
    committed = await committed_offsets(settings, group)
    return {place: one.metadata for place, one in committed.items() if one.metadata}


async def committed_offsets(settings: Settings, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
    """Offsets with their metadata, of which a consumer does not tell. Raises as :func:`group_offsets`."""
    async with admin_of(settings) as admin:
        offsets = await patiently(lambda: admin.list_consumer_group_offsets(group))
    return {place: one for place, one in offsets.items() if one.offset >= 0}


class GroupInUse(Misconfigured):
    """The group has members, who alone may move its offsets."""


async def set_offsets(settings: Settings, group: str, offsets: Mapping[TopicPartition, int]) -> None:
    """Let a group go on at these offsets. Raises :class:`GroupInUse`, ``NoBroker``, ``KafkaRefused``."""
    consumer = connection_of(settings).consumer(group_id=group, enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign(list(offsets))
        await consumer.commit(dict(offsets))
    except (CommitFailedError, UnknownMemberIdError, IllegalGenerationError) as error:
        raise GroupInUse(f"consumer group {group} has members: stop them first") from error
    except KafkaError as error:
        raise told(error, settings.kafka_bootstrap) from error
    finally:
        await consumer.stop()


async def written_ends(settings: Settings, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The ends of partitions, what is undecided included. Raises ``NoBroker``, ``KafkaRefused``."""
    consumer = connection_of(settings).consumer(
        client_id="leadstream-ends", isolation_level="read_uncommitted"
    )
    try:
        await consumer.start()
        return dict(await consumer.end_offsets(list(places)))
    except KafkaError as error:
        raise told(error, settings.kafka_bootstrap) from error
    finally:
        await consumer.stop()
