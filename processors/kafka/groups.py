"""How far consumer groups have come, and letting one go on elsewhere; as an outsider, who joins none."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, TypeVar

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    IllegalGenerationError,
    NotCoordinatorForGroupError,
    UnknownMemberIdError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata

from processors.errors import Misconfigured
from processors.kafka.connecting import connection_of
from processors.kafka.connection import telling
from processors.kafka.connection.failures import NotAuthorised
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


async def fetch_offsets(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
    """All that a group has committed. Raises ``NotAuthorised``, or a ``KafkaError`` that may pass.

    aiokafka overlooks an error of the whole answer, such as that of a coordinator which is still reading what
    was committed: it would seem that nothing ever was.
    """

    async def ask() -> dict[TopicPartition, OffsetAndMetadata]:
        coordinator = await admin.find_coordinator(group)
        response = await admin._send_request(OffsetFetchRequest(group, None), coordinator)  # noqa: SLF001
        _check(response.error_code, group)
        found = {}
        for topic, partitions in response.topics:
            for partition, offset, metadata, code in partitions:
                _check(code, group)
                found[TopicPartition(topic, partition)] = OffsetAndMetadata(offset, metadata)
        return found

    return await _patiently(ask, group)


async def described(admin: AIOKafkaAdminClient, group: str) -> tuple[str, int]:
    """State and number of members. Raises as :func:`fetch_offsets`; here aiokafka overlooks errors, too."""

    async def ask() -> tuple[str, int]:
        (response,) = await admin.describe_consumer_groups([group])
        code, _name, state, _type, _protocol, members, *_ = response.groups[0]
        _check(code, group)
        return state, len(members)

    return await _patiently(ask, group)


def _check(code: int, group: str) -> None:
    if code:
        raise for_code(code)(group)


async def _patiently(ask: Callable[[], Awaitable[T]], group: str) -> T:
    """The answer, once the group's coordinator has been found."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return await ask()
        except GroupAuthorizationFailedError as error:
            raise NotAuthorised(f"consumer group {group}") from error
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
        offsets = await fetch_offsets(admin, group)
    return {place: one for place, one in offsets.items() if one.offset >= 0}


class GroupInUse(Misconfigured):
    """The group has members, who alone may move its offsets."""


async def set_offsets(settings: Settings, group: str, offsets: Mapping[TopicPartition, int]) -> None:
    """Let a group go on at these offsets. Raises :class:`GroupInUse`, ``NoBroker``, ``KafkaRefused``."""
    consumer = connection_of(settings).consumer(group_id=group, enable_auto_commit=False)
    try:
        with telling(settings.kafka_bootstrap):
            await consumer.start()
            consumer.assign(list(offsets))
            try:
                await consumer.commit(dict(offsets))
            except (CommitFailedError, UnknownMemberIdError, IllegalGenerationError) as error:
                raise GroupInUse(f"consumer group {group} has members: stop them first") from error
    finally:
        await consumer.stop()


async def written_ends(settings: Settings, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The ends of partitions, what is undecided included. Raises ``NoBroker``, ``KafkaRefused``."""
    consumer = connection_of(settings).consumer(
        client_id="leadstream-ends", isolation_level="read_uncommitted"
    )
    try:
        with telling(settings.kafka_bootstrap):
            await consumer.start()
            return dict(await consumer.end_offsets(list(places)))
    finally:
        await consumer.stop()
