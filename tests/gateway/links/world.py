"""A workspace, its registry in memory, and calls as the door hands them on."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request

from processors.errors import LeadstreamError
from processors.gateway.answers import Answer, TryAgain
from processors.gateway.asking import Row
from processors.gateway.links.calls import Shown
from processors.gateway.links.counters import LinkCounters
from processors.gateway.links.routes import link_routes
from processors.gateway.routing import Call, Route
from processors.registry.contents import Contents
from processors.registry.links import LinkContents
from processors.registry.registries import Change, Registries
from processors.registry.store import RegistryStore
from schemas.registry import ApiKey, Domain, KeyRole, Workspace

T = TypeVar("T")
NOW_MS = 1_764_000_000_000
PUBLIC_URL = "https://api.example"
KEY = ApiKey(id="key_1", role=KeyRole.SECRET, hash="h", prefix="p", created_at=0)
ACME = Workspace(
    workspace_id="acme", keys=(KEY,), domains=(Domain(slug="go.example"), Domain(slug="acme.example"))
)
OTHER = Workspace(workspace_id="other", domains=(Domain(slug="other.example"),))


class MemoryStore:
    """As ``RegistryStore``. ``fails``: what every call to the brokers raises. ``arrives``: what is there
    after the next catching up."""

    def __init__(self) -> None:
        self.registries = Registries(Contents(), LinkContents())
        self.fails: LeadstreamError | None = None
        self.arrives: Callable[[], None] = lambda: None
        self.written = 0
        for workspace in (ACME, OTHER):
            self.registries.workspaces.put(workspace)

    @property
    def contents(self) -> Contents:
        return self.registries.workspaces

    @property
    def links(self) -> LinkContents:
        return self.registries.links

    async def catch_up(self) -> None:
        if self.fails:
            raise self.fails
        self.arrives()

    async def write(self, change: Change[T]) -> T:
        if self.fails:
            raise self.fails
        made = change(self.registries)
        self.written += len(made.put) + len(made.delete)
        self.registries.apply(made)
        return made.result


class Numbers:
    """ClickHouse, as far as counters ask it: rows by link id."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[int, ...]] = {}
        self.away = False

    async def ask(self, _: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        if self.away:
            raise TryAgain("away")
        ids = cast(list[str], parameters["ids"])
        return [(one, *self.rows[one]) for one in ids if one in self.rows]


class World:
    """What handlers work with."""

    def __init__(self) -> None:
        self.store, self.numbers = MemoryStore(), Numbers()
        store = cast(RegistryStore, self.store)
        self.routes = link_routes(store, Shown(LinkCounters(self.numbers.ask, lambda: 0.0), PUBLIC_URL))

    async def call(
        self,
        what: str,
        body: Any = None,
        *,
        workspace: Workspace = ACME,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """``what``: method and path, with its query. The answer is what its JSON says."""
        return await called(self.routes, what, body, workspace=workspace, headers=headers)


async def _waits() -> dict[str, Any]:
    """A client who stays, and has said all."""
    await asyncio.Event().wait()
    return {}


async def called(
    routes: Sequence[Route],
    what: str,
    body: Any = None,
    *,
    workspace: Workspace = ACME,
    headers: Mapping[str, str] | None = None,
) -> Any:
    method, _, target = what.partition(" ")
    path, _, query = target.partition("?")
    route, names = _route_of(routes, method, path)
    sent = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    lists = ("linkIds", "tagIds", "tagNames")
    given = {name: value.split(",") if name in lists else value for name, value in sent.items()}
    raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    answer = await route.handle(
        Call(
            request=Request({"type": "http", "headers": raw}, _waits),
            workspace=workspace,
            key=KEY,
            body=None
            if route.body is None
            else msgspec.json.decode(msgspec.json.encode(body), type=route.body),
            query=None if route.query is None else msgspec.convert(given, route.query, strict=False),
            path=names,
            now_ms=NOW_MS,
        )
    )
    if isinstance(answer, Answer):
        return answer
    return msgspec.json.decode(msgspec.json.encode(answer))


def _route_of(routes: Sequence[Route], method: str, path: str) -> tuple[Route, Mapping[str, str]]:
    """A path without names comes before one with, and a longer one before a shorter."""
    of_method = sorted((one for one in routes if one.method == method), key=lambda one: -len(one.path))
    for route in of_method:
        if route.path == path:
            return route, {}
    for route in of_method:
        before, _, rest = route.path.partition("{")
        name, _, after = rest.partition("}")
        if name and path.startswith(before) and path.endswith(after):
            return route, {name: path.removeprefix(before).removesuffix(after)}
    raise AssertionError(f"no route {method} {path}")
