"""Registries whose topics are given more partitions, on a real Kafka."""

import asyncio
from collections.abc import Callable, Collection

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions
from msgspec.structs import replace

from processors.kafka.connecting import connection_of
from processors.kafka.placement import partition_for
from processors.kafka.reading import TopicReader
from processors.kafka.running import run_on_kafka
from processors.kafka.topics import partition_counts
from processors.registry.changes import create as create_workspace
from processors.registry.link_changes import create, delete, update
from processors.registry.reading import MorePartitions
from processors.registry.store import RegistryStore, read
from processors.settings import Settings
from schemas.links import Link
from schemas.topics import REGISTRY_TOPICS, Topic
from tests.conftest import eventually
from tests.registry.links import link, workspace
from tests.registry.test_store import settings  # noqa: F401 - a fixture

pytestmark = pytest.mark.integration

LINKS = 30
MORE = 7


async def more_partitions(
    settings: Settings,  # noqa: F811
    topics: Collection[Topic] = REGISTRY_TOPICS,
) -> None:
    """Returns when brokers have heard of them."""
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    names = [settings.topic(topic) for topic in topics]
    for future in admin.create_partitions([NewPartitions(name, MORE) for name in names]).values():
        future.result()
    await asyncio.to_thread(eventually, lambda: counts_of(settings, names) == {MORE})


def counts_of(settings: Settings, names: list[str]) -> set[int]:  # noqa: F811
    counts = run_on_kafka(partition_counts(settings))
    return {counts[name] for name in names}


def renamed(one: Link) -> Callable[[Link], Link]:
    return lambda found: replace(found, title=f"{one.key}, anew")


async def remains(settings: Settings) -> dict[str, list[int]]:  # noqa: F811
    """Where links lie once Kafka has compacted everything, and forgotten what was deleted."""
    last: dict[tuple[int, bytes], bytes | None] = {}
    async with TopicReader(settings) as reader:
        async for records in reader.records(await reader.spans([Topic.LINKS])):
            last |= {(one.partition, one.key): one.value for one in records}
    found: dict[str, list[int]] = {}
    for partition, key in (place for place, value in last.items() if value is not None):
        found.setdefault(key.decode(), []).append(partition)
    return found


async def test_what_is_deleted_stays_deleted_and_what_is_changed_is_there_once(
    settings: Settings,  # noqa: F811
) -> None:
    links = [link(number) for number in range(LINKS)]
    async with RegistryStore(settings) as store:
        await store.write(create_workspace(workspace("acme", "go.acme.com")))
        for one in links:
            await store.write(create(one))
    await more_partitions(settings)
    deleted, changed, left = links[:10], links[10:20], links[20:]
    async with RegistryStore(settings) as store, RegistryStore(settings) as other:
        assert [one.workspace_id for one in store.contents] == ["acme"]
        assert {one.id for one in store.links} == {one.id for one in links}
        for one, also in zip(deleted, changed, strict=True):
            await store.write(delete("acme", one.id))
            await other.write(update("acme", also.id, renamed(also)))
        await store.catch_up()
        for seen in (store, other):
            assert {one.id for one in seen.links} == {one.id for one in changed + left}
            assert {one.title for one in seen.links.of("acme")} == {
                None,
                *(f"{one.key}, anew" for one in changed),
            }
    lying = await remains(settings)
    assert lying.keys() == {one.id for one in changed + left}
    assert {one.id: lying[one.id] for one in changed} == {
        one.id: [partition_for(one.id.encode(), MORE)] for one in changed
    }
    assert all(len(lying[one.id]) == 1 for one in left)
    assert [one.workspace_id for one in await read(settings)] == ["acme"]


async def test_what_was_deleted_before_without_its_record_elsewhere(
    settings: Settings,  # noqa: F811
) -> None:
    """The first change of anything deletes that as well."""
    gone = next(one for one in map(link, range(99)) if partition_for(one.id.encode(), MORE) >= 3)
    key = gone.id.encode()
    async with RegistryStore(settings) as store:
        await store.write(create_workspace(workspace("acme", "go.acme.com")))
        await store.write(create(gone))
    await more_partitions(settings)
    producer = connection_of(settings).producer()
    await producer.start()
    await producer.send_and_wait(settings.topic(Topic.LINKS), None, key, partition_for(key, MORE))
    await producer.stop()
    assert (await remains(settings)).keys() == {gone.id}
    async with RegistryStore(settings) as store:
        assert list(store.links) == []
        made = await store.write(create(link(100)))
    assert (await remains(settings)).keys() == {made.id}


async def test_who_has_not_heard_of_them_writes_no_more_and_ends(settings: Settings) -> None:  # noqa: F811
    async with RegistryStore(settings, metadata_s=0.2) as before:
        await before.write(create_workspace(workspace("acme", "go.acme.com")))
        await more_partitions(settings)
        async with RegistryStore(settings) as after:
            await after.write(create(link(1)))
            with pytest.raises(MorePartitions, match=r"links has 7 partitions, and had 3|workspaces has 7"):
                await before.write(create(link(2)))
            with pytest.raises(MorePartitions) as told:
                async with asyncio.timeout(30):
                    await before.follow()
            assert told.value.remedy.startswith("Start it again")
            await after.write(create(replace(link(1), id=link(3).id, key="other")))
            assert {one.key for one in after.links} == {"k1", "other"}
