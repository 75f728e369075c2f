"""All pages of the dashboard."""

import shlex
from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec.json import encode

from processors.gateway.answers import Answer
from processors.gateway.asking import Ask
from processors.gateway.callers import Callers
from processors.gateway.customers.tracing import Tracing
from processors.gateway.dashboard import overview
from processors.gateway.dashboard.assets import ROOT, asset_routes, read_assets
from processors.gateway.dashboard.customers import Customers
from processors.gateway.dashboard.exports import Exports
from processors.gateway.dashboard.held import Held
from processors.gateway.dashboard.keeping import Keeping, Writing
from processors.gateway.dashboard.lists import Lists
from processors.gateway.dashboard.live import LiveRows, is_live
from processors.gateway.dashboard.names import PLURALS, group_name
from processors.gateway.dashboard.pages import Pages
from processors.gateway.dashboard.shared import SharedViews
from processors.gateway.dashboard.signing_in import Entrance
from processors.gateway.dashboard.state import BASES, UNITS
from processors.gateway.dashboard.traces import Traces
from processors.gateway.dashboard.views import (
    CUSTOMER,
    CUSTOMERS,
    EVENTS,
    EVENTS_LIVE,
    HELD,
    NOT_COUNTED,
    OVERVIEW,
    OVERVIEW_LIVE,
    PARTNERS,
    TRACE,
    Door,
    Visit,
)
from processors.gateway.live import Live
from processors.gateway.outcomes.held import Holding
from processors.gateway.routing import Route
from processors.gateway.streaming import EVENT_STREAM


def dashboard_routes(
    *,
    registry: Writing,
    callers: Callers,
    ask: Ask,
    ask_all: Ask,
    ask_shared: Ask,
    tracing: Tracing,
    holding: Holding,
    live: Live,
    public_url: str,
) -> Sequence[Route]:
    """``ask``: for pages, which wait ``PAGE_S``; ``ask_all``: for files; ``ask_shared``: for pages that
    strangers see. ``public_url``: how browsers reach this gateway; without a slash at its end."""
    where = urlsplit(public_url)
    assets = read_assets()
    pages = Pages(assets, where.path)
    entrance = Entrance(registry, callers, pages, where.path, (where.netloc.lower(),))
    door = Door(entrance, pages, ask, where.path)
    lists, customers, exports = Lists(door), Customers(door), Exports(ask_all)
    return [
        *asset_routes(assets),
        *entrance.routes(),
        door.route(OVERVIEW, Overview(door).show),
        door.route(EVENTS, lists.events),
        door.route(CUSTOMERS, customers.all),
        door.route(CUSTOMER, customers.one),
        door.route(TRACE, Traces(door, tracing).show),
        door.route(PARTNERS, lists.partners),
        door.route(NOT_COUNTED, lists.refused),
        door.route(HELD, Held(door, holding).show),
        door.route(
            OVERVIEW_LIVE, LiveRows(door, live, OVERVIEW, full=False).open, EVENT_STREAM, lasting=True
        ),
        door.route(EVENTS_LIVE, LiveRows(door, live, EVENTS, full=True).open, EVENT_STREAM, lasting=True),
        door.route(f"{ROOT}/series.csv", exports.series, "text/csv"),
        door.route(f"{ROOT}/events.csv", exports.events, "text/csv"),
        door.route(f"{ROOT}/groups.csv", exports.groups, "text/csv"),
        door.route(f"{ROOT}/customers.csv", exports.customers, "text/csv"),
        door.route(f"{ROOT}/not-counted.csv", exports.refused, "text/csv"),
        *Keeping(door, registry, f"{where.scheme}://{where.netloc}").routes(),
        *SharedViews(door, registry, callers, ask_shared).routes(),
    ]


class Overview:
    """The first page."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def show(self, visit: Visit) -> Answer:
        """All cards at once; what fails is a card that says so."""
        state, period = visit.state, visit.period()
        page = await overview.ask_all(self._door.ask, visit.workspace_id, state, period, visit.now_ms)
        url = visit.base + OVERVIEW
        told = visit.told(
            OVERVIEW,
            "Overview",
            period,
            **overview.told(page, state, period),
            basis_links={one: url + state.link(basis=one) for one in BASES},
            unit_links={one: url + state.link(unit=one) for one in UNITS},
            group_name=group_name,
            plural=PLURALS[state["groupBy"]],
            full=False,
            live=visit.base + OVERVIEW_LIVE + state.same if is_live(period, state) else "",
            first_command=first_command(visit.workspace_id),
        )
        if page.refused.found:
            told["refused_events"] = page.refused.found.events
        if page.steps.found:
            told["model"] = page.steps.found.model
        return self._door.pages.answer(visit.call.request, "overview.html", told)


def first_command(workspace_id: str) -> str:
    """What to paste into a terminal: a click, its sign-up, and what makes it a lead."""
    shared = {"workspaceId": workspace_id, "customerExternalId": "ada"}
    events = (
        {"type": "click", "workspaceId": workspace_id, "clickId": "first", "linkId": "l1"},
        {"type": "lead", "clickId": "first", "eventName": "Sign up", "mode": "deferred", **shared},
        {"type": "lead", "clickId": "", "eventName": "First meeting", **shared},
    )
    written = " \\\n  ".join(shlex.quote(encode(one).decode()) for one in events)
    return f"printf '%s\\n' \\\n  {written} \\\n  | leadstream send -"
