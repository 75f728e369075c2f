"""Settings → a running gateway."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack, aclosing, suppress
from functools import partial
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from processors.clickhouse.shared import load_driver
from processors.clock import epoch_ms
from processors.errors import Misconfigured
from processors.garbage import ANSWERS, READING, collect_rarely
from processors.gateway.asking import Stored, telling_limits
from processors.gateway.callers import Callers
from processors.gateway.clicks.visits import Visitors
from processors.gateway.customers.tracing import Tracing, trace_in_a_process
from processors.gateway.dashboard.routes import dashboard_routes
from processors.gateway.documentation import documented
from processors.gateway.facts import open_facts
from processors.gateway.listening import address_of, listen, serve
from processors.gateway.live import Live
from processors.gateway.looking import Looks
from processors.gateway.observing import Observed, Servers, serve_gateway
from processors.gateway.outcomes.held import Holding, held_in_a_process
from processors.gateway.publishing import EventPublisher
from processors.gateway.routes import Parts, build_routes, client_address
from processors.gateway.serving import Gateway
from processors.gateway.stats import Stats
from processors.kafka.connection import NoBroker
from processors.registry.store import RegistryStore
from processors.settings import Settings
from processors.visitors.addresses import Addresses
from processors.visitors.agents import Agents
from processors.visitors.places import Places, UnreadablePlaces

log = logging.getLogger(__name__)

START_PATIENCE_S: Final = 30.0
"""How long a gateway that starts waits for a broker that does not answer."""
_RETRY_S: Final = 1.0
_STORE_S: Final = 2.0
"""How long a request waits for the registry: clients give up after 5 s."""
LOOK_S: Final = 60
"""How long a look into what workers hold may take: it reads changelogs, however long these have become."""
_LOOKS: Final = 4
"""At once, each in a process of its own, which takes some 100 MB."""


async def run_gateway(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests under way and write what they brought.

    Raises ``LeadstreamError``: at start; or because a topic cannot be followed any more.
    """
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    observed = Observed(Stats())

    def end() -> None:
        stopping.set()
        observed.stats.unready = "it is ending"

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    serve_gateway(settings, observed)
    # Before anything is read: an address that is taken is told at once.
    with listen(settings.gateway_host, settings.gateway_port) as listening:
        collect_rarely(READING)
        # They take some tenths of a second beside all that is read.
        agents = asyncio.create_task(asyncio.to_thread(Agents))
        places = asyncio.create_task(asyncio.to_thread(_places, settings))
        if settings.geoip_db is not None:
            await places  # a file of an operator's may be none: told at once
        async with AsyncExitStack() as stack:
            observed.servers = await _connected(settings, stopping, stack)
            if observed.servers is not None:
                visitors = Visitors(Addresses(settings.proxies), await agents, await places)
                await _serve(settings, observed, observed.servers, visitors, listening, stopping)
    log.info("stopped", extra={"requests": observed.stats.requests.total()})


async def _serve(
    settings: Settings,
    observed: Observed,
    servers: Servers,
    visitors: Visitors,
    listening: socket.socket,
    stopping: asyncio.Event,
) -> None:
    registry, facts, publisher = servers
    public_url = settings.gateway_public_url or address_of(listening)
    callers = Callers(registry, client_address(Addresses(settings.proxies)))
    looks = Looks(_LOOKS)
    tracing = Tracing(partial(trace_in_a_process, LOOK_S), looks)
    live = observed.live = Live(settings)
    async with aclosing(Stored(settings)) as stored:
        holding = Holding(partial(held_in_a_process, LOOK_S), looks, stored.rows)
        routes, redirect = build_routes(
            Parts(
                registry=registry,
                facts=facts,
                publisher=publisher,
                ask=stored.rows,
                visitors=visitors,
                callers=callers,
                live=live,
                public_url=public_url,
                qualification_window_ms=settings.qualification_window,
                tracing=tracing,
                holding=holding,
            )
        )
        app = Gateway(
            # Pages are for people: what describes the API says nothing of them.
            [
                *documented(routes, public_url),
                *dashboard_routes(
                    registry=registry,
                    callers=callers,
                    ask=telling_limits(stored.rows_of_page),
                    ask_all=telling_limits(stored.rows),
                    ask_shared=telling_limits(stored.rows_of_shared),
                    tracing=tracing,
                    holding=holding,
                    live=live,
                    public_url=public_url,
                ),
            ],
            registry=registry,
            callers=callers,
            redirect=redirect,
            stats=observed.stats,
            docs_url=f"{public_url}/docs",
            base_path=urlsplit(public_url).path,
        )
        collect_rarely(ANSWERS)
        observed.stats.unready = None
        log.info("listening", extra={"address": address_of(listening)})
        # Kept, so that it is not collected before it is done.
        loading = asyncio.create_task(_load_the_rest())
        await until_first(
            serve(app, listening, stopping),
            *(registry.follow(), facts.follow(), publisher.follow(), callers.uses.keep(registry, epoch_ms)),
            live.follow(stopping),
            stopping=stopping,
        )
        await loading


async def _load_the_rest() -> None:
    """What nothing needs before the first question and the first page, in a thread."""
    await load_driver()
    await asyncio.to_thread(import_module, "jinja2")


def _places(settings: Settings) -> Places:
    """Reads a file, for up to two tenths of a second."""
    try:
        return Places(settings.geoip_db)
    except (UnreadablePlaces, OSError) as error:
        raise Misconfigured(
            f"the database of places cannot be read: {error}",
            "Set LEADSTREAM_GEOIP_DB to an .mmdb file, or to nothing.",
        ) from error


async def _connected(settings: Settings, stopping: asyncio.Event, stack: AsyncExitStack) -> Servers | None:
    """A broker that is restarting is waited for, so that no supervisor need start us again and again.

    None: told to stop meanwhile.
    """
    deadline = time.monotonic() + START_PATIENCE_S
    while not stopping.is_set():
        try:
            async with AsyncExitStack() as tried:
                registry = await tried.enter_async_context(RegistryStore(settings, patience_s=_STORE_S))
                facts = await tried.enter_async_context(open_facts(settings, registry))
                publisher = await tried.enter_async_context(EventPublisher(settings, facts.learn))
                await stack.enter_async_context(tried.pop_all())
                return Servers(registry, facts, publisher)
        except NoBroker as error:
            if time.monotonic() >= deadline:
                raise
            log.warning("waiting for a Kafka broker", extra={"error": str(error)})
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), _RETRY_S)
    return None


async def until_first(
    serving: Coroutine[Any, Any, None], *following: Coroutine[Any, Any, None], stopping: asyncio.Event
) -> None:
    """Until any of them ends: what is served then comes to its end first. Raises what one of them raised."""
    server, *others = (asyncio.create_task(one) for one in (serving, *following))
    try:
        await asyncio.wait({server, *others}, return_when=asyncio.FIRST_COMPLETED)
        stopping.set()
        await server
        for one in others:
            if one.done():
                one.result()
    finally:
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)
