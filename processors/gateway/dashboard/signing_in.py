"""In with a secret key, and out again."""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct
from starlette.requests import Request

from processors.gateway.answers import Answer, ApiError, Code
from processors.gateway.callers import Callers, Registry
from processors.gateway.dashboard.assets import ROOT
from processors.gateway.dashboard.pages import Pages
from processors.gateway.dashboard.sessions import LASTS_MS, begun, holder_of, may_begin
from processors.gateway.routing import Call, Opens, Route
from processors.registry.contents import Holder, UnreadableWorkspace
from processors.registry.keys import is_mistyped
from processors.registry.looking import look_up
from schemas.times import SECOND_MS
from schemas.views import SavedView

COOKIE: Final = "leadstream_session"
SIGN_IN: Final = f"{ROOT}/sign-in"
SIGN_OUT: Final = f"{ROOT}/sign-out"
_LOOPBACK: Final = re.compile(r"localhost|.+\.localhost|127(?:\.\d{1,3}){3}|::1")
_ZONE: Final = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
_ELSEWHERE: Final = "The form came from another page. Open this address by itself, and sign in here."
_NO_TLS: Final = (
    "Over the network this page needs https: without it a browser keeps no session. Set up TLS in front of"
    " the gateway, or open it on the machine that it runs on."
)
_ROTATED: Final = "This key was rotated. Sign in with the one that has replaced it."
_PUBLIC: Final = "This is a publishable key, which everybody may see. Sign in with a secret one."
_NO_KEY: Final = "This key opens nothing: it is mistyped, expired, or was rotated away."


class SignIn(Struct, frozen=True):
    """``next``: where to go then. ``timezone``: of the browser, as far as a script could say."""

    key: str = ""
    next: str = ""
    timezone: str = ""


class Entrance:
    """Knows who has signed in. ``base``: in front of every path; ``hosts``: under which names, beside the one
    that a request names, browsers reach this gateway."""

    def __init__(
        self,
        registry: Registry,
        callers: Callers,
        pages: Pages,
        base: str,
        hosts: tuple[str, ...] = (),
    ) -> None:
        self._registry = registry
        self._callers = callers
        self._pages = pages
        self._base = base
        self._hosts = hosts

    async def holder(self, request: Request, now_ms: int) -> Holder | None:
        """Whose session comes along."""
        session = _cookie(request)
        if not session:
            return None
        return await look_up(self._registry, lambda: holder_of(session, self._registry.contents, now_ms))

    def saved(self, workspace_id: str) -> Sequence[SavedView]:
        """None where they cannot be read: a page shows all else."""
        try:
            return self._registry.contents.views(workspace_id).saved
        except UnreadableWorkspace:
            return ()

    def is_in(self, request: Request, now_ms: int) -> bool:
        """Whoever was let in: is he still?"""
        return holder_of(_cookie(request), self._registry.contents, now_ms) is not None

    def to_sign_in(self, request: Request) -> Answer:
        """For whoever has not, or no longer: the same page, with the address to come back to."""
        path, query = (
            request.scope["raw_path"].decode("latin-1"),
            request.scope["query_string"].decode("latin-1"),
        )
        asked = f"{path}?{query}" if query else path
        said = "Your session has ended. Sign in again to go on where you were." if _cookie(request) else ""
        return self._form(request, asked if request.method == "GET" else "", said, 401)

    def routes(self) -> list[Route]:
        """The form, what it sends, and the end."""

        shared: dict[str, Any] = {"opens": Opens.ANYBODY, "answer": bytes, "summary": ""}
        return [
            Route(method="GET", path=SIGN_IN, handle=self._show, **shared),
            Route(method="POST", path=SIGN_IN, handle=self._sign_in, form=SignIn, **shared),
            Route(method="POST", path=SIGN_OUT, handle=self._sign_out, **shared),
        ]

    async def _show(self, call: Call) -> Answer:
        if await self.holder(call.request, call.now_ms):
            return go(f"{self._base}/")
        return self._form(call.request, "", "", 200)

    async def _sign_in(self, call: Call) -> Answer:
        given: SignIn = call.body
        back = given.next if self._is_ours(given.next) else f"{self._base}/"
        try:
            holder = await self._let_in(call, given.key.strip())
        except ApiError as error:
            status, headers = error.code.status, error.headers
            return self._form(call.request, back, error.message, status, headers)
        if "?" not in back and _ZONE.fullmatch(given.timezone):
            back = f"{back}?timezone={given.timezone}"
        return go(back, self._set_cookie(call.request, begun(holder, call.now_ms), LASTS_MS // SECOND_MS))

    async def _let_in(self, call: Call, key: str) -> Holder:
        self.check_origin(call.request)
        self._callers.allow_anybody(call.request)
        if not self._keeps_cookie(call.request):
            raise ApiError(Code.FORBIDDEN, _NO_TLS)
        holder = None
        if key and not is_mistyped(key):
            holder = await look_up(self._registry, lambda: self._registry.contents.holder(key, call.now_ms))
        if holder is None:
            raise ApiError(Code.UNAUTHORIZED, _NO_KEY)
        if not may_begin(holder.key):
            raise ApiError(Code.FORBIDDEN, _ROTATED if holder.key.expires_at else _PUBLIC)
        self._callers.uses.note(holder.workspace.workspace_id, holder.key.id, call.now_ms)
        return holder

    async def _sign_out(self, call: Call) -> Answer:
        self.check_origin(call.request)
        return go(self._base + SIGN_IN, self._set_cookie(call.request, "", 0))

    def _form(
        self, request: Request, back: str, said: str, status: int, headers: dict[str, str] | None = None
    ) -> Answer:
        told = {"back": back if self._is_ours(back) else "", "said": said, "title": "Sign in"}
        return self._pages.answer(request, "sign_in.html", told, status, headers)

    def _is_ours(self, address: str) -> bool:
        """Of these pages: neither another host, however browsers read it, nor what does something."""
        path = address.partition("?")[0].removeprefix(self._base)
        ours = path == "/" or path.startswith(f"{ROOT}/")
        return ours and path not in (SIGN_IN, SIGN_OUT) and address.isascii() and address.isprintable()

    def check_origin(self, request: Request) -> None:
        """Raises ``ApiError`` for a form of another page. All browsers say whose it is."""
        site = request.headers.get("sec-fetch-site")
        if site == "same-origin":
            return
        host = urlsplit(request.headers.get("origin", "")).netloc.lower()
        ours = {request.headers.get("host", "").lower(), *self._hosts}
        if site is not None or not host or host not in ours:
            raise ApiError(Code.FORBIDDEN, _ELSEWHERE)

    def _keeps_cookie(self, request: Request) -> bool:
        """A browser takes a cookie that is for TLS alone only over TLS."""
        return not request.headers.get("origin", "").startswith("http:") or _is_loopback(request)

    def _set_cookie(self, request: Request, session: str, seconds: int) -> str:
        secure = "" if _is_loopback(request) else "; Secure"
        path = self._base or "/"
        return f"{COOKIE}={session}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def _cookie(request: Request) -> str:
    return request.cookies.get(COOKIE, "")


def _is_loopback(request: Request) -> bool:
    try:
        host = urlsplit("//" + request.headers.get("host", "")).hostname
    except ValueError:
        return False
    return bool(host and _LOOPBACK.fullmatch(host))


def go(address: str, cookie: str = "") -> Answer:
    """To another page, which is asked for then."""
    headers = {"Location": address, "Cache-Control": "no-store"}
    return Answer(b"", 303, {**headers, "Set-Cookie": cookie} if cookie else headers)
