"""What whoever has a link sees, without a session: numbers of one view, and of nobody.

Which workspace, view, period and filters it shows stands in the registry. An address can choose only how that
is drawn.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from processors.errors import LeadstreamError
from processors.gateway.analytics import counts
from processors.gateway.analytics.scopes import Scope
from processors.gateway.answers import Answer, ApiError
from processors.gateway.asking import Ask
from processors.gateway.callers import Callers, Registry
from processors.gateway.dashboard import dates, journeys, numbers, overview
from processors.gateway.dashboard.cards import Card, card
from processors.gateway.dashboard.chart import earned
from processors.gateway.dashboard.funnel import cohort_card
from processors.gateway.dashboard.keeping import SHARED_AT
from processors.gateway.dashboard.kept import Kept, unshared
from processors.gateway.dashboard.names import PLURALS, group_name
from processors.gateway.dashboard.periods import Period, period
from processors.gateway.dashboard.state import BASES, GROUPS, UNITS, State, read
from processors.gateway.dashboard.views import OVERVIEW, SHARED, VIEWS, Door
from processors.gateway.dashboard.waits import MOST_COMPARED, buckets, waits
from processors.gateway.dashboard.windows import WINDOWED
from processors.gateway.routing import Call, Route
from processors.registry.contents import Shared
from processors.registry.keys import is_mistyped
from processors.registry.looking import look_up

HEADERS: Final = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
"""The address lets in whoever has it: it goes nowhere else."""
_FREE: Final = ("tab", "basis", "unit")
_FIXED: Final = ("groupBy", "kind", *WINDOWED)
_MOST_GROUPS: Final = 100
_CUT: Final = "This link is not whole. Copy all of it."
_GONE: Final = "This link was revoked, or has never been there. Ask whoever sent it for another one."
_OTHER: Final = "This release cannot show what the link is about. Ask whoever sent it for another one."
_AWAY: Final = "Whether this link is open cannot be told now. Try again in a moment."


@dataclass(frozen=True)
class Shown(State):
    """``recorded``: what the link says of all that may be chosen; its address names what differs."""

    recorded: Mapping[str, str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """As of every state."""
        return [(name, self[name]) for name in _FREE if self[name] != self.recorded[name]]


def shown(recorded: State, query_string: bytes) -> Shown:
    """``query_string``: of the address, in which strangers may write what they like."""
    asked = read(query_string).chosen
    fixed = {name: recorded[name] for name in (*_FREE, *_FIXED)}
    chosen = fixed | {name: asked[name] for name in _FREE if name in asked}
    return Shown(recorded.interval, recorded.days, recorded.timezone, recorded.filters, chosen, fixed)


class SharedViews:
    """Handlers. ``ask``: as ``Door.ask``, and apart from it."""

    def __init__(self, door: Door, registry: Registry, callers: Callers, ask: Ask) -> None:
        self._door = door
        self._ask = ask
        self._registry = registry
        self._callers = callers

    def routes(self) -> list[Route]:
        """For whoever has a link."""
        return [self._door.anybody(f"{SHARED_AT}/{{token}}", self._show)]

    async def _show(self, call: Call) -> Answer:
        token = call.path["token"]
        try:
            # Each costs questions to the store, and nobody is to try many tokens.
            self._callers.allow_anybody(call.request)
        except ApiError as error:
            return self._closed(call, error.message, error.code.status, error.headers)
        if is_mistyped(token):
            return self._closed(call, _CUT, 404)
        try:
            found = await look_up(self._registry, lambda: self._registry.contents.shared(token))
        except LeadstreamError:
            return self._closed(call, _AWAY, 503)
        if found is None:
            return self._closed(call, _GONE, 404)
        return await self._found(call, found, f"{self._door.base}{SHARED_AT}/{token}")

    async def _found(self, call: Call, found: Shared, url: str) -> Answer:
        view, recorded = found.view, Kept(found.view.path, found.view.query)
        state = shown(recorded.state, call.request.scope["query_string"])
        until = dates.day_of_year(datetime.fromtimestamp(view.expires_at / 1000, state.zone).date())
        if not view.opens(call.now_ms):
            said = f"This link was open until {until}. Ask whoever sent it for another one."
            return self._closed(call, said, 410)
        if view.path not in SHARED or not recorded.is_whole or unshared(state):
            return self._closed(call, _OTHER, 410)
        chosen = period(state.interval, state.days, state.zone, call.now_ms)
        scope = Scope(found.workspace_id, chosen.span.start_ms, chosen.span.end_ms, state.filters)
        asked = _overview if view.path == OVERVIEW else _partners
        told = {
            "title": view.name or dict(VIEWS)[view.path],
            "workspace": found.workspace_id,
            "until": until,
            "url": url,
            "state": state,
            "period": chosen,
            "is_shared": True,
            "exports": None,
            "group_names": GROUPS,
            "group_name": group_name,
            "plural": PLURALS[state["groupBy"]],
            "earned": earned,
            "full": view.path != OVERVIEW,
            "links": {"again": url + state.same, "shorter": ""},
            "basis_links": {one: url + state.link(basis=one) for one in BASES},
            "unit_links": {one: url + state.link(unit=one) for one in UNITS},
            **await asked(self._ask, scope, state, chosen),
        }
        return self._door.pages.answer(call.request, "shared.html", told, headers=HEADERS)

    def _closed(self, call: Call, said: str, status: int, headers: Mapping[str, str] | None = None) -> Answer:
        told = {"title": "This link is not open", "said": said}
        given = {**HEADERS, **(headers or {})}
        return self._door.pages.answer(call.request, "shared_closed.html", told, status, given)


async def _overview(ask: Ask, scope: Scope, state: State, chosen: Period) -> Mapping[str, Any]:
    now_ms = int(chosen.now.timestamp() * 1000)
    async with asyncio.TaskGroup() as asked:
        series = asked.create_task(card(counts.series(ask, scope, chosen)))
        steps = asked.create_task(card(journeys.steps(ask, scope)))
        cohort = asked.create_task(cohort_card(ask, scope, state, now_ms))
        groups = asked.create_task(card(numbers.groups(ask, scope, state["groupBy"], overview.GROUPS)))
    page = overview.Overview(
        series=series.result(),
        steps=steps.result(),
        cohort=cohort.result(),
        groups=groups.result(),
        # What names customers, leads to them, or is not of these filters.
        waiting=Card(None),
        events=Card(None),
        refused=Card(None),
        ever=True,
        unfiltered=None,
    )
    told = {**overview.told(page, state, chosen), "weeks": None}
    if told["drawn"]:
        # Dragging would choose another period.
        told["drawn"] = {**told["drawn"], "days": None}
    return told


async def _partners(ask: Ask, scope: Scope, state: State, chosen: Period) -> Mapping[str, Any]:
    now_ms = int(chosen.now.timestamp() * 1000)
    async with asyncio.TaskGroup() as asked:
        groups = asked.create_task(card(numbers.groups(ask, scope, state["groupBy"], _MOST_GROUPS)))
        weeks = asked.create_task(card(journeys.weeks(ask, scope, state.timezone, now_ms)))
        waited = asked.create_task(card(waits(ask, scope, MOST_COMPARED)))
    return {
        "page": {"groups": groups.result()},
        "weeks": weeks.result(),
        "waits": waited.result(),
        "buckets": buckets,
    }
