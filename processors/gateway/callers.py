"""Who calls: keys, pages, addresses."""

import re
from collections.abc import Callable
from ipaddress import IPv6Network
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.requests import Request

from processors.clock import epoch_ms
from processors.gateway.answers import ApiError, Code
from processors.gateway.limits import Limits, TooMany
from processors.gateway.routing import Opens
from processors.registry.contents import Contents, Holder, UnreadableWorkspace
from processors.registry.keys import is_mistyped
from processors.registry.last_use import LastUses
from processors.registry.looking import Following, look_up
from schemas.registry import KeyRole, Workspace
from schemas.registry import Limits as Defaults

_STANDING: Final = "leadstream.standing"
_ANY: Final = "*."
_is_host: Final = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z0-9_-]+").fullmatch
_HOUSEHOLD_BITS: Final = 64
_MOST_HOLDERS: Final = 10_000
_ROLES: Final = {Opens.SECRET: KeyRole.SECRET, Opens.PUBLISHABLE: KeyRole.PUBLISHABLE}


class Registry(Following, Protocol):
    """What the store of the registry has."""

    @property
    def contents(self) -> Contents:
        """As of now."""


class Callers:
    """Lets in, or raises ``ApiError``. ``address_of``: of the client behind trusted proxies. ``uses``: of the
    keys that were let in.
    """

    def __init__(
        self,
        registry: Registry,
        address_of: Callable[[Request], str],
        clock: Callable[[], int] = epoch_ms,
    ) -> None:
        self.uses = LastUses()
        self._registry = registry
        self._limits = Limits()
        self._holders: dict[str, Holder] = {}
        self._address_of = address_of
        self._clock = clock

    async def holder(self, request: Request, authorization: str, opens: Opens, now_ms: int) -> Holder:
        """Whose key it is, which is of the right role, comes from the right page, and has not been used too
        often. ``authorization``: the header."""
        holder = self._known(authorization, now_ms) or await self._found(authorization, now_ms)
        wanted, given = _ROLES[opens], holder.key.role
        if given is not wanted:
            raise ApiError(Code.FORBIDDEN, f"This needs a {wanted} key; the one given is {given}.")
        limits = holder.workspace.limits
        self._count(request, holder.key.id, getattr(limits, wanted), now_ms)
        if opens is Opens.PUBLISHABLE:
            allow_host(holder.workspace, request)
        self.uses.note(holder.workspace.workspace_id, holder.key.id, now_ms)
        return holder

    def _known(self, authorization: str, now_ms: int) -> Holder | None:
        """Whose key this was a moment ago: hashing a key takes longer than all the rest."""
        holder = self._holders.get(authorization)
        if holder is None or not holder.key.opens(now_ms):
            return None
        try:
            workspace = self._registry.contents.workspace(holder.workspace.workspace_id)
        except UnreadableWorkspace:
            return None
        return holder if workspace is holder.workspace else None

    async def _found(self, authorization: str, now_ms: int) -> Holder:
        key = _bearer(authorization)
        holder = None
        if not is_mistyped(key):
            # One that was made a moment ago, elsewhere, is none to be refused.
            holder = await look_up(self._registry, lambda: self._registry.contents.holder(key, now_ms))
        if holder is None:
            self._holders.pop(authorization, None)
            raise _unauthorized("The API key opens nothing: it is mistyped, expired, or was rotated away.")
        if len(self._holders) >= _MOST_HOLDERS:
            self._holders.clear()
        self._holders[authorization] = holder
        return holder

    def allow_page(self, workspace: Workspace, request: Request) -> None:
        """A page that shows no key: is it one of the workspace's, and its visitor not too quick?"""
        self._count_visitor(request, workspace.workspace_id, workspace.limits.visitor)
        allow_host(workspace, request)

    def allow_anybody(self, request: Request) -> None:
        """Who calls without a key what costs us much: not too often."""
        self._count_visitor(request, "", Defaults().visitor)

    def _count_visitor(self, request: Request, where: str, limit: int) -> None:
        self._count(request, f"{where} {_household(self._address_of(request))}", limit, self._clock())

    def _count(self, request: Request, who: str, limit: int, now_ms: int) -> None:
        standing, allowed = self._limits.take(who, limit, now_ms)
        request.scope[_STANDING] = standing.headers
        if not allowed:
            raise TooMany(standing)


def rate_headers(request: Request) -> tuple[tuple[bytes, bytes], ...]:
    """How the caller stands, where that was counted."""
    found: tuple[tuple[bytes, bytes], ...] = request.scope.get(_STANDING, ())
    return found


def _bearer(header: str) -> str:
    if not header:
        raise _unauthorized("An API key is missing: send the header `Authorization: Bearer KEY`.")
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise ApiError(
            Code.BAD_REQUEST, "The header Authorization has another form: send `Authorization: Bearer KEY`."
        )
    return key.strip()


def _household(address: str) -> str:
    """Whom an address belongs to, as far as it can be told: of IPv6 everybody has 2^64 of them, at least."""
    if ":" not in address:
        return address
    try:
        return str(IPv6Network((address.partition("%")[0], _HOUSEHOLD_BITS), strict=False))
    except ValueError:
        return address


def _unauthorized(message: str) -> ApiError:
    return ApiError(Code.UNAUTHORIZED, message, {"WWW-Authenticate": "Bearer"})


def allow_host(workspace: Workspace, request: Request) -> None:
    """Raises ``ApiError`` for a page that is none of the workspace's, if it has named any."""
    if not workspace.hostnames:
        return
    origin = request.headers.get("origin")
    host = _host(origin if origin and origin != "null" else request.headers.get("referer"))
    if not any(_is_of(host, pattern) for pattern in workspace.hostnames):
        raise ApiError(
            Code.FORBIDDEN,
            "Calls from this page are not allowed: its host is none of the workspace's hostnames"
            " (leadstream workspace set --hostname).",
        )


def _host(url: str | None) -> str:
    """Of a page, as hostnames are kept; "" when there is none."""
    try:
        host = (urlsplit(url or "").hostname or "").removesuffix(".")
    except ValueError:
        return ""
    # What browsers take for the end of a name, a URL's parts here may have in it.
    return host if _is_host(host) else ""


def _is_of(host: str, pattern: str) -> bool:
    """``*.example.com`` is every host below, and not ``example.com`` itself."""
    if pattern.startswith(_ANY):
        return host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
    return host == pattern
