"""Which pages may call, and what browsers are told of it: on every route for pages."""

from typing import Any, Final

import httpx
import pytest
from starlette.requests import Request

from processors.gateway.answers import ApiError
from processors.gateway.callers import allow_host
from processors.gateway.routing import Opens, Route
from schemas.registry import Limits, Workspace
from tests.gateway.security.world import (
    ACME_DOMAIN,
    BROWSER,
    CLICK,
    LINK,
    PUBLISHABLE,
    SECRET,
    World,
    bearer,
)

_LOOK_ALIKES: Final = (
    "https://evil-acme.com",
    "https://evilacme.com",
    "https://acme.com.evil.test",
    "https://acme.com@evil.test",
    "https://acme.com:443@evil.test",
    "https://acme.com%40evil.test",
    "https://acme.com%2eevil.test",
    "https://acme.com\\@evil.test",
    "https://evil.test\\.acme.com",
    "https://evil.test/.acme.com",
    "https://evil.test?.acme.com",
    "https://evil.test#.acme.com",
    "https://evil.test;.acme.com",
    "https://evil.test%00.acme.com",
    "https://evil.test,.acme.com",
    "https://evil.test .acme.com",
    "https://evil.test&.acme.com",
    "https://evil.test/acme.com",
    "https://acme.co",
    "https://acme.comm",
    "https://acme-com",
    "https://xn--acm-dma.com",
    "https://acmé.com",
    "https://аcme.com",
    "https://acme。com.evil.test",
    "https://[::1]",
    "https://[acme.com]",
    "https://acme.com..",
    "https://.acme.com",
    "https://..acme.com",
    "acme.com",
    "//acme.com.evil.test",
    "https:acme.com",
    "https:/acme.com",
    "javascript:acme.com",
    "data:text/html,acme.com",
    "file:///acme.com",
    "null",
    "*",
    "",
    "https://",
    "https://evil.test, https://acme.com",
    "https://evil.test https://acme.com",
)
_OWN: Final = ("https://acme.com", "http://acme.com", "https://ACME.com:8443", "https://acme.com.")


def allows(hostnames: tuple[str, ...], **headers: str) -> bool:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    try:
        allow_host(
            Workspace(workspace_id="acme", hostnames=hostnames), Request({"type": "http", "headers": raw})
        )
    except ApiError:
        return False
    return True


@pytest.mark.parametrize("name", ["origin", "referer"])
@pytest.mark.parametrize("page", _LOOK_ALIKES)
def test_look_alikes(name: str, page: str) -> None:
    assert not allows(("acme.com",), **{name: page})
    assert not allows(("*.acme.com",), **{name: page})


@pytest.mark.parametrize("page", _OWN)
def test_own_pages(page: str) -> None:
    assert allows(("acme.com",), origin=page)
    assert allows(("acme.com",), referer=f"{page}/path?query#fragment")
    assert not allows(("*.acme.com",), origin=page)
    assert allows(("*.acme.com",), origin=page.lower().replace("acme", "www.acme"))


def test_a_name_in_letters_of_its_own_is_compared_as_browsers_send_it() -> None:
    assert allows(("xn--bcher-kva.example",), origin="https://xn--bcher-kva.example")
    assert not allows(("xn--bcher-kva.example",), origin="https://bucher.example")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"origin": "https://evil.test", "referer": "https://acme.com/"}, False),
        ({"origin": "https://acme.com", "referer": "https://evil.test/"}, True),
        ({"origin": "null", "referer": "https://acme.com/"}, True),
        ({"origin": "null", "referer": "https://evil.test/"}, False),
        ({"origin": "null"}, False),
        ({"origin": "", "referer": "https://acme.com/"}, True),
        ({"host": "acme.com", "x-forwarded-host": "acme.com"}, False),
        ({}, False),
    ],
)
def test_origin_counts_before_referer(headers: dict[str, str], allowed: bool) -> None:
    assert allows(("acme.com",), **headers) is allowed


_BODIES: Final[dict[str, Any]] = {
    "/track/lead/client": {"clickId": CLICK, "eventName": "Sign Up", "customerExternalId": "u"},
    "/track/sale/client": {"amount": 1, "customerExternalId": "u", "clickId": CLICK},
    "/track/click": {"domain": ACME_DOMAIN, "key": "spring"},
    "/track/visit": {"domain": ACME_DOMAIN, "url": "https://acme.com/spring"},
    "/track/open": {"deepLink": f"https://{ACME_DOMAIN}/spring"},
}
_FOR_PAGES: Final = (Opens.PUBLISHABLE, Opens.PAGE)


def test_every_route_for_pages_has_a_body_here() -> None:
    assert {one.path for one in World().routes if one.opens in _FOR_PAGES} == _BODIES.keys()


@pytest.mark.parametrize("path", _BODIES)
async def test_only_own_pages_call(path: str) -> None:
    world = World(hostnames=("acme.com",))
    async with world.client(user_agent=BROWSER) as client:

        async def status(**headers: str) -> int:
            headers |= bearer(PUBLISHABLE) if path.endswith("client") else {}
            return (await client.post(path, json=_BODIES[path], headers=headers)).status_code

        before = len(world.events())
        assert await status(origin="https://evil-acme.com") == 403
        assert await status(origin="null") == 403
        assert await status() == 403
        assert len(world.events()) == before
        assert await status(origin="https://acme.com") == 200
        assert len(world.events()) > before


@pytest.mark.parametrize("path", _BODIES)
async def test_what_browsers_are_told(path: str) -> None:
    """The same on every answer: otherwise a page cannot read why it was refused."""
    world = World(hostnames=("acme.com",), limits=Limits(publishable=4, visitor=4))
    own = {"Origin": "https://acme.com", "User-Agent": BROWSER}
    key = bearer(PUBLISHABLE) if path.endswith("client") else {}
    async with world.client() as client:
        answers = [
            await client.options(path, headers={**own, "Access-Control-Request-Method": "POST"}),
            await client.options(f"/api{path}/", headers={"Origin": "null"}),
            await client.get(path, headers=own),
            await client.post(path, json=_BODIES[path], headers={**own, **key}),
            await client.post(path, json=_BODIES[path], headers={**key, "Origin": "https://evil.test"}),
            await client.post(path, content=b"{", headers={**own, **key}),
            await client.post(path, content=b"x" * 70_000, headers={**own, **key}),
            await client.post(path, json={"domain": 1}, headers={**own, **key}),
            await client.post(path, json=_BODIES[path], headers={**own, **bearer(SECRET)}),
            await client.post(path, json=_BODIES[path], headers={**own, "x": "y" * 20_000}),
            *[await client.post(path, json=_BODIES[path], headers={**own, **key}) for _ in range(4)],
        ]
    statuses = {one.status_code for one in answers}
    assert {204, 405, 200, 403, 400, 413, 431, 429} <= statuses
    for answer in answers:
        assert told(answer) == {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": "POST, OPTIONS",
            "access-control-allow-headers": "Content-Type, Authorization",
            "access-control-expose-headers": (
                "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset,"
                " X-Leadstream-Warning"
            ),
            "access-control-max-age": "86400",
        }


async def test_a_bug_and_a_store_that_is_away_are_told_to_pages_as_well() -> None:
    world = World()
    world.facts.down = True

    async def broken(_: Any) -> None:
        raise RuntimeError

    for route in world.routes:
        if route.path == "/track/click":
            object.__setattr__(route, "handle", broken)
    async with world.client(user_agent=BROWSER, **bearer(PUBLISHABLE)) as client:
        bug = await client.post("/track/click", json=_BODIES["/track/click"])
        away = await client.post(
            "/track/lead/client", json={**_BODIES["/track/lead/client"], "clickId": "UnknownClick0001"}
        )
    assert (bug.status_code, away.status_code) == (500, 503)
    assert len(told(bug)) == len(told(away)) == 5


async def test_other_routes_tell_browsers_nothing() -> None:
    """``*`` on them would let any page read what a key of its visitor's opens."""
    world = World()

    def others() -> list[Route]:
        return [one for one in world.routes if one.opens not in _FOR_PAGES and one.path != "/qr"]

    async with world.client(origin="https://evil.test") as client:
        for route in others():
            path = route.path.replace("{id}", LINK)
            answers = [
                await client.request(route.method, path),
                await client.request(route.method, path, headers=bearer(SECRET), json={}),
            ]
            answers.append(await client.options(path))
            if "/script" not in path:
                assert not any(map(told, answers)), route
            assert answers[-1].status_code == 405
        redirect = await client.get("/spring", headers={"host": ACME_DOMAIN})
    assert not told(redirect)


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control")}
