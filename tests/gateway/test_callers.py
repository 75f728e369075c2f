"""Keys, pages, limits, CORS."""

import pytest
from msgspec.structs import replace

from tests.gateway.doors import EXPIRED, LATER, NOW, PUBLISHABLE, SECRET, SMALL, Door, acme, bearer

ORDER = {"itemName": "tea"}
CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "Content-Type, Authorization",
}


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (None, 401, "unauthorized"),
        ("", 401, "unauthorized"),
        (SECRET.text, 400, "bad_request"),
        ("Basic abc", 400, "bad_request"),
        ("Bearer ", 400, "bad_request"),
        ("Bearer nonsense", 401, "unauthorized"),
        (f"Bearer {SECRET.text[:-1]}?", 401, "unauthorized"),
        (f"Bearer {EXPIRED.text}", 401, "unauthorized"),
        (f"Bearer {PUBLISHABLE.text}", 403, "forbidden"),
        (f"bearer  {SECRET.text} ", 200, None),
    ],
)
async def test_keys(header: str | None, status: int, code: str | None) -> None:
    door = Door()
    async with door.client(**({} if header is None else {"authorization": header})) as client:
        answer = await client.get("/orders")
    assert answer.status_code == status
    assert answer.json().get("error", {}).get("code") == code
    assert len(door.calls) == (status == 200)
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_a_secret_key_is_none_for_pages() -> None:
    async with Door().client() as client:
        answer = await client.post("/orders/client", json=ORDER, headers=bearer())
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_a_key_that_was_made_elsewhere_a_moment_ago_works() -> None:
    door = Door()
    async with door.client() as client:
        assert (await client.get("/orders", headers=bearer(LATER.text))).status_code == 401
        door.registry.behind.append(acme(keys=(SECRET.record, LATER.record)))
        assert (await client.get("/orders", headers=bearer(LATER.text))).status_code == 200
        assert door.registry.catch_ups == 2
        assert (await client.get("/orders", headers=bearer(SECRET.text[:-1] + "?"))).status_code == 401
    assert door.registry.catch_ups == 2, "what cannot be a key of ours is not looked for"


async def test_what_was_found_of_a_key_counts_no_longer_than_its_workspace_says() -> None:
    door = Door()

    async def status() -> int:
        async with door.client() as client:
            return (await client.get("/orders", headers=bearer())).status_code

    assert await status() == 200
    door.registry.put(acme(keys=(LATER.record,)))
    assert await status() == 401, "rotated away"
    door.registry.put(acme(keys=(replace(SECRET.record, expires_at=NOW + 10),)))
    assert await status() == 200
    assert door.calls[-1].of is door.registry.contents.workspace("acme")
    door.now_ms += 10
    assert await status() == 401, "expired"
    door.registry.put(acme())
    assert await status() == 200
    assert not door.registry.contents.apply(b"acme", b"{")
    assert await status() == 401, "of a record that cannot be read"


@pytest.mark.parametrize(
    ("hostnames", "sent", "allowed"),
    [
        ((), {}, True),
        ((), {"origin": "https://anything.test"}, True),
        (("acme.com",), {"origin": "https://acme.com"}, True),
        (("acme.com",), {"origin": "https://ACME.com:8443"}, True),
        (("acme.com",), {"referer": "https://acme.com/pricing?x=1"}, True),
        (("acme.com",), {"origin": "null", "referer": "https://acme.com/"}, True),
        (("acme.com",), {"origin": "https://evil.test", "referer": "https://acme.com/"}, False),
        (("acme.com",), {}, False),
        (("acme.com",), {"origin": "https://evil-acme.com"}, False),
        (("acme.com",), {"origin": "https://acme.com.evil.test"}, False),
        (("acme.com",), {"origin": "https://acme.com@evil.test"}, False),
        (("acme.com",), {"origin": "https://www.acme.com"}, False),
        (("acme.com",), {"origin": "https://[acme.com"}, False),
        (("acme.com",), {"origin": "acme.com"}, False),
        (("*.acme.com",), {"origin": "https://www.acme.com"}, True),
        (("*.acme.com",), {"origin": "https://a.b.acme.com"}, True),
        (("*.acme.com",), {"origin": "https://acme.com"}, False),
        (("*.acme.com",), {"origin": "https://.acme.com"}, False),
        (("*.acme.com",), {"origin": "https://evilacme.com"}, False),
        (("*.acme.com", "acme.com"), {"origin": "https://acme.com"}, True),
    ],
)
async def test_pages(hostnames: tuple[str, ...], sent: dict[str, str], allowed: bool) -> None:
    door = Door(hostnames=hostnames)
    async with door.client(**sent) as client:
        with_key = await client.post("/orders/client", json=ORDER, headers=bearer(PUBLISHABLE.text))
        without = await client.post("/visits", json=ORDER)
        secret = await client.post("/orders", json=ORDER, headers=bearer())
    assert {with_key.status_code, without.status_code} == {200 if allowed else 403}
    assert secret.status_code == 200, "servers have no pages"


@pytest.mark.parametrize("path", ["/orders/client", "/api/orders/client/", "/visits"])
async def test_cors(path: str) -> None:
    door = Door(hostnames=("acme.com",))
    async with door.client() as client:
        preflight = await client.options(path, headers={"origin": "https://any.test"})
        refused = await client.post(path, content=b"{", headers=bearer("nonsense"))
        wrong = await client.get(path)
        allowed = await client.post(
            path, json=ORDER, headers={"origin": "https://acme.com", **bearer(PUBLISHABLE.text)}
        )
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert refused.status_code in (400, 401)
    assert (wrong.status_code, allowed.status_code) == (405, 200)
    for answer in (preflight, refused, wrong, allowed):
        assert CORS.items() <= answer.headers.items()


async def test_no_cors_with_secret_keys() -> None:
    async with Door().client() as client:
        for answer in (
            await client.post("/orders", json=ORDER, headers=bearer()),
            await client.get("/orders"),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_limits_of_keys() -> None:
    door = Door(limits=SMALL)
    async with door.client() as client:
        answers = [await client.get("/orders", headers=bearer()) for _ in range(5)]
        other = await client.post("/orders/client", json=ORDER, headers=bearer(PUBLISHABLE.text))
        door.now_ms += 1000
        later = await client.get("/orders", headers=bearer())
    assert [one.status_code for one in answers] == [200, 200, 200, 429, 429]
    assert [one.headers["x-ratelimit-remaining"] for one in answers] == ["2", "1", "0", "0", "0"]
    last = answers[-1]
    assert (last.json()["error"]["code"], last.headers["retry-after"]) == ("rate_limit_exceeded", "1")
    assert (last.headers["x-ratelimit-limit"], last.headers["x-ratelimit-reset"]) == (
        "3",
        str(NOW // 1000 + 1),
    )
    assert (other.status_code, other.headers["x-ratelimit-limit"]) == (200, "2")
    assert (later.status_code, later.headers["x-ratelimit-remaining"]) == (200, "2")


@pytest.mark.parametrize(("method", "path"), [("POST", "/visits"), ("GET", "/picture")])
async def test_limits_of_visitors(method: str, path: str) -> None:
    door = Door(limits=SMALL)
    async with door.client() as client:
        answers = [await client.request(method, path, json=ORDER) for _ in range(12)]
        other = await client.request(method, path, json=ORDER, headers={"x-from": "192.0.2.2"})
    limit = int(other.headers["x-ratelimit-limit"])
    assert limit == (1 if path == "/visits" else 10)
    assert [one.status_code for one in answers] == [200] * limit + [429] * (12 - limit)
    assert other.status_code == 200


async def test_everybody_has_very_many_addresses_of_ipv6_and_one_limit() -> None:
    door = Door(limits=SMALL)
    async with door.client() as client:

        async def status(address: str) -> int:
            answer = await client.post("/visits", json=ORDER, headers={"x-from": address})
            return answer.status_code

        assert [await status(f"2001:db8:0:1::{one}") for one in (1, 2, 3)] == [200, 429, 429]
        assert await status("2001:db8:0:2::1") == 200
        assert await status("none:of:them") == 200
