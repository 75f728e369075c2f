"""The broker freezes, dies, comes back: nobody waits for long, and what was promised is there."""

import asyncio
import itertools
from collections.abc import Callable, Iterator

import pytest

from deploy.local.kafka import LocalKafka
from processors.errors import Unavailable
from processors.registry.changes import create as create_workspace
from processors.registry.link_changes import create, delete
from processors.registry.store import RegistryStore
from processors.settings import Settings
from schemas.links import Link
from tests.registry.links import link, workspace
from tests.stoppable import broker, freeze, kill, with_topics

__all__ = ["broker"]
pytestmark = pytest.mark.integration
_COUNT = itertools.count()
_PATIENCE_S = 1.0
_AWAY_S = 4.0


@pytest.fixture
def settings(broker: LocalKafka) -> Settings:
    found = Settings(kafka_bootstrap=broker.bootstrap, topic_prefix=f"r{next(_COUNT)}.", partitions=2)
    with_topics(found)
    asyncio.run(with_workspace(found))
    return found


async def with_workspace(settings: Settings) -> None:
    """By one with more patience than those who are tested."""
    async with RegistryStore(settings) as store:
        await store.write(create_workspace(workspace("acme", "go.acme.com")))


async def told(store: RegistryStore, number: int) -> Link | None:
    """None: that it could not be made in time."""
    try:
        return await store.write(create(link(number)))
    except Unavailable:
        return None


async def until_told(store: RegistryStore, numbers: Iterator[int]) -> Link:
    for number in numbers:
        if made := await told(store, number):
            return made
    raise AssertionError


@pytest.mark.parametrize("leave", [kill, freeze])
async def test_nobody_waits_for_a_broker_and_what_was_promised_is_there(
    broker: LocalKafka, settings: Settings, leave: Callable[[LocalKafka], Callable[[], None]]
) -> None:
    numbers = itertools.count()
    async with RegistryStore(settings, patience_s=_PATIENCE_S) as store:
        promised = [await until_told(store, numbers)]
        under_way = [asyncio.create_task(told(store, next(numbers))) for _ in range(20)]
        come_back = await asyncio.to_thread(leave, broker)
        try:
            waiting = [
                *(asyncio.create_task(told(store, next(numbers))) for _ in range(20)),
                *(asyncio.create_task(store.catch_up()) for _ in range(5)),
            ]
            await asyncio.sleep(_AWAY_S)
            assert [one for one in [*under_way, *waiting] if not one.done()] == []
            assert all(isinstance(one.exception(), Unavailable) for one in waiting[20:])
            assert [one.result() for one in waiting[:20]] == [None] * 20
            assert store.links.get(promised[0].id) is not None, "what it holds it goes on holding"
        finally:
            await asyncio.to_thread(come_back)
        promised += [made for one in under_way if (made := one.result()) is not None]
        promised.append(await until_told(store, numbers))
        async with RegistryStore(settings) as other:
            assert {one.id for one in promised} <= {one.id for one in other.links}
            gone = await other.write(delete("acme", promised[0].id))
            await store.catch_up()
            assert store.links.get(gone.id) is None
            assert list(store.links.of("acme")) == list(other.links.of("acme"))


async def test_a_store_without_a_broker_is_closed_at_once(broker: LocalKafka, settings: Settings) -> None:
    async with asyncio.timeout(30):
        async with RegistryStore(settings, patience_s=_PATIENCE_S) as store:
            come_back = await asyncio.to_thread(freeze, broker)
            try:
                assert await told(store, 1) is None
                waiting = asyncio.create_task(store.catch_up())
                await asyncio.sleep(0)
            finally:
                ending = asyncio.create_task(store.__aexit__(None, None, None))
                ended, _ = await asyncio.wait([ending], timeout=10)
                come_back()
            assert ended
        assert await asyncio.wait_for(asyncio.gather(waiting, return_exceptions=True), 5)
