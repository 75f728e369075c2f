"""The calls about links as clients make them: through the door."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import httpx
import pytest

from processors.gateway.answers import Answer
from processors.gateway.callers import Callers
from processors.gateway.qr import qr_routes
from processors.gateway.routing import Route
from processors.gateway.serving import Gateway
from processors.gateway.stats import Stats
from processors.registry.store import RegistryStore
from schemas.registry import Domain, Workspace
from tests.gateway.doors import PUBLISHABLE, SECRET, bearer
from tests.gateway.links.world import NOW_MS, World

URL = "https://example.com/"


async def _no_redirect(*_: object) -> Answer:
    raise AssertionError("no short domain was called")


def door(world: World, routes: Sequence[Route], domain: str = "go.example") -> Gateway:
    """The routes behind it, and the workspace acme with its keys and one domain."""
    keys = (SECRET.record, PUBLISHABLE.record)
    world.store.registries.workspaces.put(
        Workspace(workspace_id="acme", keys=keys, domains=(Domain(slug=domain),))
    )
    registry = cast(RegistryStore, world.store)
    return Gateway(
        routes,
        registry=registry,
        callers=Callers(registry, lambda _: "192.0.2.1", lambda: NOW_MS),
        redirect=_no_redirect,
        stats=Stats(),
        docs_url="https://api.example/docs",
        clock=lambda: NOW_MS,
    )


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    world = World()
    transport = httpx.ASGITransport(app=door(world, [*world.routes, *qr_routes()]))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://api.example/api", headers=bearer()
    ) as one:
        yield one


async def test_a_links_life(client: httpx.AsyncClient) -> None:
    made = (await client.post("/links", json={"url": URL, "externalId": "a/b", "keyLength": 9.0})).json()
    assert len(made["key"]) == 9
    assert (await client.get("/links/ext_a%2Fb")).json() == made
    changed = await client.patch(f"/links/{made['id']}", json={"title": "T"})
    assert changed.json() == {**made, "title": "T"}
    assert (await client.put(f"/links/{made['id']}", json={"title": None})).json() == made
    assert (await client.get("/links", params={"pageSize": "5.0", "withTags": "true"})).json() == [made]
    assert (await client.get("/links/count", params={"tagIds": "a,b"})).json() == 0
    gone = await client.delete("/links/bulk", params={"linkIds": f"{made['id']},nowhere"})
    assert gone.json() == {"deletedCount": 1}
    assert (await client.get(f"/links/{made['id']}")).json()["error"] == {
        "code": "not_found",
        "message": "Link not found.",
        "doc_url": "https://api.example/docs#not-found",
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "invalid_type: url: url is required."),
        ({"url": "nowhere"}, "Invalid destination URL"),
        ({"url": URL, "utm_source": "u" * 256}, "too_big: utm_source: "),
        ({"url": URL, "keyLength": 2}, "too_small: keyLength: "),
        ({"url": URL, "password": "p"}, "not_supported: password: "),
        ({"url": URL, "expiresAt": "soon"}, "invalid_format: expiresAt: "),
    ],
)
async def test_what_is_wrong_is_named(client: httpx.AsyncClient, body: dict[str, Any], message: str) -> None:
    answer = await client.post("/links", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "unprocessable_entity"
    assert answer.json()["error"]["message"].startswith(message)


async def test_half_a_character_is_no_mistake(client: httpx.AsyncClient) -> None:
    body = rb'{"url": "https://example.com", "title": "\ud800", "utm_term": "\ud800"}'
    made = (await client.post("/links", content=body)).json()
    assert (made["title"], made["utm_term"]) == ("\ufffd", "\ufffd")


async def test_many_in_one_body(client: httpx.AsyncClient) -> None:
    bodies = [{"url": f"{URL}{'x' * 5_000}{number}", "keyLength": 7.0} for number in range(100)]
    answer = await client.post("/links/bulk", json=bodies)
    assert answer.status_code == 200
    assert [one["url"] for one in answer.json()] == [one["url"] for one in bodies]
    assert (await client.post("/links/bulk", json=[*bodies, bodies[0]])).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", "/links"), ("GET", "/links"), ("GET", "/links/info"), ("GET", "/links/count")),
        *(("PUT", "/links/upsert"), ("GET", "/links/l"), ("PATCH", "/links/l"), ("PUT", "/links/l")),
        *(
            ("DELETE", "/links/l"),
            ("POST", "/links/bulk"),
            ("PATCH", "/links/bulk"),
            ("DELETE", "/links/bulk"),
        ),
    ],
)
async def test_pages_have_no_business_here(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await client.request(method, path, headers=bearer(PUBLISHABLE.text))).status_code in (401, 403)
    assert (await client.request(method, path, headers={"Authorization": ""})).status_code == 401


async def test_the_picture_that_a_link_names(client: httpx.AsyncClient) -> None:
    made = (await client.post("/links", json={"url": URL, "key": "näh"})).json()
    assert made["qrCode"] == "https://api.example/qr?url=https://go.example/näh?qr=1"
    answer = await client.get(
        made["qrCode"].replace("https://api", "http://api"), headers={"Authorization": ""}
    )
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
