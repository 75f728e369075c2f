"""Which key opens which route: all of the table."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
from msgspec.structs import replace

from processors.gateway.routing import Opens, Route
from schemas.registry import Domain, KeyRole, Limits
from tests.gateway.security.world import (
    ACME_DOMAIN,
    NOW,
    PUBLISHABLE,
    SECRET,
    World,
    bearer,
    key,
)

_KEYED: Final = {Opens.SECRET: SECRET, Opens.PUBLISHABLE: PUBLISHABLE}
_OTHER: Final = {Opens.SECRET: PUBLISHABLE, Opens.PUBLISHABLE: SECRET}
_EXPIRED: Final = {
    Opens.SECRET: key(KeyRole.SECRET, b"x"),
    Opens.PUBLISHABLE: key(KeyRole.PUBLISHABLE, b"y"),
}
_ROTATED: Final = {
    Opens.SECRET: key(KeyRole.SECRET, b"r"),
    Opens.PUBLISHABLE: key(KeyRole.PUBLISHABLE, b"s"),
}


def world() -> World:
    expired = tuple(replace(one.record, expires_at=NOW) for one in _EXPIRED.values())
    return World(
        keys=(SECRET.record, PUBLISHABLE.record, *expired),
        domains=(Domain(slug=ACME_DOMAIN),),
        limits=Limits(secret=10_000, publishable=10_000),
    )


def keyed(one: World) -> list[Route]:
    return [route for route in one.routes if route.opens in _KEYED]


async def call(client: httpx.AsyncClient, route: Route, headers: Mapping[Any, Any], query: str = "") -> int:
    """Its status; 422 and 404 are of callers that were let in."""
    path = route.path.replace("{id}", "x") + query
    answer = await client.request(route.method, path, headers=headers, json={})
    told = answer.json() if answer.headers["Content-Type"] == "application/json" else None
    code = told.get("error", {}).get("code") if isinstance(told, dict) else None
    assert code == {401: "unauthorized", 403: "forbidden"}.get(answer.status_code, code)
    return answer.status_code


async def test_each_route_takes_keys_of_one_kind() -> None:
    one = world()
    async with one.client() as client:
        for route in keyed(one):
            assert await call(client, route, bearer(_OTHER[route.opens])) == 403, route
            assert await call(client, route, bearer(_KEYED[route.opens])) not in (401, 403), route


async def test_what_is_no_key_any_more_opens_nothing() -> None:
    one = world()
    async with one.client() as client:
        for route in keyed(one):
            good = _KEYED[route.opens].text
            for bad in (
                _EXPIRED[route.opens].text,
                _ROTATED[route.opens].text,
                good[:-1] + ("0" if good[-1] != "0" else "1"),
                good.upper(),
                good + "\x00",
                good[:20],
                _KEYED[route.opens].record.hash,
                _KEYED[route.opens].record.prefix,
                _KEYED[route.opens].record.id,
                "é" * 40,
            ):
                header = {b"Authorization": f"Bearer {bad}".encode("latin-1")}
                assert await call(client, route, header) == 401, (route, bad)


async def test_a_key_counts_in_one_place_only() -> None:
    """What stands in an address stands in logs and referrers as well."""
    one = world()
    async with one.client() as client:
        for route in keyed(one):
            text = _KEYED[route.opens].text
            query = f"?key={text}&apiKey={text}&access_token={text}&Authorization=Bearer%20{text}"
            others = {"X-Api-Key": text, "Cookie": f"Authorization=Bearer {text}", "X-Authorization": text}
            assert await call(client, route, others, query) == 401, route
