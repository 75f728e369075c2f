"""Whose address counts: for limits, for what is recorded, for the country."""

import gc
import tracemalloc
from typing import Any, Final

import httpx
import pytest

from processors.gateway.limits import Limits as Counts
from schemas.registry import Limits
from tests.gateway.security.world import (
    ACME_DOMAIN,
    AMERICAN,
    BROWSER,
    PROXY,
    PUBLISHABLE,
    SECRET,
    World,
    bearer,
    send,
)

_STRANGER: Final = "193.0.6.139"
"""In the Netherlands."""
_CLICK: Final = {"domain": ACME_DOMAIN, "key": "spring"}
_FORGED: Final = {
    "x-forwarded-for": AMERICAN,
    "x-real-ip": AMERICAN,
    "forwarded": f"for={AMERICAN}",
    "true-client-ip": AMERICAN,
    "cf-connecting-ip": AMERICAN,
    "x-client-ip": AMERICAN,
    "cf-ipcountry": "US",
    "cf-ipcity": "Mountain View",
    "cloudfront-viewer-country": "US",
    "x-vercel-ip-country": "US",
}


async def clicked(world: World, **headers: str) -> dict[str, Any]:
    """The event of a visitor who follows the link."""
    before = len(world.events())
    answer = await send(
        world, "GET", "/spring", headers={"host": ACME_DOMAIN, "user-agent": BROWSER, **headers}
    )
    assert answer.status == 302
    (event,) = world.events()[before:]
    return event


async def test_who_is_no_proxy_speaks_for_himself_alone() -> None:
    world = World()
    world.peer = _STRANGER
    honest = await clicked(world)
    forged = await clicked(from_peer(_STRANGER), **_FORGED)
    for name in ("clickId", "timestamp"):
        honest.pop(name), forged.pop(name)
    assert forged == honest
    assert (honest["country"], "ip" in honest, "city" in honest) == ("NL", False, False)


def from_peer(peer: str) -> World:
    world = World()
    world.peer = peer
    return world


async def test_a_proxy_is_believed_and_only_the_last_hop_of_what_it_was_told() -> None:
    event = await clicked(World(), **{"x-forwarded-for": AMERICAN})
    assert (event["country"], event["ip"]) == ("US", AMERICAN)
    event = await clicked(World(), **{"x-forwarded-for": f"{AMERICAN}, {_STRANGER}"})
    assert (event["country"], "ip" in event) == ("NL", False)


async def test_nobody_is_trusted_unless_somebody_says_so() -> None:
    event = await clicked(World(proxies=()), **_FORGED)
    assert "ip" not in event
    assert "country" not in event, "of the own network"


async def test_a_forged_address_gives_no_further_calls() -> None:
    world = World(limits=Limits(visitor=3))
    world.peer = _STRANGER
    async with world.client(user_agent=BROWSER) as client:
        answers = [
            await client.post("/track/click", json=_CLICK, headers={"x-forwarded-for": f"8.8.4.{number}"})
            for number in range(6)
        ]
        open_ = [
            await client.get("/qr?url=https://acme.test", headers={"x-forwarded-for": f"8.8.4.{number}"})
            for number in range(12)
        ]
    assert [one.status_code for one in answers] == [200] * 3 + [429] * 3
    assert [one.status_code for one in open_] == [200] * 10 + [429] * 2
    assert len(world.events()) == 1, "and one visitor has one click"


async def test_a_forged_address_takes_no_calls_of_its_owner() -> None:
    world = World(limits=Limits(visitor=3))
    world.peer = _STRANGER
    async with world.client(user_agent=BROWSER, x_forwarded_for=AMERICAN) as client:
        for _ in range(5):
            await client.post("/track/click", json=_CLICK)
    world.peer = PROXY
    async with world.client(user_agent=BROWSER, x_forwarded_for=AMERICAN) as client:
        assert (await client.post("/track/click", json=_CLICK)).status_code == 200


@pytest.mark.parametrize(
    ("path", "key", "body"),
    [
        ("/customers", SECRET, None),
        (
            "/track/lead/client",
            PUBLISHABLE,
            {"clickId": "", "eventName": "x", "customerExternalId": "planted-customer"},
        ),
    ],
)
async def test_a_key_has_one_limit_whoever_uses_it(path: str, key: Any, body: Any) -> None:
    world = World(limits=Limits(secret=3, publishable=3))

    async def call(client: httpx.AsyncClient) -> httpx.Response:
        return await client.request("POST" if body else "GET", path, json=body, headers=bearer(key))

    answers = []
    for peer in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"):
        world.peer = peer
        async with world.client() as client:
            answers.append(await call(client))
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "1"


def test_counts_of_very_many_addresses_are_forgotten() -> None:
    """However many there were: with the second in which they came."""
    counts = Counts()
    tracemalloc.start()
    try:
        for second in range(20):
            for number in range(1_000):
                counts.take(f"{second}.{number}", 10, second * 1_000)
            if second == 1:
                gc.collect()
                first = tracemalloc.get_traced_memory()[0]
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 1.5 * first
    finally:
        tracemalloc.stop()
