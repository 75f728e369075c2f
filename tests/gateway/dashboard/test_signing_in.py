"""In with a key, and out: over HTTP, as browsers do it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from msgspec.structs import replace

from processors.gateway.dashboard.pages import POLICY
from processors.gateway.dashboard.sessions import LASTS_MS
from processors.gateway.dashboard.signing_in import COOKIE, SIGN_IN, SIGN_OUT
from schemas.registry import Limits
from tests.gateway.dashboard.serving import OTHER, PUBLISHABLE, SECRET, Dashboard, nothing, workspace

NOW = 1_800_000_000_000
HERE = "http://localhost:8787"


@asynccontextmanager
async def browser(dashboard: Dashboard, base: str = HERE) -> AsyncIterator[httpx.AsyncClient]:
    """``base``: the address that it has asked for."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=dashboard.app),
        base_url=base,
        headers={"Origin": base.removesuffix("/dub"), "x-from": "192.0.2.1"},
    ) as client:
        yield client


async def sign_in(client: httpx.AsyncClient, key: str = SECRET.text, **fields: str) -> httpx.Response:
    return await client.post(SIGN_IN, data={"key": key, **fields})


def dashboard(public_url: str = "https://api.test") -> Dashboard:
    return Dashboard(nothing, public_url, NOW)


async def is_in(client: httpx.AsyncClient) -> bool:
    """The form sends those who are in to the overview."""
    return (await client.get(SIGN_IN)).status_code == 303


async def test_in_and_out() -> None:
    async with browser(dashboard()) as client:
        assert not await is_in(client)
        answer = await sign_in(client)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.endswith("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax")
        assert SECRET.text not in cookie
        assert await is_in(client)
        answer = await client.post(SIGN_OUT)
        assert (answer.status_code, answer.headers["Location"]) == (303, SIGN_IN)
        assert f"{COOKIE}=; Path=/; Max-Age=0;" in answer.headers["Set-Cookie"]
        assert not await is_in(client)


@pytest.mark.parametrize(
    ("base", "secure"),
    [
        ("https://api.test", True),
        ("https://10.0.0.7:8443", True),
        ("http://localhost:8787", False),
        ("http://acme.localhost:8787", False),
        ("http://127.0.0.1:8787", False),
        ("http://[::1]:8787", False),
        ("https://localhost.example.com", True),
        ("https://127.0.0.1.example.com", True),
    ],
)
async def test_over_the_network_the_cookie_is_for_tls_alone(base: str, secure: bool) -> None:
    async with browser(dashboard(), base) as client:
        answer = await sign_in(client)
        assert answer.status_code == 303
        assert ("; Secure" in answer.headers["Set-Cookie"]) is secure


async def test_over_the_network_without_tls() -> None:
    """The browser would drop the cookie, and nobody would know why."""
    async with browser(dashboard(), "http://10.0.0.7:8787") as client:
        answer = await sign_in(client)
        assert answer.status_code == 403
        assert "needs https" in answer.text
        assert "Set-Cookie" not in answer.headers


async def test_another_gateway_and_a_later_one_accept_it() -> None:
    async with browser(dashboard()) as client, browser(dashboard()) as other:
        await sign_in(client)
        other.cookies = client.cookies
        assert await is_in(other)


async def test_a_key_that_was_made_a_moment_ago_elsewhere() -> None:
    late = dashboard()
    late.registry.behind.append(workspace("initech", SECRET))
    late.registry.put(workspace("acme", OTHER))
    async with browser(late) as client:
        assert (await sign_in(client)).status_code == 303
        assert late.registry.catch_ups == 1


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        ("", 401, "opens nothing"),
        ("leadstream_sk_mistyped", 401, "opens nothing"),
        ("<script>alert(1)</script>", 401, "opens nothing"),
        (PUBLISHABLE.text, 403, "publishable key"),
    ],
)
async def test_keys_that_let_nobody_in(key: str, status: int, said: str) -> None:
    async with browser(dashboard()) as client:
        answer = await sign_in(client, key)
        assert answer.status_code == status
        assert said in answer.text
        assert "Set-Cookie" not in answer.headers
        # What was typed comes back nowhere.
        assert not key or key not in answer.text


async def test_a_key_that_was_rotated() -> None:
    there = dashboard()
    async with browser(there) as client:
        await sign_in(client)
        old = replace(SECRET.record, expires_at=NOW + LASTS_MS)
        there.registry.put(replace(workspace(), keys=(old, OTHER.record)))
        answer = await client.get("/?interval=7d")
        assert answer.status_code == 401
        assert "Your session has ended" in answer.text
        assert 'value="/?interval=7d"' in answer.text
        assert "was rotated" in (await sign_in(client)).text


async def test_a_session_that_has_ended_goes_on_where_it_was() -> None:
    there = dashboard()
    async with browser(there) as client:
        await sign_in(client)
        there.now_ms = NOW + LASTS_MS
        client.cookies.set(COOKIE, client.cookies[COOKIE], domain="localhost.local")
        answer = await client.get("/?interval=7d")
        assert answer.status_code == 401
        answer = await sign_in(client, next="/?interval=7d", timezone="Europe/Berlin")
        assert answer.headers["Location"] == "/?interval=7d"


async def test_the_zone_of_the_browser_is_that_of_the_first_page() -> None:
    async with browser(dashboard()) as client:
        answer = await sign_in(client, timezone="America/Port-au-Prince")
        assert answer.headers["Location"] == "/?timezone=America/Port-au-Prince"
        answer = await sign_in(client, timezone="<script>")
        assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "/%0d%0aSet-Cookie:a=b",
        "/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "/dashboard/sign-out",
        "/customers",
        "",
    ],
)
async def test_only_pages_of_ours_are_gone_back_to(address: str) -> None:
    async with browser(dashboard()) as client:
        answer = await sign_in(client, next=address)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": HERE, "Sec-Fetch-Site": "cross-site"},
        {"Origin": HERE, "Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", [SIGN_IN, SIGN_OUT])
async def test_forms_of_other_pages(path: str, headers: dict[str, str]) -> None:
    async with browser(dashboard()) as client:
        answer = await client.post(path, data={"key": SECRET.text}, headers=headers)
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers


async def test_behind_a_proxy_that_asks_for_another_host() -> None:
    async with browser(dashboard("https://leads.example.com")) as client:
        answer = await client.post(
            SIGN_IN, data={"key": SECRET.text}, headers={"Origin": "https://leads.example.com"}
        )
        assert answer.status_code == 303


async def test_below_a_path() -> None:
    async with browser(dashboard("https://api.test/dub"), "https://api.test") as client:
        page = await client.get("/dub/")
        assert 'action="/dub/dashboard/sign-in"' in page.text
        answer = await client.post("/dub" + SIGN_IN, data={"key": SECRET.text, "next": "/dub/?interval=7d"})
        assert answer.headers["Location"] == "/dub/?interval=7d"
        assert "; Path=/dub;" in answer.headers["Set-Cookie"]


async def test_nobody_tries_many_keys() -> None:
    async with browser(dashboard()) as client:
        answers = [await sign_in(client, "leadstream_sk_no") for _ in range(Limits().visitor + 1)]
        assert [one.status_code for one in answers] == [401] * Limits().visitor + [429]
        assert answers[-1].headers["Retry-After"] == "1"
        answer = await client.post(SIGN_IN, data={"key": SECRET.text}, headers={"x-from": "192.0.2.2"})
        assert answer.status_code == 303


async def test_what_every_page_says_to_browsers() -> None:
    async with browser(dashboard()) as client:
        answer = await client.get("/")
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert POLICY == (
            "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:;"
            " connect-src 'self'; form-action 'self'; frame-ancestors 'none'"
        )
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
