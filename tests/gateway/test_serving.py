"""Hosts, paths, methods, errors: what the door does before and after a handler."""

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import Message

from processors.errors import Unavailable
from processors.gateway.answers import Answer, ApiError, Code, TryAgain
from processors.gateway.serving import MAX_HEADER_BYTES, MOST_AT_ONCE
from tests.gateway.doors import DOCS, NOW, Door, bearer

CODES = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "content_too_large": 413,
    "unprocessable_entity": 422,
    "rate_limit_exceeded": 429,
    "headers_too_large": 431,
    "internal_server_error": 500,
    "service_unavailable": 503,
}


def test_codes_and_their_statuses() -> None:
    assert {code.value: code.status for code in Code} == CODES


@pytest.mark.parametrize(
    "path",
    [
        "/orders",
        "/api/orders",
        "/orders/",
        "/api/orders/",
        "http://api.test//orders",
        "/dub/orders",
        "/dub/api/orders/",
    ],
)
async def test_paths_of_one_route(path: str) -> None:
    door = Door()
    async with door.client() as client:
        answer = await client.get(path, headers=bearer())
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert answer.headers["content-type"] == "application/json"
    (call,) = door.calls
    assert call.of.workspace_id == "acme"
    assert call.now_ms == NOW


@pytest.mark.parametrize(
    ("path", "name"),
    [("/orders/link_1", "link_1"), ("/api/orders/ext_a%2Fb%20c/", "ext_a/b c"), ("/orders/%FF", "\ufffd")],
)
async def test_names_in_a_path(path: str, name: str) -> None:
    door = Door()
    async with door.client() as client:
        assert (await client.get(path, headers=bearer())).status_code == 200
        assert (await client.get("/orders/count", headers=bearer())).status_code == 200
    assert [call.path for call in door.calls] == [{"id": name}, {}]


@pytest.mark.parametrize("path", ["/", "/order", "/orders/1/2", "/orders%2Fcount", "/api", "/api/api/orders"])
async def test_no_such_route(path: str) -> None:
    door = Door()
    async with door.client() as client:
        answer = await client.post(path, headers=bearer())
    assert answer.json()["error"]["code"] in ("not_found", "method_not_allowed")
    assert answer.status_code in (404, 405)
    assert not door.calls
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/orders", "GET, HEAD, POST"),
        ("POST", "/orders/1", "DELETE, GET, HEAD"),
        ("OPTIONS", "/orders", "GET, HEAD, POST"),
        ("GET", "/visits", "OPTIONS, POST"),
    ],
)
async def test_methods(method: str, path: str, allowed: str) -> None:
    async with Door().client() as client:
        answer = await client.request(method, path, headers=bearer())
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


async def test_head_is_get() -> None:
    door = Door()
    async with door.client() as client:
        assert (await client.head("/orders", headers=bearer())).status_code == 200
    assert len(door.calls) == 1


@pytest.mark.parametrize("host", ["go.acme.com", "GO.acme.com:8080", "go.acme.com."])
@pytest.mark.parametrize("path", ["/spring", "/", "/orders", "/api/orders", "/docs"])
async def test_a_short_domain_serves_redirects_only(host: str, path: str) -> None:
    door = Door()
    async with door.client(host=host) as client:
        answer = await client.get(path, headers=bearer())
        assert (answer.status_code, answer.headers["location"]) == (302, "https://acme.test/go.acme.com")
        assert (await client.head(path)).status_code == 302
        assert (await client.post(path)).headers["allow"] == "GET, HEAD"
        assert (await client.get("/none")).status_code == 404
    assert not door.calls
    assert {route for route, _ in door.stats.requests} == {"short links"}


@pytest.mark.parametrize("host", ["acme.com", "x.go.acme.com", "127.0.0.1:80", "[::1]:80", "[::1]", ""])
async def test_every_other_host_serves_the_api(host: str) -> None:
    async with Door().client(host=host) as client:
        assert (await client.get("/orders", headers=bearer())).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (ApiError(Code.NOT_FOUND, "no such order"), 404, {}),
        (ApiError(Code.CONFLICT, "there is one"), 409, {}),
        (TryAgain("later"), 503, {"retry-after": "1"}),
    ],
)
async def test_errors_of_handlers(error: ApiError, status: int, headers: dict[str, str]) -> None:
    door = Door()
    door.failing = error
    async with door.client() as client:
        answer = await client.get("/orders", headers=bearer())
    told = {
        "code": error.code.value,
        "message": error.message,
        "doc_url": f"{DOCS}#{error.code.value.replace('_', '-')}",
    }
    assert (answer.status_code, answer.json()) == (status, {"error": told})
    assert headers.items() <= answer.headers.items()


async def test_a_bug_is_logged_once_and_tells_nobody_anything(caplog: pytest.LogCaptureFixture) -> None:
    door = Door()
    door.failing = RuntimeError("sam@acme.com")
    async with door.client() as client:
        answer = await client.get("/orders/sam@acme.com?email=sam@acme.com", headers=bearer())
        assert (await client.get("/orders/count", headers=bearer())).status_code == 500
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_server_error")
    assert "acme" not in answer.text
    first, _ = caplog.records
    assert (first.levelno, first.message, vars(first)["route"]) == (
        logging.ERROR,
        "a request failed",
        "GET /orders/{id}",
    )


async def test_a_server_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    door = Door()
    door.failing = Unavailable("no Kafka broker answers at 192.0.2.1:9092")
    async with door.client() as client:
        answer = await client.get("/orders", headers=bearer())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "192.0.2.1" not in answer.text
    (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert told.args == (door.failing,), "so that it is logged once a second at most"


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\x00", "ä", "a\x7f"])
async def test_headers_hold_nothing_that_is_not_encoded(value: str) -> None:
    door = Door()
    door.returned = Answer(status=302, headers={"Location": value})
    async with door.client() as client:
        answer = await client.get("/orders", headers=bearer())
    assert answer.status_code == 500
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("returned", "status", "kind", "text"),
    [
        ([1, None], 200, "application/json", "[1,null]"),
        (None, 200, "application/json", "null"),
        (Answer({"a": 1}, 201), 201, "application/json", '{"a":1}'),
        (Answer(b"<svg/>", headers={"Content-Type": "image/svg+xml"}), 200, "image/svg+xml", "<svg/>"),
        (Answer(status=204), 204, None, ""),
    ],
)
async def test_what_goes_out(returned: Any, status: int, kind: str | None, text: str) -> None:
    door = Door()
    door.returned = returned
    async with door.client() as client:
        answer = await client.get("/orders", headers=bearer())
    assert (answer.status_code, answer.headers.get("content-type"), answer.text) == (status, kind, text)


async def test_headers_that_are_too_large() -> None:
    async with Door().client() as client:
        answer = await client.get("/orders", headers={**bearer(), "x-more": "x" * MAX_HEADER_BYTES})
    assert (answer.status_code, answer.json()["error"]["code"]) == (431, "headers_too_large")


async def test_too_many_at_once() -> None:
    door = Door()
    door.stats.under_way = MOST_AT_ONCE
    async with door.client() as client:
        answer = await client.get("/orders", headers=bearer())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert door.stats.under_way == MOST_AT_ONCE


async def test_what_is_counted() -> None:
    door = Door()
    async with door.client() as client:
        await client.get("/orders", headers=bearer())
        await client.get("/orders/1", headers=bearer())
        await client.get("/orders/2", headers=bearer("wrong"))
        await client.get("/nowhere/sam@acme.com")
    assert door.stats.requests == {
        ("GET /orders", "200"): 1,
        ("GET /orders/{id}", "200"): 1,
        ("GET /orders/{id}", "401"): 1,
        ("none", "404"): 1,
    }
    assert sum(door.stats.seconds["GET /orders/{id}"].counts) == 2


async def _parts(*parts: bytes, failing: Exception | None = None) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    if failing:
        raise failing


async def test_what_streams_goes_out_as_it_comes() -> None:
    door = Door()
    door.returned = Answer(_parts(b"a", b"b"), headers={"Content-Type": "text/csv"})
    async with door.client() as client:
        answer = await client.get("/orders", headers=bearer())
    assert (answer.status_code, answer.content) == (200, b"ab")
    assert "content-length" not in answer.headers


async def test_what_cannot_begin_to_stream_is_an_error() -> None:
    door = Door()
    door.returned = Answer(_parts(failing=TryAgain("not now")))
    async with door.client() as client:
        answer = await client.get("/orders", headers=bearer())
    assert (answer.status_code, answer.json()["error"]["message"]) == (503, "not now")


async def test_what_fails_while_it_streams_is_cut_short(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing more can be said; the server ends the connection without an end of the body."""
    door, sent = Door(), list[Message]()
    door.returned = Answer(_parts(b"a", failing=TryAgain("not now")))

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"authorization", bearer()["Authorization"].encode()), (b"x-from", b"192.0.2.1")]
    scope = {"type": "http", "method": "GET", "path": "/orders", "raw_path": b"/orders"}
    with caplog.at_level(logging.WARNING):
        await door.app({**scope, "query_string": b"", "headers": headers}, receive, send)
    assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
    assert sent[-1]["more_body"]
    assert "cut short: not now" in caplog.text
