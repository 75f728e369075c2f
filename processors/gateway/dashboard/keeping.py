"""Views that are kept: saved under a name, or shared by a link; listed, renamed, taken away."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import date, datetime
from secrets import token_bytes
from typing import Any, Final, Protocol, TypeVar

from msgspec import Struct

from processors.errors import CheckFailed, LeadstreamError
from processors.gateway.answers import Answer, ApiError, Code, TryAgain
from processors.gateway.callers import Registry
from processors.gateway.dashboard import dates
from processors.gateway.dashboard.assets import ROOT
from processors.gateway.dashboard.kept import LIFETIMES, USUAL_LIFETIME, Kept, kept, kept_address, unshared
from processors.gateway.dashboard.periods import INTERVALS
from processors.gateway.dashboard.signing_in import go
from processors.gateway.dashboard.state import GROUPS
from processors.gateway.dashboard.views import KEPT, SHARED, VIEWS, Door, Visit
from processors.gateway.routing import Route
from processors.registry.contents import UnreadableWorkspace
from processors.registry.registries import Change
from processors.registry.view_changes import (
    MOST_NAME,
    forget,
    issue_link,
    new_id,
    rename,
    revoke,
    save,
    share,
    view_name,
)
from schemas.times import DAY_MS
from schemas.views import SavedView, SharedView, WorkspaceViews

T = TypeVar("T")
SHARED_AT: Final = f"{ROOT}/shared"
"""Where links lead; the token follows."""
_NAMES: Final = dict(VIEWS)
_SHARED_NAMES: Final = " and ".join(_NAMES[path] for path in SHARED)
_ENDED: Final = "Kafka does not answer. It may have been done or not: the list below shows it in a moment."
_UNREADABLE: Final = "Views of this workspace were written by a newer release. Look at them there."


class Writing(Registry, Protocol):
    """A registry that may be changed."""

    async def write(self, change: Change[T]) -> T:
        """As ``RegistryStore.write``."""


class ToSave(Struct, frozen=True):
    """``address``: of the view, behind the base of the gateway."""

    name: str = ""
    address: str = ""


class ToShare(Struct, frozen=True):
    """``days``: how long it opens."""

    name: str = ""
    address: str = ""
    days: int = USUAL_LIFETIME


class Named(Struct, frozen=True):
    """A view that is there. ``name``: what it is to be called."""

    id: str = ""
    name: str = ""


@dataclass(frozen=True)
class Listed:
    """A view in a list. ``until``: of one that is shared; "" where it has expired."""

    view: SavedView | SharedView
    address: str
    said: str
    until: str = ""


class Keeping:
    """Handlers. ``origin``: of this gateway, where a browser does not say it."""

    def __init__(self, door: Door, registry: Writing, origin: str) -> None:
        self._door = door
        self._registry = registry
        self._origin = origin

    def routes(self) -> list[Route]:
        """The page, and what its forms send."""
        door = self._door
        return [
            door.route(KEPT, self._show),
            door.form(f"{KEPT}/save", self._or_say(self._save), ToSave),
            door.form(f"{KEPT}/rename", self._or_say(self._rename), Named),
            door.form(f"{KEPT}/forget", self._or_say(self._forget), Named),
            door.form(f"{KEPT}/share", self._or_say(self._share), ToShare),
            door.form(f"{KEPT}/revoke", self._or_say(self._revoke), Named),
        ]

    async def _show(self, visit: Visit) -> Answer:
        path, _, query = visit.given.get("of", "").partition("?")
        return self._page(visit, of=kept(path, query) if path in _NAMES else None)

    async def _save(self, visit: Visit) -> Answer:
        name, of = _name(visit.call.body.name), _address(visit.call.body.address)
        view = SavedView(id=new_id(token_bytes), name=name, path=of.path, query=of.query)
        await self._write(save(visit.workspace_id, view))
        return go(visit.base + of.address)

    async def _rename(self, visit: Visit) -> Answer:
        given: Named = visit.call.body
        await self._write(rename(visit.workspace_id, given.id, _name(given.name)))
        return go(visit.base + KEPT)

    async def _forget(self, visit: Visit) -> Answer:
        await self._write(forget(visit.workspace_id, visit.call.body.id))
        return go(visit.base + KEPT)

    async def _share(self, visit: Visit) -> Answer:
        given: ToShare = visit.call.body
        name, of = _name(given.name, needed=False), _address(given.address)
        if of.path not in SHARED:
            raise _wrong(f"Only {_SHARED_NAMES} are shared: they name no customers.")
        if why := unshared(of.state):
            raise _wrong(f"Not shared with strangers: {', '.join(why)}. Remove the filter first.")
        if given.days not in LIFETIMES:
            raise _wrong(f"A link opens for {', '.join(map(str, LIFETIMES))} days.")
        wanted = SavedView(id=new_id(token_bytes), name=name, path=of.path, query=of.query)
        made = issue_link(wanted, given.days * DAY_MS, visit.key.prefix, visit.now_ms, token_bytes)
        await self._write(share(visit.workspace_id, made.view))
        said_by_browser = visit.call.request.headers.get("origin", "")
        origin = said_by_browser if said_by_browser.startswith("http") else self._origin
        return self._page(visit, of=of, link=f"{origin}{visit.base}{SHARED_AT}/{made.token}")

    async def _revoke(self, visit: Visit) -> Answer:
        await self._write(revoke(visit.workspace_id, visit.call.body.id))
        return go(visit.base + KEPT)

    def _or_say(
        self, handle: Callable[[Visit], Coroutine[Any, Any, Answer]]
    ) -> Callable[[Visit], Coroutine[Any, Any, Answer]]:
        """What was wrong stands on the page, beside what there is."""

        async def handled(visit: Visit) -> Answer:
            try:
                return await handle(visit)
            except ApiError as error:
                return self._page(visit, wrong=error)

        return handled

    async def _write(self, change: Change[WorkspaceViews]) -> None:
        try:
            await self._registry.write(change)
        except UnreadableWorkspace:
            raise ApiError(Code.CONFLICT, _UNREADABLE) from None
        except CheckFailed as error:
            raise ApiError(Code.CONFLICT, f"{_sentence(error.cause)} {error.remedy}".strip()) from None
        except LeadstreamError:
            raise TryAgain(_ENDED) from None

    def _page(
        self, visit: Visit, *, of: Kept | None = None, link: str = "", wrong: ApiError | None = None
    ) -> Answer:
        """``of``: the view to be kept. ``link``: the one that was just made."""
        today = visit.now.date()
        try:
            views = self._registry.contents.views(visit.workspace_id)
        except UnreadableWorkspace:
            views = WorkspaceViews(workspace_id=visit.workspace_id)
            wrong = wrong or ApiError(Code.CONFLICT, _UNREADABLE)
        told = visit.told(
            KEPT,
            "Views",
            None,
            of=of,
            of_said=_said(of, today) if of else "",
            of_shared=of is not None and of.path in SHARED,
            of_unshared=unshared(of.state) if of else [],
            shared_names=_SHARED_NAMES,
            link=link,
            wrong=wrong.message if wrong else "",
            lifetimes=LIFETIMES,
            usual_lifetime=USUAL_LIFETIME,
            most_name=MOST_NAME,
            saved_views=[_listed(one, visit) for one in views.saved],
            shared_views=[_listed(one, visit) for one in views.shared],
        )
        status, headers = (wrong.code.status, wrong.headers) if wrong else (200, None)
        return self._door.pages.answer(visit.call.request, "views.html", told, status, headers)


def _listed(one: SavedView | SharedView, visit: Visit) -> Listed:
    of, until = Kept(one.path, one.query), ""
    if isinstance(one, SharedView) and one.opens(visit.now_ms):
        until = dates.day_of_year(datetime.fromtimestamp(one.expires_at / 1000, visit.now.tzinfo).date())
    return Listed(one, visit.base + of.address, _said(of, visit.now.date()), until)


def _said(of: Kept, today: date) -> str:
    """``Overview, 30d, by Partner, Country is not DE``."""
    shown = of.state
    period = dates.span(*shown.days, today) if shown.days else INTERVALS.get(shown.interval, "")
    filters = (f"{one.name} is {'not ' * one.negated}{' or '.join(one.values)}" for one in shown.filters)
    by = f"by {GROUPS[shown['groupBy']]}" if of.path in SHARED else ""
    return ", ".join(one for one in (_NAMES.get(of.path, of.path), period, by, *filters) if one)


def _name(text: str, *, needed: bool = True) -> str:
    try:
        name = view_name(text)
    except ValueError as error:
        raise _wrong(str(error)) from None
    if needed and not name:
        raise _wrong("Give the view a name.")
    return name


def _address(text: str) -> Kept:
    try:
        return kept_address(text, [*_NAMES])
    except ValueError as error:
        raise _wrong(str(error)) from None


def _wrong(message: str) -> ApiError:
    return ApiError(Code.UNPROCESSABLE_ENTITY, message)


def _sentence(cause: str) -> str:
    return f"{cause[:1].upper()}{cause[1:]}."
