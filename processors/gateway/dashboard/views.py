"""What every page has beside its own: who looks, at which time, under which filters."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Final

from processors.clock import epoch_ms
from processors.gateway.analytics.filters import FIELDS
from processors.gateway.analytics.scopes import Scope
from processors.gateway.answers import Answer, ApiError
from processors.gateway.asking import Ask
from processors.gateway.dashboard.assets import ROOT
from processors.gateway.dashboard.kept import kept
from processors.gateway.dashboard.pages import Pages
from processors.gateway.dashboard.periods import INTERVALS, Period, period
from processors.gateway.dashboard.signing_in import Entrance
from processors.gateway.dashboard.state import GROUPS, KINDS, MAIN_GROUPS, State, read
from processors.gateway.routing import Call, Opens, Route
from schemas.registry import ApiKey, Workspace
from schemas.views import SavedView

OVERVIEW: Final = "/"
EVENTS: Final = f"{ROOT}/events"
CUSTOMERS: Final = f"{ROOT}/customers"
CUSTOMER: Final = f"{ROOT}/customer"
"""Of one; not among the views. His id is in the query: paths change what they are made of."""
TRACE: Final = f"{ROOT}/trace"
"""Of one, too."""
OVERVIEW_LIVE: Final = f"{ROOT}/live"
EVENTS_LIVE: Final = f"{ROOT}/events/live"
PARTNERS: Final = f"{ROOT}/partners"
NOT_COUNTED: Final = f"{ROOT}/not-counted"
HELD: Final = f"{ROOT}/held"
"""What is not counted yet; not among the views."""
KEPT: Final = f"{ROOT}/views"
"""Those that are saved and shared; not among the views."""
VIEWS: Final = (
    (OVERVIEW, "Overview"),
    (EVENTS, "Events"),
    (CUSTOMERS, "Customers"),
    (PARTNERS, "Partners"),
    (NOT_COUNTED, "Not counted"),
)
SHARED: Final = (OVERVIEW, PARTNERS)
"""Those on which nobody is named."""
_WITHIN: Final = {CUSTOMER: CUSTOMERS, TRACE: CUSTOMERS, HELD: NOT_COUNTED}
"""The view that leads to another page."""
PAGE: Final = 50
"""Rows of a list."""
_SHORTER: Final = {"1y": "90d", "90d": "30d", "30d": "7d", "7d": "24h", "custom": "7d"}


@dataclass(frozen=True)
class Visit:
    """Somebody who has signed in, and asks for a page."""

    call: Call
    workspace: Workspace
    key: ApiKey
    state: State
    base: str
    saved: Sequence[SavedView] = ()

    @property
    def workspace_id(self) -> str:
        """Whose numbers these are."""
        return self.workspace.workspace_id

    @property
    def now_ms(self) -> int:
        """Of everything on the page."""
        return self.call.now_ms

    @property
    def given(self) -> Mapping[str, str]:
        """The query, as it is."""
        return dict(self.call.request.query_params)

    @property
    def now(self) -> datetime:
        """In the zone of the page."""
        return datetime.fromtimestamp(self.now_ms / 1000, self.state.zone)

    def scope(self, period: Period) -> Scope:
        """What the page is about."""
        span = period.span
        return Scope(self.workspace_id, span.start_ms, span.end_ms, self.state.filters)

    def period(self) -> Period:
        """That of the address."""
        return period(self.state.interval, self.state.days, self.state.zone, self.now_ms)

    def told(self, here: str, title: str, period: Period | None, **more: Any) -> dict[str, Any]:
        """What the templates of all pages ask for. ``here``: the path of the view."""
        state, url = self.state, self.base + here
        shorter = _SHORTER.get(state.interval, "24h")
        return {
            "title": title,
            "here": here,
            "here_views": [_WITHIN.get(here, here)],
            "url": url,
            "views": VIEWS,
            "workspace": self.workspace_id,
            "key_prefix": self.key.prefix,
            "state": state,
            "period": period,
            "intervals": INTERVALS,
            "fields": FIELDS,
            "kinds": KINDS,
            "kind_links": {one: url + state.link(kind=one) for one in KINDS},
            "group_names": GROUPS,
            "main_groups": MAIN_GROUPS,
            "group_links": {one: url + state.link(groupBy=one) for one in GROUPS},
            "links": {
                "again": url + state.same,
                "shorter": url + state.within(shorter),
                "shorter_name": f"the last {INTERVALS[shorter]}",
            },
            "exports": self._exports() if period else None,
            "saved": self.saved,
            "kept_now": kept(here, self.call.request.url.query),
            "is_shareable": here in SHARED,
            "is_shared": False,
            "model": None,
            "refused_events": 0,
            **more,
        }

    def _exports(self) -> list[tuple[str, str]]:
        state, root = self.state, self.base + ROOT
        events = state.link(tab="leads", basis="events", groupBy="partnerId", metadata="")
        groups = state.link(tab="leads", basis="events", kind="all", metadata="")
        return [
            ("Chart as CSV", f"{root}/series.csv{state.common}"),
            ("Events as CSV", f"{root}/events.csv{events}"),
            ("Breakdown as CSV", f"{root}/groups.csv{groups}"),
        ]


Handle = Callable[[Visit], Coroutine[Any, Any, Answer]]


class Door:
    """Opens pages to those who have signed in. ``ask``: ClickHouse."""

    def __init__(self, entrance: Entrance, pages: Pages, ask: Ask, base: str) -> None:
        self._entrance = entrance
        self.pages = pages
        self.ask = ask
        self.base = base

    def is_open(self, visit: Visit) -> bool:
        """Still, to whoever it was opened to?"""
        return self._entrance.is_in(visit.call.request, epoch_ms())

    def route(
        self, path: str, handle: Handle, media_type: str = "text/html", *, lasting: bool = False
    ) -> Route:
        """To be asked for only."""
        opened = self._opened(handle)
        return _route(method="GET", path=path, handle=opened, media_type=media_type, lasting=lasting)

    def form(self, path: str, handle: Handle, form: type[Any]) -> Route:
        """What a form of ours sends, and no other."""
        return _route(method="POST", path=path, handle=self._opened(handle, changes=True), form=form)

    def anybody(self, path: str, handle: Callable[[Call], Coroutine[Any, Any, Answer]]) -> Route:
        """Without a session."""
        return _route(method="GET", path=path, handle=handle, media_type="text/html")

    def _opened(self, handle: Handle, *, changes: bool = False) -> Callable[[Call], Awaitable[Answer]]:
        @wraps(handle)
        async def opened(call: Call) -> Answer:
            try:
                if changes:
                    self._entrance.check_origin(call.request)
                holder = await self._entrance.holder(call.request, call.now_ms)
                if holder is None:
                    return self._entrance.to_sign_in(call.request)
                state = read(call.request.scope["query_string"])
                saved = self._entrance.saved(holder.workspace.workspace_id)
                return await handle(Visit(call, holder.workspace, holder.key, state, self.base, saved))
            except ApiError as error:
                return self.message(call, error)

        return opened

    def message(self, call: Call, error: ApiError) -> Answer:
        """What went wrong, as a page."""
        told = {"title": "This page cannot be shown", "said": error.message}
        return self.pages.answer(call.request, "message.html", told, error.code.status, error.headers)


def _route(**given: Any) -> Route:
    return Route(opens=Opens.ANYBODY, answer=bytes, summary="", **given)
