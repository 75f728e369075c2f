"""The table of routes → an OpenAPI document."""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

from msgspec import Raw, Struct
from msgspec.json import schema_components

from processors.gateway.answers import Code
from processors.gateway.routing import Opens, Route
from schemas.texts import ID

_REF: Final = "#/components/schemas/{name}"
_NAMES: Final = re.compile(r"\{(\w+)\}")
KEYS: Final = {Opens.SECRET: "secretKey", Opens.PUBLISHABLE: "publishableKey"}
_ALWAYS: Final = (Code.HEADERS_TOO_LARGE, Code.INTERNAL_SERVER_ERROR, Code.SERVICE_UNAVAILABLE)
_OF_KEYS: Final = (Code.BAD_REQUEST, Code.UNAUTHORIZED, Code.FORBIDDEN, Code.RATE_LIMIT_EXCEEDED)
_OF_PAGES: Final = (Code.FORBIDDEN, Code.RATE_LIMIT_EXCEEDED)
_OF_BODIES: Final = (
    Code.BAD_REQUEST,
    Code.CONTENT_TOO_LARGE,
    Code.UNPROCESSABLE_ENTITY,
)
_OF_QUERIES: Final = (Code.BAD_REQUEST, Code.UNPROCESSABLE_ENTITY)


IDEMPOTENCY_KEY: Final[Mapping[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": f"The same call, sent again under the same key, counts once. At most {ID} characters.",
    "schema": {"type": "string"},
}


class ErrorContent(Struct, rename={"doc_url": "doc_url"}):
    """``message``: for the developer who reads it. ``doc_url``: where the code is explained."""

    code: str
    message: str
    doc_url: str


class ErrorAnswer(Struct):
    """What every error looks like."""

    error: ErrorContent


def codes_of(route: Route) -> list[Code]:
    """Every error that a route may answer, by status."""
    found = {*route.errors, *_ALWAYS}
    if route.opens in KEYS:
        found.update(_OF_KEYS)
    elif route.opens is Opens.PAGE:
        found.update(_OF_PAGES)
    elif route.limited:
        found.add(Code.RATE_LIMIT_EXCEEDED)
    if route.body is not None:
        found.update(_OF_BODIES)
    if route.query is not None:
        found.update(_OF_QUERIES)
    return sorted(found, key=lambda one: one.status)


def document(routes: Sequence[Route], public_url: str) -> Mapping[str, Any]:
    """OpenAPI 3.1, whose schemas are JSON Schema as it is."""
    kinds = [ErrorAnswer, *(one.answer for one in routes if _in_json(one))]
    kinds += [kind for one in routes for kind in (one.body, one.query) if kind is not None]
    schemas, components = schema_components(kinds, schema_hook=_anything, ref_template=_REF)
    by_kind = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_kind, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Leadstream", "version": version("leadstream")},
        "servers": [{"url": public_url}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {name: {"type": "http", "scheme": "bearer"} for name in KEYS.values()},
        },
    }


def _anything(kind: Any) -> dict[str, Any]:
    """Raises ``NotImplementedError`` for what msgspec knows no schema of, and we neither."""
    if kind is object or kind is Raw:
        return {"description": "Any JSON."}
    raise NotImplementedError


def _in_json(route: Route) -> bool:
    return route.answer is not None and route.answer is not bytes


Schemas = Mapping[int, Mapping[str, Any]]


def _operation(route: Route, schemas: Schemas, components: Mapping[str, Any]) -> dict[str, Any]:
    words = re.findall(r"\w+", route.path)
    operation: dict[str, Any] = {
        "operationId": route.method.lower() + "".join(one[0].upper() + one[1:] for one in words),
        "summary": route.summary,
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(route, schemas, components),
            *((IDEMPOTENCY_KEY,) if route.idempotent else ()),
        ],
        "responses": _responses(route, schemas),
    }
    if route.tag:
        operation["tags"] = [route.tag]
    if route.opens in KEYS:
        operation["security"] = [{KEYS[route.opens]: []}]
    if route.body is not None:
        content = {"application/json": {"schema": schemas[id(route.body)]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    text = {"type": "string", "minLength": 1}
    return [
        {"name": name, "in": "path", "required": True, "schema": text} for name in _NAMES.findall(route.path)
    ]


def _query_parameters(route: Route, schemas: Schemas, components: Mapping[str, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = components[schemas[id(route.query)]["$ref"].rpartition("/")[2]]
    needed = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, **_described(one), "schema": one}
        for name, one in schema["properties"].items()
    ]


def _described(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Tools show what a parameter says of itself, not what its schema does."""
    return {"description": schema["description"]} if "description" in schema else {}


def _responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if _in_json(route):
        done["content"] = {route.media_type: {"schema": schemas[id(route.answer)]}}
    elif route.answer is bytes:
        done["content"] = {route.media_type: {}}
    refused = {"schema": {"$ref": _REF.format(name=ErrorAnswer.__name__)}}
    errors = {
        str(code.status): {"description": code.meaning, "content": {"application/json": refused}}
        for code in codes_of(route)
    }
    return {"200": done, **errors}
