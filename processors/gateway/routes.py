"""Every route of a gateway, and what answers on short domains."""

from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom

from starlette.requests import Request

from processors.gateway.analytics.routes import analytics_routes
from processors.gateway.asking import Ask, telling_limits
from processors.gateway.callers import Callers
from processors.gateway.clicks.recording import Recorder
from processors.gateway.clicks.redirect import Redirects
from processors.gateway.clicks.routes import click_routes
from processors.gateway.clicks.visits import Visitors
from processors.gateway.customers.routes import customer_routes
from processors.gateway.customers.tracing import Tracing
from processors.gateway.known import Facts, Publisher
from processors.gateway.links.calls import Shown
from processors.gateway.links.counters import LinkCounters
from processors.gateway.links.routes import link_routes
from processors.gateway.live import Live
from processors.gateway.outcomes.held import Holding
from processors.gateway.outcomes.routes import outcome_routes
from processors.gateway.qr import qr_routes
from processors.gateway.routing import Route
from processors.gateway.script.routes import script_routes
from processors.gateway.serving import Redirect
from processors.gateway.track.routes import track_routes
from processors.registry.store import RegistryStore
from processors.visitors.addresses import Addresses


@dataclass(frozen=True)
class Parts:
    """What handlers need. ``ask``: ClickHouse. ``public_url``: how clients reach this gateway; without a
    slash at its end. ``qualification_window_ms``: as the workers have it. ``tracing``, ``holding``:
    one for all who look.
    """

    registry: RegistryStore
    facts: Facts
    publisher: Publisher
    ask: Ask
    visitors: Visitors
    callers: Callers
    live: Live
    public_url: str
    qualification_window_ms: int
    tracing: Tracing
    holding: Holding


def build_routes(parts: Parts) -> tuple[list[Route], Redirect]:
    """In the order in which they are documented."""
    registry, facts, publisher = parts.registry, parts.facts, parts.publisher
    ask = telling_limits(parts.ask)
    shown = Shown(LinkCounters(parts.ask), parts.public_url)
    recorder = Recorder(facts, publisher, SystemRandom())
    routes = [
        *track_routes(facts=facts, publisher=publisher, link_by_id=registry.links.get),
        *click_routes(registry, parts.visitors, recorder, parts.callers),
        *link_routes(registry, shown),
        *customer_routes(
            ask, facts, publisher, registry.links.get, parts.qualification_window_ms, parts.tracing
        ),
        *analytics_routes(ask, registry, shown, parts.live),
        *outcome_routes(ask, facts, parts.holding),
        *qr_routes(),
        *script_routes(),
    ]
    return routes, Redirects(registry, parts.visitors, recorder).serve


def client_address(addresses: Addresses) -> Callable[[Request], str]:
    """Of a request: whose it is, behind the proxies that are trusted."""

    def address_of(request: Request) -> str:
        peer = request.client.host if request.client else None
        forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
        return str(addresses.client(peer, forwarded))

    return address_of
