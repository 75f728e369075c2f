"""Any value in any field of any route: an answer that is documented, in headers nothing that was sent."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import orjson
import pytest
from msgspec import inspect

from processors.gateway.links.bodies import LinkUpdate
from processors.gateway.openapi import codes_of
from processors.gateway.routing import Opens, Route
from schemas.registry import Limits
from tests.gateway.security.world import (
    ACME_DOMAIN,
    BROWSER,
    CLICK,
    PUBLISHABLE,
    SECRET,
    Raw,
    World,
    bearer,
    send,
)

_KEYS: Final = {Opens.SECRET: SECRET, Opens.PUBLISHABLE: PUBLISHABLE}
_TEXTS: Final = (
    "\x00",
    "a\r\nSet-Cookie: planted=1",
    "a\nplanted",
    "\x1b[2J\u202e\u2028\x85",
    "x" * 40_000,
    "é" * 200,
    "javascript:alert(1)",
    "JaVaScRiPt://evil.test/%0aalert(1)",
    "data:text/html,<script>",
    "//evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https:evil.test",
    "https:///evil.test",
    "http://[::1",
    "http://acme.test\\@evil.test/",
    "https://evil.test:99999/",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "{0.__class__}%s%n${x}",
    "../../etc/passwd",
    "%0d%0aSet-Cookie:%20planted=1",
    "9" * 30,
    "٣",
    "",
    " ",
)
_RAW: Final = (
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b"9" * 5_000,
    b"-" + b"9" * 5_000,
    b"9" * 20,
    b"1e400",
    b"1e999999999999",
    b"-0.0",
    b"1.5",
    b"0." + b"1" * 5_000,
    b"true",
    b"null",
    b"[]",
    b"{}",
    b'[{"a":[null]}]',
    b'{"":{"__proto__":1}}',
    b"[" * 20 + b"]" * 20,
    b"NaN",
    b"Infinity",
)
VALUES: Final = (*(json.dumps(one).encode() for one in _TEXTS), *_RAW)
_VALID: Final[dict[str, Mapping[str, Any]]] = {
    "/track/lead": {"clickId": CLICK, "eventName": "Sign Up", "customerExternalId": "u"},
    "/track/lead/client": {"clickId": CLICK, "eventName": "Sign Up", "customerExternalId": "u"},
    "/track/sale": {"amount": 1, "customerExternalId": "u", "clickId": CLICK},
    "/track/sale/client": {"amount": 1, "customerExternalId": "u", "clickId": CLICK},
    "/track/click": {"domain": ACME_DOMAIN, "key": "spring"},
    "/track/visit": {"domain": ACME_DOMAIN, "url": "https://acme.test/spring"},
    "/track/open": {"deepLink": f"https://{ACME_DOMAIN}/spring"},
}
_LINK: Final = {"url": "https://acme.test/"}
_PATCHED: Final = {"linkIds": ["ext_campaign"], "data": {"title": "T"}}
_PLENTY: Final = Limits(secret=10**9, publishable=10**9, visitor=10**9)


def world() -> World:
    return World(limits=_PLENTY)


def routes(*, body: bool = False, query: bool = False) -> list[Any]:
    """Those that have one; ids for pytest."""
    return [
        pytest.param(number, id=f"{one.method} {one.path}")
        for number, one in enumerate(World().routes)
        if (body and one.body) or (query and one.query)
    ]


def names_of(kind: Any) -> list[str]:
    """Of the members of an object."""
    found: Any = inspect.type_info(kind)
    while isinstance(found, inspect.Metadata | inspect.ListType):
        found = found.type if isinstance(found, inspect.Metadata) else found.item_type
    assert isinstance(found, inspect.StructType)
    return [one.encode_name for one in found.fields]


def bodies(route: Route) -> Iterator[bytes]:
    """Each value in each member of an otherwise good body, and in place of it."""
    whole = _VALID.get(route.path, _LINK)
    if (route.method, route.path) == ("PATCH", "/links/bulk"):
        yield from (_with(_PATCHED, name, value) for name in _PATCHED for value in VALUES)
        for name in names_of(LinkUpdate):
            for value in VALUES:
                yield _with(_PATCHED, "data", _with({}, name, value))
        return
    for value in VALUES:
        yield value
        for name in names_of(route.body):
            one = _with(whole, name, value)
            yield b"[" + one + b"]" if route.path == "/links/bulk" else one


def _with(members: Mapping[str, Any], name: str, value: bytes) -> bytes:
    return orjson.dumps({**members, name: orjson.Fragment(value)})


def check(route: Route, sent: bytes, answer: Raw, log: pytest.LogCaptureFixture) -> None:
    documented = {200, *(one.status for one in codes_of(route))} - {500}
    assert answer.status in documented, (sent[:200], answer)
    for name, value in answer.headers:
        assert (name + value).isascii(), (sent[:200], name, value)
        assert (name + value).decode().isprintable(), (sent[:200], name, value)
        assert b"planted" not in name + value
    if answer.header("content-type") == "application/json":
        orjson.loads(answer.body)
    assert not log.records, (sent[:200], log.text)


@pytest.mark.parametrize("number", routes(body=True))
async def test_bodies(number: int, caplog: pytest.LogCaptureFixture) -> None:
    one = world()
    route = one.routes[number]
    key = _KEYS.get(route.opens)
    headers = {"user-agent": BROWSER, **(bearer(key) if key else {})}
    path = route.path.replace("{id}", "ext_campaign")
    for body in bodies(route):
        check(route, body, await send(one, route.method, path, headers=headers, body=body), caplog)


@pytest.mark.parametrize("number", routes(query=True))
async def test_queries(number: int, caplog: pytest.LogCaptureFixture) -> None:
    one = world()
    route = one.routes[number]
    headers = bearer(SECRET) if route.opens is Opens.SECRET else {}
    path = route.path.replace("{id}", "ext_campaign")
    needed = b"url=https%3A%2F%2Facme.test&" if route.path == "/qr" else b""
    for name in names_of(route.query):
        for text in (*_TEXTS, *(one.decode() for one in _RAW)):
            query = needed + f"{name}=".encode() + quote(text).encode()
            check(route, query, await send(one, route.method, path, headers=headers, query=query), caplog)
        for query in (b"%ff%fe", b"\xff\xfe", b"%ed%a0%80", b"%", b"%zz", b"&&=;", b"a" * 10_000):
            query = needed + name.encode() + b"=" + query
            check(route, query, await send(one, route.method, path, headers=headers, query=query), caplog)


_BYTES: Final = (
    b"\x00",
    b"\r\nplanted: 1",
    b"\xff\xfe",
    b"%0d%0aplanted:%201",
    b"%00",
    b"%ed%a0%80",
    b"%",
    b"%zz",
    b"x" * 10_000,
    b"/" * 3_000,
    b"..%2f..%2fetc%2fpasswd",
    b"%2f%2fevil.test",
    b"\\evil.test",
    b"<script>",
    b"spring;planted=1",
    b"spring%3b%20planted=1",
    b"{id}",
    "é\u2028".encode(),
)


@pytest.mark.parametrize("what", _BYTES)
@pytest.mark.parametrize("host", ["api.test", ACME_DOMAIN])
async def test_paths(what: bytes, host: str, caplog: pytest.LogCaptureFixture) -> None:
    one = world()
    headers = {"host": host, "user-agent": BROWSER, **bearer(SECRET)}
    for before in (b"/", b"/links/", b"/links/ext_", b"/customers/", b"/customers/ext_", b"/spring", b"//"):
        for query in (b"", what):
            answer = await send(one, "GET", before + what, headers=headers, query=query)
            assert answer.status in (200, 302, 404, 405, 431), answer
            assert "evil" not in answer.header("location")
            for name, value in answer.headers:
                assert (name + value).decode().isprintable()
                assert b"planted" not in name + value.replace(b"/spring%3Bplanted=1", b"")
    assert not caplog.records, caplog.text


_HEADERS: Final = (
    *("authorization", "host", "origin", "referer", "user-agent", "cookie", "x-forwarded-for"),
    *("cf-ipcountry", "cf-ipcity", "cf-region-code", "x-vercel-ip-city", "cf-iplatitude"),
    *("content-type", "content-length", "idempotency-key", "sec-purpose", "dub-no-track", "accept-language"),
)
_HEADER_VALUES: Final = (
    *(b"", b" ", b"\x00", b"\r\nplanted: 1", b"\xff\xfe\x80", b"%0d%0aplanted:1", b"a, b, c", b"nan", b"inf"),
    *(b"[", b"]", b"[::1", b"::1%25eth0", b"http://[", b"https://x:99999999/", b"," * 10_000, b";" * 9_000),
    *(b"x" * 12_000, b"dub_id_go.acme.test_spring=\r\nplanted", "é\u2028".encode(), b"US", b"1e999", b"-91"),
    *(b"Mozilla/5.0 " + b"(" * 9_000, b"dub_id_" + b"=" * 9_000, b"%" * 9_000),
)


@pytest.mark.parametrize("name", _HEADERS)
async def test_headers(name: str, caplog: pytest.LogCaptureFixture) -> None:
    one = world()
    lead = orjson.dumps(_VALID["/track/lead"])
    for value in _HEADER_VALUES:
        if name == "content-length":
            value = value if value.isdigit() else b"7"  # the parser sees to that
        for method, path, host, body in (
            ("GET", "/spring", ACME_DOMAIN, b""),
            ("POST", "/track/click", "api.test", orjson.dumps(_VALID["/track/click"])),
            ("POST", "/track/lead", "api.test", lead),
            ("OPTIONS", "/track/click", "api.test", b""),
            ("GET", "/links", "api.test", b""),
        ):
            given: dict[str, str | bytes] = {
                "host": host,
                "user-agent": BROWSER,
                **bearer(SECRET),
                name: value,
            }
            answer = await send(one, method, path, headers=given, body=body)
            assert answer.status in (200, 204, 302, 400, 401, 403, 404, 405, 422, 429, 431), (value, answer)
            for one_name, one_value in answer.headers:
                assert (one_name + one_value).decode().isprintable(), (value, answer)
                assert b"planted" not in one_name + one_value
    assert not caplog.records, caplog.text
