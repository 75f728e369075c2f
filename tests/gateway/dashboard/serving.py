"""The dashboard on a port of this process, with a registry in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.types import ASGIApp

from processors.clock import epoch_ms
from processors.gateway.answers import Answer, ApiError, Code
from processors.gateway.asking import Ask
from processors.gateway.callers import Callers
from processors.gateway.customers.tracing import Tracing
from processors.gateway.dashboard.routes import dashboard_routes
from processors.gateway.listening import listen, serve
from processors.gateway.live import Live
from processors.gateway.outcomes.held import Holding
from processors.gateway.serving import Gateway
from processors.gateway.stats import Stats
from processors.registry.keys import IssuedKey, issue
from processors.settings import Settings
from schemas.registry import KeyRole, Workspace
from tests.gateway.customers.traces import NO_TRACES, NOTHING_HELD
from tests.gateway.doors import Registry

SECRET: Final = issue(KeyRole.SECRET, 0, lambda count: b"d" * count)
OTHER: Final = issue(KeyRole.SECRET, 0, lambda count: b"o" * count)
PUBLISHABLE: Final = issue(KeyRole.PUBLISHABLE, 0, lambda count: b"p" * count)


def workspace(name: str = "acme", *keys: IssuedKey) -> Workspace:
    return Workspace(workspace_id=name, keys=tuple(one.record for one in keys or (SECRET, PUBLISHABLE)))


class Dashboard:
    """``ask``: ClickHouse. ``now_ms``: None is now. ``live``: None is one that reads nothing.
    ``ask_shared``: None is ``ask``."""

    def __init__(
        self,
        ask: Ask,
        public_url: str = "http://api.test",
        now_ms: int | None = None,
        tracing: Tracing = NO_TRACES,
        holding: Holding = NOTHING_HELD,
        live: Live | None = None,
        ask_shared: Ask | None = None,
    ) -> None:
        self.registry = Registry()
        self.registry.put(workspace())
        self.registry.put(workspace("globex", OTHER))
        self.now_ms = now_ms
        self.callers = Callers(self.registry, lambda request: request.headers.get("x-from", ""), self.clock)
        self.live = live or Live(Settings())
        if live is None:
            self.live.rings.begin({}, {})
        self.routes = dashboard_routes(
            registry=self.registry,
            callers=self.callers,
            ask=ask,
            ask_all=ask,
            ask_shared=ask_shared or ask,
            tracing=tracing,
            holding=holding,
            live=self.live,
            public_url=public_url,
        )
        self.app = Gateway(
            self.routes,
            registry=self.registry,
            callers=self.callers,
            redirect=self._redirect,
            stats=Stats(),
            docs_url=f"{public_url}/docs",
            base_path="/dub" if public_url.endswith("/dub") else "",
            clock=self.clock,
        )

    def clock(self) -> int:
        return epoch_ms() if self.now_ms is None else self.now_ms

    async def _redirect(self, *_: object) -> Answer:
        raise ApiError(Code.NOT_FOUND, "no such link")


@dataclass(frozen=True)
class Served:
    """``url``: of the overview, without a slash at its end."""

    url: str


class Streaming(Protocol):
    """An application, and what its streams rest on."""

    @property
    def app(self) -> ASGIApp: ...

    @property
    def live(self) -> Live: ...


@asynccontextmanager
async def served(dashboard: Streaming) -> AsyncIterator[Served]:
    """Over HTTP, as the gateway serves it."""
    stopping = asyncio.Event()
    with listen("127.0.0.1", 0) as listening:
        running = asyncio.create_task(serve(dashboard.app, listening, stopping))
        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            stopping.set()
            dashboard.live.end()
            with suppress(asyncio.CancelledError):
                await running


async def nothing(sql: str, parameters: Any) -> Sequence[Any]:
    """Of pages that ask nothing."""
    raise AssertionError(sql)


def failing(error: Exception, part: str = "") -> Ask:
    """Of the questions that have this part; to all others nothing has ever happened."""

    async def ask(sql: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        if part in sql:
            raise error
        if "groupUniqArray" in sql:
            return [((0, [], []), [], [])]
        if "'late'" in sql:
            return [("late", "", 0, "0")]
        return []

    return ask
