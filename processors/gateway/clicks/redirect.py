"""Short links: ``GET`` and ``HEAD`` of any path on a short domain.

A visitor goes where the link leads, whatever else is the matter: Kafka and the stores may all be away. What
must not happen is a redirect that says more than it should, or leads elsewhere.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import quote, unquote_to_bytes

from starlette.requests import Request

from processors.clock import epoch_ms
from processors.errors import LeadstreamError
from processors.gateway.answers import Answer
from processors.gateway.clicks.destination import (
    SCANNED,
    Client,
    address_of,
    with_ours,
    with_query,
)
from processors.gateway.clicks.recording import Arrival, Recorder, is_click_id
from processors.gateway.clicks.visits import Visitor, VisitorRequest, Visitors
from processors.gateway.urls import in_header
from processors.registry.looking import Following
from schemas.links import ROOT, Link
from schemas.registry import Domain, Workspace

COOKIE_S: Final = 3_600
_CATCH_UP_S: Final = 0.25
_NOT_FOUND: Final = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Not found</title>
</head>
<body style="font: 1.1em system-ui, sans-serif; text-align: center; padding: 20vh 1em 0">
<h1>There is nothing here</h1>
<p>This link does not exist, or it leads nowhere any more.</p>
</body>
</html>
"""
_PAGE: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
_UNSEEN: Final = {"Cache-Control": "private, no-store"}
"""Whoever stands between keeps nothing: each visitor has a click of his own."""
_UNLISTED: Final = {**_UNSEEN, "X-Robots-Tag": "noindex"}


class LinkLookup(Protocol):
    """Of the registry."""

    def at(self, domain: str, key: str) -> Link | None:
        """``key``: in whichever case."""


class Registry(Following, Protocol):
    """What is asked of the registry's store."""

    @property
    def links(self) -> LinkLookup:
        """As far as they are known."""


class Redirects:
    """``answer`` needs no HTTP; ``serve`` is what the gateway calls."""

    def __init__(self, registry: Registry, visitors: Visitors, recorder: Recorder) -> None:
        self._registry = registry
        self._visitors = visitors
        self._recorder = recorder

    async def serve(self, request: Request, workspace: Workspace, domain: str) -> Answer:
        """``workspace``: whose short domain it is."""
        return await self.answer(VisitorRequest.of(request.scope, domain, epoch_ms()), workspace)

    async def answer(self, request: VisitorRequest, workspace: Workspace) -> Answer:
        """Never raises."""
        link = await link_at(self._registry, workspace, request.domain, key_of(request.path))
        if link is None:
            return _nowhere(domain_of(workspace, request.domain))
        if is_expired(link, request.now_ms):
            return _expired(link, domain_of(workspace, request.domain))
        return await self._followed(request, workspace, link)

    async def _followed(self, request: VisitorRequest, workspace: Workspace, link: Link) -> Answer:
        visitor = self._visitors.of(request)
        address = address_of(link, Client(visitor.agent.os, visitor.place.country))
        url = with_query(address, request.query)
        tracked = link.track_conversion or link.is_partners
        headers = dict(_UNSEEN if link.do_index else _UNLISTED)
        click_id = None
        if request.method == "GET" and visitor.is_recorded(workspace):
            click_id = await self._click_id(request, workspace, link, visitor, url, tracked=tracked)
            if tracked and click_id is not None:
                headers["Set-Cookie"] = _set_cookie(link, request.path, click_id)
        headers["Location"] = with_ours(
            url, via=link.key if link.is_partners else None, click_id=click_id if tracked else None
        )
        return Answer(b"", 301 if link.key == ROOT else 302, headers)

    async def _click_id(
        self,
        request: VisitorRequest,
        workspace: Workspace,
        link: Link,
        visitor: Visitor,
        url: str,
        *,
        tracked: bool,
    ) -> str | None:
        """The one that this browser was given within the hour, or else this visitor, or a new one."""
        if tracked and (known := _cookie(link, request.headers)) is not None:
            return known
        scanned = SCANNED in request.query.split("&")
        return await self._recorder.keep(
            Arrival(
                workspace=workspace,
                link=link,
                visitor=visitor,
                url=url,
                trigger="qr" if scanned else "link",
                tracked=tracked,
                referrer=request.headers.get("referer"),
                now_ms=request.now_ms,
            )
        )


async def link_at(registry: Registry, workspace: Workspace, domain: str, key: str | None) -> Link | None:
    """A link that is in use. What is not known may have been made a moment ago, elsewhere; while the registry
    cannot say so, what is known has to do."""
    if key is None:
        return None
    found = registry.links.at(domain, key)
    if found is None:
        try:
            async with asyncio.timeout(_CATCH_UP_S):
                await registry.catch_up()
        except (TimeoutError, LeadstreamError):
            return None
        found = registry.links.at(domain, key)
    # A domain may have had another owner.
    if found is None or found.workspace_id != workspace.workspace_id or found.disabled_at is not None:
        return None
    return found


def key_of(path: bytes) -> str | None:
    """Of a raw path. None: it is no text, and so the path of no link."""
    try:
        return unquote_to_bytes(path).decode().strip("/") or ROOT
    except UnicodeDecodeError:
        return None


def domain_of(workspace: Workspace, slug: str) -> Domain | None:
    """None: it is none of the workspace's any more."""
    return next((one for one in workspace.domains if one.slug == slug), None)


def is_expired(link: Link, now_ms: int) -> bool:
    """From that moment on."""
    return link.expires_at is not None and link.expires_at <= now_ms


def _nowhere(domain: Domain | None) -> Answer:
    if domain is None or not domain.not_found_url:
        return Answer(_NOT_FOUND, 404, {**_UNLISTED, **_PAGE})
    return Answer(b"", 307, {**_UNLISTED, "Location": in_header(domain.not_found_url)})


def _expired(link: Link, domain: Domain | None) -> Answer:
    url = link.expired_url or (domain and domain.expired_url)
    if not url:
        return Answer(_NOT_FOUND, 404, {**_UNLISTED, **_PAGE})
    return Answer(b"", 302, {**(_UNSEEN if link.do_index else _UNLISTED), "Location": in_header(url)})


def _cookie_name(link: Link) -> str:
    return f"dub_id_{link.domain}_{quote(link.key, safe='/', errors='replace')}"


def _set_cookie(link: Link, path: bytes, click_id: str) -> str:
    # As the browser wrote it: it compares byte by byte.
    where = "/" if link.key == ROOT else quote(path, safe="/%!$&'()*+,=:@")
    return f"{_cookie_name(link)}={click_id}; Path={where}; Max-Age={COOKIE_S}; HttpOnly; SameSite=Lax"


def _cookie(link: Link, headers: Mapping[str, str]) -> str | None:
    """Anybody can write what he likes into it: he harms nobody but himself."""
    cookies = headers.get("cookie")
    if not cookies or "dub_id_" not in cookies:
        return None
    wanted = _cookie_name(link)
    for one in cookies.split(";"):
        name, _, value = one.strip().partition("=")
        if name == wanted and is_click_id(value):
            return value
    return None
