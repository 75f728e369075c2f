"""Settings → a running gateway."""

import asyncio
import logging
import signal
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.requests import Request

from processors.clock import epoch_ms
from processors.garbage import collect_rarely
from processors.gateway.answers import Answer, ApiError, Code
from processors.gateway.callers import Callers
from processors.gateway.documentation import documented
from processors.gateway.listening import address_of, listen, serve
from processors.gateway.observing import serve_gateway
from processors.gateway.routes import Parts, build_routes
from processors.gateway.serving import Gateway
from processors.gateway.stats import Stats
from processors.kafka.connection import NoBroker
from processors.registry.store import RegistryStore
from processors.settings import Settings
from schemas.registry import Workspace

log = logging.getLogger(__name__)

START_PATIENCE_S: Final = 30.0
"""How long a gateway that starts waits for a broker that does not answer."""
_RETRY_S: Final = 1.0
_STORE_S: Final = 2.0
"""How long a request waits for the registry: clients give up after 5 s."""


async def run_gateway(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests under way and write what they brought.

    Raises ``LeadstreamError``: at start; or because a topic cannot be followed any more.
    """
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    stats = Stats()
    serve_gateway(settings, stats)
    # Before anything is read: an address that is taken is told at once.
    listening = listen(settings.gateway_host, settings.gateway_port)
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        registry = await _opened(settings, stopping, stack)
        if registry is None:
            return
        public_url = settings.gateway_public_url or address_of(listening)
        app = _application(settings, registry, stats, public_url)
        collect_rarely()
        stats.unready = None
        log.info("listening", extra={"address": address_of(listening)})
        await _together(serve(app, listening, stopping), registry.follow(), stopping=stopping)
        stats.unready = "it has stopped"
    log.info("stopped", extra={"requests": stats.requests.total()})


async def _opened(settings: Settings, stopping: asyncio.Event, stack: AsyncExitStack) -> RegistryStore | None:
    """A broker that is restarting is waited for, so that no supervisor need start us again and again.

    None: told to stop meanwhile.
    """
    deadline = time.monotonic() + START_PATIENCE_S
    while not stopping.is_set():
        try:
            return await stack.enter_async_context(RegistryStore(settings, patience_s=_STORE_S))
        except NoBroker as error:
            if time.monotonic() >= deadline:
                raise
            log.warning("waiting for a Kafka broker", extra={"error": str(error)})
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _RETRY_S)
    return None


def _application(settings: Settings, registry: RegistryStore, stats: Stats, public_url: str) -> Gateway:
    callers = Callers(registry, _client_of)
    routes = build_routes(Parts(settings, registry, callers, public_url, epoch_ms))
    return Gateway(
        documented(routes, public_url),
        registry=registry,
        callers=callers,
        redirect=_nowhere,
        stats=stats,
        docs_url=f"{public_url}/docs",
        base_path=urlsplit(public_url).path,
    )


def _client_of(request: Request) -> str:
    return request.client.host if request.client else ""


async def _nowhere(_request: Request, _workspace: Workspace, _host: str) -> Answer:
    raise ApiError(Code.NOT_FOUND, "There is no such link.")


async def _together(*work: Coroutine[Any, Any, None], stopping: asyncio.Event) -> None:
    """Until the first of them ends, and then all; raises what one of them raised.

    The first one is to end in good order, when it is told to; the others are given up.
    """
    first, *others = (asyncio.create_task(one) for one in work)
    try:
        await asyncio.wait({first, *others}, return_when=asyncio.FIRST_COMPLETED)
        stopping.set()
        await first
        for one in others:
            if one.done():
                one.result()
    finally:
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)
