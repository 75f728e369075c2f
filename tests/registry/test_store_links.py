"""Links on a real Kafka: what waits is written together, and each change counts for itself."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from processors.registry.changes import create as create_workspace
from processors.registry.link_changes import KeyTaken, create, delete, update
from processors.registry.registries import Change, Made, Registries
from processors.registry.store import RegistryStore, read
from processors.registry.writing import TooLarge
from processors.settings import Settings
from schemas.links import Link
from tests.registry.links import link, workspace
from tests.registry.test_store import settings  # noqa: F401 - a fixture

pytestmark = pytest.mark.integration


@pytest.fixture
async def stores(settings: Settings) -> AsyncIterator[tuple[RegistryStore, RegistryStore]]:  # noqa: F811
    """Two, as of two gateways, and the workspace acme."""
    async with RegistryStore(settings) as one, RegistryStore(settings) as other:
        await one.write(create_workspace(workspace("acme", "go.acme.com")))
        await other.catch_up()
        yield one, other


def same(one: RegistryStore, other: RegistryStore) -> bool:
    return list(one.links.of("acme")) == list(other.links.of("acme"))


async def test_of_200_who_want_one_key_one_gets_it(stores: tuple[RegistryStore, RegistryStore]) -> None:
    results = await asyncio.gather(
        *(stores[number % 2].write(create(link(number, key="promo"))) for number in range(200)),
        return_exceptions=True,
    )
    (won,) = [one for one in results if isinstance(one, Link)]
    assert sum(isinstance(one, KeyTaken) for one in results) == 199
    for store in stores:
        await store.catch_up()
        assert list(store.links.of("acme")) == [won]
        assert store.links.at("go.acme.com", "PROMO") == won


async def test_what_waits_is_written_together(stores: tuple[RegistryStore, RegistryStore]) -> None:
    """Each on top of those before it; who fails, fails alone."""
    store, other = stores
    drafts: list[int] = []

    def seeing(change: Change[Link]) -> Change[Link]:
        def seen(registries: Registries) -> Made[Link]:
            drafts.append(id(registries))
            return change(registries)

        return seen

    def broken(_: Registries) -> Made[Link]:
        raise ZeroDivisionError

    changes = [
        create(link(1, key="promo")),
        create(link(2, key="promo")),
        broken,
        update("acme", link(1).id, lambda old: replace(old, key="moved")),
        create(link(3, key="promo")),
        create(link(4, title="x" * 2_000_000)),
        delete("acme", link(1).id),
    ]
    results = await asyncio.gather(*(store.write(seeing(one)) for one in changes), return_exceptions=True)
    assert [type(one) for one in results] == [Link, KeyTaken, ZeroDivisionError, Link, Link, TooLarge, Link]
    assert len(set(drafts)) == 1
    await other.catch_up()
    for one in stores:
        assert [found.id for found in one.links.of("acme")] == [link(3).id]


async def test_whoever_is_told_of_a_link_finds_it_everywhere(
    stores: tuple[RegistryStore, RegistryStore],
) -> None:
    for number in range(20):
        writer, reader = stores if number % 2 else stores[::-1]
        made = await writer.write(create(link(number)))
        assert writer.links.at(made.domain, made.key) == made
        await asyncio.gather(*(reader.catch_up() for _ in range(50)))
        assert reader.links.at(made.domain, made.key) == made
        if number % 3 == 0:
            await reader.write(delete("acme", made.id))
            await writer.catch_up()
            assert writer.links.get(made.id) is None


async def test_who_gives_up_stops_nobody_else(stores: tuple[RegistryStore, RegistryStore]) -> None:
    store, _ = stores
    tasks = [asyncio.ensure_future(store.write(create(link(number)))) for number in range(10)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in results] == [True, False] * 5
    there = {found.id for found in store.links.of("acme")}
    assert there >= {one.id for one in results if isinstance(one, Link)}


async def test_a_writer_who_rested_while_others_wrote(stores: tuple[RegistryStore, RegistryStore]) -> None:
    """He is fenced, and starts over: what he decides on is what there is then."""
    one, other = stores
    await one.write(create(link(1, key="promo")))
    await other.write(delete("acme", link(1).id))
    await other.write(create(link(2, key="promo")))
    with pytest.raises(KeyTaken):
        await one.write(create(link(3, key="promo")))
    await one.write(update("acme", link(2).id, lambda old: replace(old, key="free")))
    assert (await one.write(create(link(3, key="promo")))).id == link(3).id
    await other.catch_up()
    assert same(one, other)


async def test_a_closed_store_leaves_nobody_waiting(settings: Settings) -> None:  # noqa: F811
    async with RegistryStore(settings) as store:
        writing = asyncio.ensure_future(store.write(create_workspace(workspace("acme"))))
        missing = asyncio.ensure_future(store.catch_up())
        following = asyncio.ensure_future(store.follow())
        await asyncio.sleep(0)
    done = await asyncio.wait_for(
        asyncio.gather(writing, missing, following, return_exceptions=True), timeout=5
    )
    assert len(done) == 3
    assert len(list(await read(settings))) <= 1
