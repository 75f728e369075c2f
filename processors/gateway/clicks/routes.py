"""What pages and apps tell of their visitors: ``/track/click``, ``/track/visit``, ``/track/open``."""

from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from msgspec import UNSET, Struct, UnsetType
from starlette.requests import Request

from processors.gateway.answers import ApiError, Code
from processors.gateway.clicks.recording import Arrival, Recorder, Trigger
from processors.gateway.clicks.redirect import Registry, is_expired, key_of, link_at
from processors.gateway.clicks.visits import VisitorRequest, Visitors
from processors.gateway.idempotency import idempotency_of
from processors.gateway.routing import Call, Opens, Route
from processors.registry.contents import Contents
from processors.registry.names import host_name
from schemas.links import Link
from schemas.registry import Workspace
from schemas.texts import URL

NOBODY: Final = ""
"""Instead of a click id, for those who are not recorded. A page keeps none then, and its server hears of
none, as of anybody who came by no link. With an id that leads nowhere, a sign-up would end in an error."""

_TAG: Final = "Clicks"
_WWW: Final = "www."
_TOLD: Final = 255
"""Characters of what was sent, in an error."""


class ClickBody(Struct, frozen=True, rename="camel"):
    """A visitor came by a link. ``url``: the page that he is on. ``referrer``: the one before it."""

    domain: str
    key: str
    url: str | None = None
    referrer: str | None = None


class VisitBody(Struct, frozen=True, rename="camel"):
    """A page was opened; the path of ``url`` is the key of the link that stands for it."""

    domain: str
    url: str
    referrer: str | None = None


class OpenBody(Struct, frozen=True, rename="camel"):
    """An app was opened. ``deep_link``: the short link that opened it; without one nothing is found."""

    deep_link: str | None = None
    dub_domain: str | None = None


class Partner(Struct, frozen=True, rename="camel"):
    """Whose link it is. Until there is a register of partners, ``name`` is the id, and ``image`` is empty:
    pages encode both, and null would become a word."""

    id: str
    name: str
    image: str
    group_id: str | None
    tenant_id: str | None


class ClickAnswer(Struct, frozen=True, rename="camel"):
    """``click_id``: empty for visitors who are not recorded."""

    click_id: str
    partner: Partner | UnsetType = UNSET
    discount: UnsetType | None = UNSET


class VisitAnswer(Struct, frozen=True, rename="camel"):
    """``click_id``: as of a click."""

    click_id: str


class OpenedLink(Struct, frozen=True):
    """The link of an open."""

    id: str
    domain: str
    key: str
    url: str


class OpenAnswer(Struct, frozen=True, rename="camel"):
    """Null: no link, or nobody who is recorded."""

    click_id: str | None
    link: OpenedLink | None


class Pages(Protocol):
    """Who may call without a key. Raises ``ApiError``."""

    def allow_page(self, workspace: Workspace, request: Request) -> None:
        """One of the workspace's, and not too often."""

    def allow_anybody(self, request: Request) -> None:
        """Not too often."""


class Store(Registry, Protocol):
    """Of links and domains."""

    @property
    def contents(self) -> Contents:
        """Of workspaces."""


def click_routes(store: Store, visitors: Visitors, recorder: Recorder, pages: Pages) -> list[Route]:
    """The three of them."""
    told = _Told(store, visitors, recorder, pages)
    errors = (Code.NOT_FOUND, Code.SERVICE_UNAVAILABLE)

    def route(path: str, handle: Any, body: type, answer: type, summary: str) -> Route:
        return Route(
            method="POST",
            path=path,
            opens=Opens.PAGE,
            handle=handle,
            body=body,
            answer=answer,
            summary=summary,
            errors=errors,
            tag=_TAG,
            idempotent=True,
        )

    return [
        route("/track/click", told.click, ClickBody, ClickAnswer, "A visitor came to a page by a link"),
        route("/track/visit", told.visit, VisitBody, VisitAnswer, "A page was opened that is a link's"),
        route("/track/open", told.open, OpenBody, OpenAnswer, "An app was opened by a short link"),
    ]


class _Told:
    def __init__(self, store: Store, visitors: Visitors, recorder: Recorder, pages: Pages) -> None:
        self._store = store
        self._visitors = visitors
        self._recorder = recorder
        self._pages = pages

    async def click(self, call: Call) -> ClickAnswer:
        body: ClickBody = call.body
        workspace, link = await self._link(call, body.domain, body.key.strip("/"))
        click_id = await self._click_id(
            call, workspace, link, "link", url=body.url, referrer=body.referrer, through_library=False
        )
        if link.partner_id is None:
            return ClickAnswer(click_id or NOBODY)
        partner = Partner(link.partner_id, link.partner_id, "", None, link.tenant_id)
        return ClickAnswer(click_id or NOBODY, partner, None)

    async def visit(self, call: Call) -> VisitAnswer:
        body: VisitBody = call.body
        _, key = _host_and_key(body.url)
        workspace, link = await self._link(call, body.domain, key)
        click_id = await self._click_id(
            call, workspace, link, "pageview", url=body.url, referrer=body.referrer, through_library=False
        )
        return VisitAnswer(click_id or NOBODY)

    async def open(self, call: Call) -> OpenAnswer:
        body: OpenBody = call.body
        if not body.deep_link:
            self._pages.allow_anybody(call.request)
            return OpenAnswer(None, None)
        domain, key = _host_and_key(body.deep_link)
        workspace, link = await self._link(
            call, domain, key, f"Deep link not found: {body.deep_link[:_TOLD]}"
        )
        click_id = await self._click_id(
            call, workspace, link, "deeplink", url=None, referrer=None, through_library=True
        )
        return OpenAnswer(click_id, OpenedLink(link.id, link.domain, link.key, link.url))

    async def _link(
        self, call: Call, domain: str, key: str | None, absent: str | None = None
    ) -> tuple[Workspace, Link]:
        """``absent``: what is told where there is none, in words that clients of others look for."""
        absent = absent or f"Link not found for domain: {domain[:_TOLD]} and key: {(key or '')[:_TOLD]}."
        slug, workspace = self._workspace(domain)
        if workspace is None:
            self._pages.allow_anybody(call.request)
            raise ApiError(Code.NOT_FOUND, absent)
        self._pages.allow_page(workspace, call.request)
        found = await link_at(self._store, workspace, slug, key)
        if found is None or is_expired(found, call.now_ms):
            raise ApiError(Code.NOT_FOUND, absent)
        return workspace, found

    def _workspace(self, domain: str) -> tuple[str, Workspace | None]:
        try:
            slug = host_name(_host_and_key(domain if "//" in domain else f"//{domain}")[0])
        except ValueError:
            return domain, None
        for one in (slug, slug.removeprefix(_WWW)):
            if (found := self._store.contents.of_domain(one)) is not None:
                return one, found
        return slug, None

    async def _click_id(
        self,
        call: Call,
        workspace: Workspace,
        link: Link,
        trigger: Trigger,
        *,
        url: str | None,
        referrer: str | None,
        through_library: bool,
    ) -> str | None:
        """None: this visitor is not recorded."""
        visitor = self._visitors.of(VisitorRequest.of(call.request.scope, link.domain, call.now_ms))
        if not visitor.is_recorded(workspace, through_library=through_library):
            return None
        return await self._recorder.publish(
            Arrival(
                workspace=workspace,
                link=link,
                visitor=visitor,
                url=url if url and _is_page(url) else link.url,
                trigger=trigger,
                tracked=True,
                # Not the header: it names the page that calls.
                referrer=referrer,
                now_ms=call.now_ms,
                event_id=idempotency_of(call, workspace.workspace_id),
            )
        )


def _host_and_key(url: str) -> tuple[str, str | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", key_of(parts.path.encode("utf-8", "replace"))
    except ValueError:
        return "", None


def _is_page(url: str) -> bool:
    return url.startswith(("https://", "http://")) and len(url) <= URL
