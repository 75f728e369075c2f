"""A gateway in memory: routes that say what they were given, and a registry that a test fills."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, TypeVar

import httpx
from msgspec import Meta, Struct
from starlette.requests import Request

from processors.errors import LeadstreamError
from processors.gateway.answers import Answer, ApiError, Code
from processors.gateway.callers import Callers
from processors.gateway.documentation import documented
from processors.gateway.routing import Call, Opens, Route
from processors.gateway.serving import Gateway
from processors.gateway.stats import Stats
from processors.registry.contents import Contents, Record
from processors.registry.keys import issue
from processors.registry.links import LinkContents
from processors.registry.registries import Change, Registries
from schemas.links import Link
from schemas.registry import Domain, KeyRole, Limits, Workspace, encode_workspace

T = TypeVar("T")
NOW: Final = 1_800_000_000_000
DOCS: Final = "https://gateway.test/docs"
SECRET: Final = issue(KeyRole.SECRET, NOW, lambda count: b"s" * count)
PUBLISHABLE: Final = issue(KeyRole.PUBLISHABLE, NOW, lambda count: b"p" * count)
LATER: Final = issue(KeyRole.SECRET, NOW, lambda count: b"l" * count)
EXPIRED: Final = issue(KeyRole.SECRET, NOW, lambda count: b"e" * count)


class Order(Struct, rename="camel", frozen=True):
    """A body with something of everything."""

    item_name: Annotated[str, Meta(min_length=1, max_length=10)]
    amount: Annotated[int, Meta(ge=1, le=100)] = 1
    mode: Literal["slow", "quick"] | None = None
    parts: list["Order"] = []
    labels: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.item_name == "nothing":
            raise ValueError("custom: itemName: nothing cannot be ordered")


class Search(Struct, rename="camel", frozen=True):
    """A query with something of everything."""

    text: str | None = None
    page_size: Annotated[int, Meta(ge=1, le=100)] = 50
    deep: bool = False
    ids: list[str] = []


@dataclass
class Registry:
    """``behind``: what is read only when somebody catches up. ``fails``: what every call to the brokers
    raises."""

    contents: Contents = field(default_factory=Contents)
    behind: list[Record] = field(default_factory=list)
    catch_ups: int = 0
    fails: LeadstreamError | None = None

    async def catch_up(self) -> None:
        if self.fails:
            raise self.fails
        self.catch_ups += 1
        for one in self.behind:
            self.put(one)
        self.behind.clear()

    async def write(self, change: Change[T]) -> T:
        if self.fails:
            raise self.fails
        made = change(Registries(self.contents, LinkContents()).draft())
        for record in made.put:
            assert not isinstance(record, Link)
            self.put(record)
        return made.result

    def put(self, record: Record) -> None:
        assert self.contents.apply(record.record_key.encode(), encode_workspace(record))


def acme(**changes: Any) -> Workspace:
    keys = (SECRET.record, PUBLISHABLE.record)
    given = {"domains": (Domain(slug="go.acme.com"),), "keys": keys, **changes}
    return Workspace(workspace_id="acme", **given)


class Door:
    """The application, and what it was told."""

    def __init__(self, **workspace: Any) -> None:
        self.registry = Registry()
        self.registry.put(acme(**workspace))
        self.now_ms = NOW
        self.calls: list[Call] = []
        self.stats = Stats()
        self.failing: Exception | None = None
        self.returned: Any = {"ok": True}
        self.callers = Callers(self.registry, lambda request: request.headers["x-from"], lambda: self.now_ms)
        self.table = documented(self.routes(), DOCS.removesuffix("/docs"))
        self.app = Gateway(
            self.table,
            registry=self.registry,
            callers=self.callers,
            redirect=self.redirect,
            stats=self.stats,
            docs_url=DOCS,
            base_path="/dub",
            clock=lambda: self.now_ms,
        )

    def routes(self) -> list[Route]:
        answer: Any = dict[str, bool]

        def route(method: Any, path: str, opens: Opens, **more: Any) -> Route:
            return Route(
                method=method, path=path, opens=opens, handle=self.handle, answer=answer, summary="", **more
            )

        return [
            route("POST", "/orders", Opens.SECRET, body=Order),
            route(
                "POST",
                "/orders/bulk",
                Opens.SECRET,
                body=Annotated[list[Order], Meta(max_length=100)],
                most_bytes=1024 * 1024,
            ),
            route("GET", "/orders", Opens.SECRET, query=Search),
            route("GET", "/orders/count", Opens.SECRET),
            route("GET", "/orders/{id}", Opens.SECRET),
            route("DELETE", "/orders/{id}", Opens.SECRET),
            route("POST", "/orders/client", Opens.PUBLISHABLE, body=Order),
            route("POST", "/visits", Opens.PAGE, body=Order),
            route("GET", "/picture", Opens.ANYBODY, limited=True),
        ]

    def route(self, path: str) -> Route:
        """To change it, as a test may want."""
        return next(one for one in self.table if one.path == path)

    async def handle(self, call: Call) -> Any:
        self.calls.append(call)
        if self.failing:
            raise self.failing
        if call.workspace is None and call.body is not None:
            workspace = self.registry.contents.workspace("acme")
            assert workspace
            self.callers.allow_page(workspace, call.request)
        return self.returned

    async def redirect(self, request: Request, workspace: Workspace, host: str) -> Answer:
        if request.scope["path"] == "/none":
            raise ApiError(Code.NOT_FOUND, "no such link")
        return Answer(status=302, headers={"Location": f"https://{workspace.workspace_id}.test/{host}"})

    @asynccontextmanager
    async def client(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """``headers`` go along with everything; their names have ``_`` for ``-``."""
        given = {"x-from": "192.0.2.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://api.test", headers=given
        ) as client:
            yield client


def bearer(key: str = SECRET.text) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


SMALL: Final = Limits(secret=3, publishable=2, visitor=1)
