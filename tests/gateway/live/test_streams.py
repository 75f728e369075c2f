"""``/events/stream`` over HTTP, with rings that a test fills."""

import asyncio
import itertools
from contextlib import AsyncExitStack
from typing import Final

import httpx
import orjson
import pytest

from deploy.local.ports import free_port
from processors.gateway import protocol, streaming
from processors.gateway.live import Bounds, Live, Record
from processors.gateway.live.positions import TOPICS, Place
from processors.settings import Settings
from schemas.topics import Topic
from tests.gateway.dashboard.serving import served
from tests.gateway.live.client import Client
from tests.gateway.security.world import SECRET, World, bearer
from tests.gateway.test_wire import until

CLICKS: Final = Place(Topic.CLICKS, 0)
NOWHERE: Final = dict.fromkeys((Place(one, 0) for one in TOPICS), 0)
_offsets: Final = itertools.count()


def filled(bounds: Bounds | None = None) -> World:
    """Nobody reads Kafka: reading has begun, and a test says what came."""
    world = World(live=Live(Settings(), bounds))
    world.live.rings.begin(NOWHERE, NOWHERE)
    return world


def click(click_id: str, workspace: str = "acme", **fields: object) -> Record:
    given = {"type": "click", "workspaceId": workspace, "clickId": click_id, "timestamp": 1_763_000_000_000}
    return Record(
        CLICKS,
        next(_offsets),
        f"{workspace}:{click_id}".encode(),
        orjson.dumps({**given, **fields}),
        1_763_000_000_000,
    )


def come(world: World, *records: Record) -> None:
    for one in records:
        world.live.rings.add(one)
        world.live.stir({one.key.decode().partition(":")[0]})


async def test_what_comes_is_told_to_those_whose_it_is() -> None:
    world = filled()
    async with served(world) as there, Client(there.url, bearer(SECRET), country="DE") as found:
        await until(lambda: world.live.watching == 1)
        come(
            world,
            click("theirs", "other", country="DE"),
            click("c0", country="AT"),
            click("c1", country="DE"),
        )
        event = await anext(found)
    assert (event.event, event.data["event"], event.data["click"]["id"]) == ("message", "click", "c1")
    assert event.data["click"]["country"] == "DE"


async def test_a_key_that_lies_about_its_value_tells_nobody() -> None:
    """A record whose key names one workspace, and whose value another."""
    world = filled()
    lying = click("theirs", "other")._replace(key=b"acme:theirs")
    async with served(world) as there, Client(there.url, bearer(SECRET)) as found:
        await until(lambda: world.live.watching == 1)
        come(world, lying, click("ours"))
        assert (await anext(found)).data["click_id"] == "ours"


async def test_whoever_comes_back_goes_on_where_he_was() -> None:
    world = filled()
    async with served(world) as there:
        async with Client(there.url, bearer(SECRET)) as found:
            await until(lambda: world.live.watching == 1)
            come(world, click("c1"), click("c2"))
            first = await anext(found)
        come(world, click("c3"))
        async with Client(there.url, bearer(SECRET), first.id) as found:
            ids = [(await anext(found)).data["click_id"] for _ in range(2)]
    assert (first.data["click_id"], ids) == ("c1", ["c2", "c3"])


async def test_whoever_comes_too_late_is_told_to_load_anew() -> None:
    world = filled(Bounds(records_of_each=2))
    async with served(world) as there:
        async with Client(there.url, bearer(SECRET)) as found:
            await until(lambda: world.live.watching == 1)
            come(world, click("c1"))
            first = await anext(found)
        come(world, *(click(f"c{number}") for number in range(2, 6)))
        async with Client(there.url, bearer(SECRET), first.id) as found:
            events = [await anext(found) for _ in range(3)]
    assert [one.event for one in events] == ["reload", "message", "message"]
    assert [one.data["click_id"] for one in events[1:]] == ["c4", "c5"]


@pytest.mark.parametrize("last", ["42", "of another release"])
async def test_whoever_comes_back_with_what_nobody_can_read_is_told_so(last: str) -> None:
    """It may lie anywhere, so something may be missing."""
    world = filled(Bounds(records_of_each=2))
    come(world, *(click(f"c{number}") for number in range(5)))
    async with served(world) as there, Client(there.url, bearer(SECRET), last) as found:
        events = [await anext(found) for _ in range(3)]
    assert [one.event for one in events] == ["reload", "message", "message"]


async def test_silence_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody is shown moves the id as well."""
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.05)
    world = filled()
    async with (
        served(world) as there,
        httpx.AsyncClient(base_url=there.url) as client,
        client.stream("GET", "/events/stream?country=DE", headers=bearer(SECRET)) as answer,
    ):
        lines = answer.aiter_lines()
        seen = [await anext(lines) for _ in range(5)]
        come(world, click("c0", country="AT"))
        while (line := await anext(lines)) in seen:
            pass
    assert seen[0].startswith("retry: ")
    assert line.startswith("id: ")


async def test_a_stream_ends_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.02)
    world = filled()
    async with served(world) as there, Client(there.url, bearer(SECRET)) as found:
        await until(lambda: world.live.watching == 1)
        world.store.contents.apply(b"acme", None)
        assert [one async for one in found] == []


async def test_a_stream_takes_no_place_of_a_request_and_has_a_bound_of_its_own() -> None:
    world = filled(Bounds(most_of_each=2))
    async with served(world) as there, AsyncExitStack() as open_ones:
        for _ in range(2):
            await open_ones.enter_async_context(Client(there.url, bearer(SECRET)))
        await until(lambda: world.live.watching == 2)
        assert world.stats.under_way == 0
        async with httpx.AsyncClient(base_url=there.url) as client:
            answer = await client.get("/events/stream", headers=bearer(SECRET))
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert world.live.watching == 0


async def test_who_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are told all of it, and nothing is kept for him but the ring."""
    monkeypatch.setattr(protocol, "TAKE_S", 0.2)
    world = filled(Bounds(records_of_each=100))
    async with served(world) as there, Client(there.url, bearer(SECRET)) as quick:
        _, writer = await never_reading(there.url)
        await until(lambda: world.live.watching == 2)
        for number in itertools.count():
            come(world, click(f"c{number}", ua="x" * 2_000))
            assert (await anext(quick)).data["click_id"] == f"c{number}"
            if world.live.watching == 1:
                break
        writer.close()


async def test_all_end_when_the_gateway_ends() -> None:
    world = filled()
    async with served(world) as there:
        open_ones = [Client(there.url, bearer(SECRET)) for _ in range(20)]
        found = [await one.__aenter__() for one in open_ones]
        await until(lambda: world.live.watching == 20)
    # The server has stopped by now, without waiting for its patience to end.
    assert [[event async for event in one] for one in found] == [[]] * 20
    for one in open_ones:
        await one.__aexit__()


async def test_what_the_topics_cannot_say_is_refused() -> None:
    async with filled().client() as client:
        answer = await client.get("/events/stream?saleType=new", headers=bearer(SECRET))
    assert answer.status_code == 422
    assert "/events" in answer.json()["error"]["message"]


async def test_without_a_broker_the_stream_says_so() -> None:
    """It stays open all the same."""
    nowhere = Settings.model_validate({"kafka_bootstrap": f"127.0.0.1:{free_port()}"})
    world = World(live=Live(nowhere))
    following = asyncio.create_task(world.live.follow(asyncio.Event()))
    async with served(world) as there, Client(there.url, bearer(SECRET)) as found:
        assert (await anext(found)).event == "away"
    following.cancel()


async def never_reading(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = httpx.URL(url)
    reader, writer = await asyncio.open_connection(where.host, where.port, limit=1)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    head = (
        f"GET /events/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer(SECRET)['Authorization']}\r\n\r\n"
    )
    writer.write(head.encode())
    return reader, writer
