"""The script's file, and how it is served."""

import gzip
from typing import Any

from starlette.requests import Request

from processors.gateway.answers import Answer
from processors.gateway.matching import Table
from processors.gateway.routing import Call, Opens, Route
from processors.gateway.script.routes import SCRIPT, paths, script_routes

MOST_BYTES = 3 * 1024
"""Of a page's first visit, compressed."""


def call(**headers: str) -> Call:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    request = Request({"type": "http", "method": "GET", "path": "/script.js", "headers": pairs})
    return Call(request, None, None, None, None, {}, 0)


async def answer(route: Route, **headers: str) -> Answer:
    got: Any = await route.handle(call(**headers))
    assert isinstance(got, Answer)
    return got


def test_every_name_that_guides_know_is_served_to_anybody() -> None:
    [route] = script_routes()
    table = Table([route])
    for name in (
        "/script.js",
        "/script.site-visit.js",
        "/script.site-visit.outbound-domains.conversion-tracking.js",
        "/analytics/script.outbound-domains.js",
    ):
        match = table.find(name.encode())
        assert match is not None
        assert match.route("GET") is route
    assert table.find(b"/script.conversion-tracking.site-visit.js") is None
    assert (route.path, route.opens) == ("/script.js", Opens.ANYBODY)
    assert [route.path, *route.older_names] == list(paths())
    assert len(list(paths())) == 16


async def test_it_is_small() -> None:
    got = await answer(script_routes()[0], accept_encoding="gzip, deflate, br")
    assert got.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(got.content) == SCRIPT.read_bytes()
    assert len(got.content) <= MOST_BYTES


async def test_every_page_may_load_and_keep_it() -> None:
    headers = (await answer(script_routes()[0])).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Content-Type"].startswith("text/javascript")
    assert headers["Cache-Control"].startswith("public, max-age=")
    assert headers["Vary"] == "Accept-Encoding"


async def test_a_browser_that_has_it_is_told_so() -> None:
    route = script_routes()[0]
    tag = (await answer(route)).headers["ETag"]
    again = await answer(route, if_none_match=f'"other", {tag}', accept_encoding="gzip")
    assert (again.status, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert (await answer(route, if_none_match='W/"other"')).status == 200
