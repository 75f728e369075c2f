"""The table of routes → a page for people. It needs no other host: all that it shows is in it."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any, Final

from msgspec.json import encode

from processors.gateway.answers import Code
from processors.gateway.openapi import codes_of
from processors.gateway.routing import Opens, Route

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "code{font-size:.92em}h3{margin-top:2.5rem}table{border-collapse:collapse;width:100%}"
    "td,th{border-top:1px solid #ccc;padding:.25rem .75rem .25rem 0;text-align:left;vertical-align:top}"
    "summary{cursor:pointer}pre{overflow:auto;background:#f4f4f4;padding:.75rem}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}pre{background:#222}}"
)
_OPENED_BY: Final = {
    Opens.SECRET: "A secret key.",
    Opens.PUBLISHABLE: "A publishable key, from a page of the workspace.",
    Opens.PAGE: "No key; from a page of the workspace.",
    Opens.ANYBODY: "No key.",
}


def page(routes: Sequence[Route], document: Mapping[str, Any]) -> str:
    """``document``: of OpenAPI, for the same routes."""
    tagged = sorted(routes, key=lambda one: one.tag)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Leadstream API</title>",
        "<meta name=viewport content='width=device-width'>",
        f"<style>{_STYLE}</style><h1>Leadstream API</h1>",
        "<p>Every path is served below <code>/api</code>, too. Keys go into the header ",
        "<code>Authorization: Bearer KEY</code>. For tools: <a href=openapi.json>openapi.json</a>.",
        "<h2>Errors</h2><table><tr><th>status<th>code<th>means",
        *(_code(one) for one in Code),
        "</table>",
    ]
    for tag, group in groupby(tagged, key=lambda one: one.tag):
        parts.append(f"<h2>{escape(tag or 'More')}</h2>")
        for route in group:
            parts += _route(route, document)
    return "".join(parts)


def _code(code: Code) -> str:
    told = f"<tr id={code.anchor}><td>{code.status}<td><code>{code.value}</code><td>{escape(code.meaning)}"
    return told.replace("`", "")


def _route(route: Route, document: Mapping[str, Any]) -> Iterator[str]:
    operation = document["paths"][route.path][route.method.lower()]
    yield f"<h3 id={operation['operationId']}><code>{route.method} {escape(route.path)}</code></h3>"
    yield f"<p>{escape(route.summary)}. {_OPENED_BY[route.opens]}</p>" if route.summary else ""
    rows = [(one["name"], one["in"], one["required"], one["schema"]) for one in operation["parameters"]]
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        rows += [(name, "body", needed, one) for name, needed, one in _fields(schema, document)]
    if rows:
        yield "<table><tr><th>field<th>in<th>is<th>means"
        for name, place, needed, schema in rows:
            mark = "" if needed else "optional, "
            yield f"<tr><td><code>{escape(name)}</code><td>{place}<td>{mark}{escape(_kind(schema, document))}"
            yield f"<td>{_meaning(schema)}"
        yield "</table>"
    refusals = ", ".join(f"<a href=#{one.anchor}>{one.status}</a>" for one in codes_of(route))
    yield f"<p>Answers 200, or {refusals}.</p>"


def _fields(
    schema: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[tuple[str, bool, Mapping[str, Any]]]:
    found = _resolved(schema, document)
    found = _resolved(found.get("items", found), document)
    for name, one in found.get("properties", {}).items():
        yield name, name in found.get("required", ()), one


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _meaning(schema: Mapping[str, Any]) -> str:
    """What is said of a field where it is declared: its meaning, what counts without it, how it may look."""
    told = [escape(str(schema.get("description", "")))]
    if (default := schema.get("default")) not in (None, "", []):
        told.append(f"Default: <code>{escape(_written(default))}</code>.")
    if examples := schema.get("examples"):
        shown = ", ".join(f"<code>{escape(_written(one))}</code>" for one in examples)
        told.append(f"For example {shown}.")
    return " ".join(filter(None, told))


def _written(value: object) -> str:
    """As a client writes it."""
    return value if isinstance(value, str) else encode(value).decode()


_BOUNDS: Final = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
}


def _kind(schema: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    schema = _resolved(schema, document)
    if "anyOf" in schema:
        return " or ".join(_kind(one, document) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join("null" if one is None else f'"{one}"' for one in schema["enum"])
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        kind = f"array of {_kind(schema.get('items', {}), document)}"
    bounds = [text.format(schema[name]) for name, text in _BOUNDS.items() if name in schema]
    return ", ".join([kind, *bounds])
