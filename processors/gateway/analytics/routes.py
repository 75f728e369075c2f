"""The table of the calls that tell numbers."""

from functools import partial
from typing import Annotated, Any, Final

from msgspec import Meta

from processors.gateway.analytics.calls import Analytics
from processors.gateway.analytics.queries import AnalyticsQuery, EventsQuery, StreamQuery
from processors.gateway.analytics.stream import Stream
from processors.gateway.answers import Code
from processors.gateway.asking import Ask
from processors.gateway.links.calls import Shown
from processors.gateway.live import Live
from processors.gateway.routing import Opens, Route
from processors.gateway.streaming import EVENT_STREAM
from processors.registry.store import RegistryStore

_route: Final = partial(Route, opens=Opens.SECRET, tag="Analytics", errors=(Code.UNPROCESSABLE_ENTITY,))
# Unions of objects are nothing that msgspec can describe.
_Numbers = Annotated[
    dict[str, Any] | list[dict[str, Any]],
    Meta(
        description="clicks, leads, sales, saleAmount and saleAmounts: of all, or of each bucket or value."
        " leads adds up quantities."
    ),
]
_Events = Annotated[list[dict[str, Any]], Meta(description="Clicks, leads or sales, with click and link.")]


def analytics_routes(ask: Ask, store: RegistryStore, shown: Shown, live: Live) -> list[Route]:
    """``ask``: as ``Stored.rows``."""
    calls = Analytics(ask, store, shown)
    return [
        _route(
            method="GET",
            path="/analytics",
            handle=calls.analytics,
            query=AnalyticsQuery,
            answer=_Numbers,
            summary="How many clicks, leads and sales, in all, by time, or by value",
        ),
        _route(
            method="GET",
            path="/events",
            handle=calls.events,
            query=EventsQuery,
            answer=_Events,
            summary="Clicks, leads or sales themselves, as JSON in pages, or all of them as CSV",
        ),
        _route(
            method="GET",
            path="/events/stream",
            handle=Stream(live, store, shown).open,
            query=StreamQuery,
            answer=bytes,
            media_type=EVENT_STREAM,
            lasting=True,
            summary="Clicks, leads or sales as they come, each as /events has it, as server-sent events",
        ),
    ]
