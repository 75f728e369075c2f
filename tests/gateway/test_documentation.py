"""What the gateway says of itself: all routes and errors, from the table, and from no other host."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest
from jsonschema import Draft202012Validator
from msgspec import Meta, Struct

from processors.gateway.answers import Code, codes_table
from processors.gateway.documentation import documented
from processors.gateway.matching import Table
from processors.gateway.openapi import codes_of, document
from processors.gateway.reference import page
from tests.gateway.doors import Door

URL = "https://api.test"


def test_every_route_is_described() -> None:
    routes = documented(Door().routes(), URL)
    told = document(routes, URL)
    described = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    assert described == {(one.method, one.path) for one in routes}
    ids = [operation["operationId"] for methods in told["paths"].values() for operation in methods.values()]
    assert len(set(ids)) == len(ids)
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_what_is_told_of_a_route() -> None:
    told = document(Door().routes(), URL)
    order = told["paths"]["/orders"]["post"]
    assert order["security"] == [{"secretKey": []}]
    assert order["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Order")
    statuses = {"200", "400", "401", "403", "413", "422", "429", "431", "500", "503"}
    assert set(order["responses"]) == statuses
    search = told["paths"]["/orders"]["get"]["parameters"]
    assert {one["name"]: one["required"] for one in search} == dict.fromkeys(
        ("text", "pageSize", "deep", "ids"), False
    )
    (name,) = told["paths"]["/orders/{id}"]["get"]["parameters"]
    assert (name["in"], name["required"]) == ("path", True)
    assert "security" not in told["paths"]["/visits"]["post"]


class _Told(Struct, frozen=True):
    """A query whose fields say what they mean."""

    span: Annotated[str, Meta(description="How long; <any>.", examples=["30d", "12h"])] = "7d"
    deep: bool = False
    plain: str = ""


def test_what_a_parameter_means_is_said_once_and_shown_everywhere() -> None:
    (search,) = (one for one in Door().routes() if (one.method, one.path) == ("GET", "/orders"))
    routes = [replace(search, query=_Told)]
    told = document(routes, URL)
    span, deep, plain = told["paths"]["/orders"]["get"]["parameters"]
    assert (span["description"], span["schema"]["default"]) == ("How long; <any>.", "7d")
    assert ("description" in deep, "description" in plain) == (False, False)
    shown = page(routes, told)
    assert (
        "<td>How long; &lt;any&gt;. Default: <code>7d</code>. For example <code>30d</code>, <code>12h</code>."
        in shown
    )
    assert "<td><code>deep</code><td>query<td>optional, boolean<td>Default: <code>false</code>." in shown
    assert "<td><code>plain</code><td>query<td>optional, string<td></table>" in shown


def test_who_heeds_an_idempotency_key_says_so() -> None:
    (order, *_) = (one for one in Door().routes() if (one.method, one.path) == ("POST", "/orders"))
    for route, expected in ((order, []), (replace(order, idempotent=True), ["Idempotency-Key"])):
        parameters = document([route], URL)["paths"]["/orders"]["post"]["parameters"]
        assert [one["name"] for one in parameters if one["in"] == "header"] == expected


def test_errors_that_follow_from_the_table() -> None:
    by_path = {(one.method, one.path): codes_of(one) for one in Door().routes()}
    assert Code.RATE_LIMIT_EXCEEDED in by_path["GET", "/picture"]
    assert Code.UNAUTHORIZED not in by_path["POST", "/visits"]
    assert Code.FORBIDDEN in by_path["POST", "/visits"]
    assert Code.CONTENT_TOO_LARGE not in by_path["GET", "/orders"]


async def test_pages() -> None:
    door = Door()
    async with door.client() as client:
        page = await client.get("/docs")
        tool = await client.get("/openapi.json")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert tool.json()["openapi"] == "3.1.0"
    for code in Code:
        assert f"id={code.value.replace('_', '-')}>" in page.text
    for route in door.table:
        assert f"<code>{route.method} {route.path}</code>" in page.text
    links = set(re.findall(r"(?:href|src)=(\S+?)[\s>]", page.text))
    assert all(one.startswith("#") or one == "openapi.json" for one in links)
    assert "http" not in page.headers["content-security-policy"]


def test_a_route_stands_in_the_table_once() -> None:
    routes = Door().routes()
    with pytest.raises(ValueError, match="POST /orders is there twice"):
        Table([*routes, *routes])


def test_the_page_of_the_repository_has_the_codes() -> None:
    page = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
    assert codes_table() in page, "put into the page what `processors.gateway.answers.codes_table` returns"
