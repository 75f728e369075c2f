"""The ASGI application: which host and route a request is for, who may make it, and what comes back."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Any, Final

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from processors.clock import epoch_ms
from processors.errors import LeadstreamError
from processors.gateway.answers import Answer, ApiError, Code, TryAgain
from processors.gateway.bodies import BodyDecoder, ClientGone, receive_body
from processors.gateway.callers import Callers, Registry, rate_headers
from processors.gateway.cors import CORS_HEADERS, OPTIONS
from processors.gateway.encoding import CutShort, Headers, answer_of, error_answer, send_answer
from processors.gateway.head import Head
from processors.gateway.matching import Match, Table
from processors.gateway.misspelt import Misspelt, header, looking
from processors.gateway.queries import QueryDecoder
from processors.gateway.routing import Call, Opens, Route
from processors.gateway.stats import Stats
from processors.registry.contents import Holder
from schemas.close_names import CloseName
from schemas.registry import Workspace

log = logging.getLogger(__name__)

MAX_HEADER_BYTES: Final = 16 * 1024
MOST_AT_ONCE: Final = 2_000
"""Requests under way: what more come are told to try again, before their bodies fill the memory."""
_KEYED: Final = (Opens.SECRET, Opens.PUBLISHABLE)
REDIRECTS: Final = "short links"
NOWHERE: Final = "none"
_CLOSE: Final = (b"connection", b"close")
_AWAY: Final = TryAgain("A server that is needed for this does not answer. Try again in a moment.")
_BROKEN: Final = ApiError(
    Code.INTERNAL_SERVER_ERROR,
    "Something is broken here. The log of this server says what; the request may be sent again.",
)

Redirect = Callable[[Request, Workspace, str], Awaitable[Answer]]
"""What a short domain of a workspace answers to ``GET`` and ``HEAD``; its name is the last argument."""


class Gateway:
    """Serves ``routes``, and ``redirect`` on the short domains of the registry.

    ``docs_url``: what errors refer to. ``base_path``: in front of every path, beside none and ``/api``.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        registry: Registry,
        callers: Callers,
        redirect: Redirect,
        stats: Stats,
        docs_url: str,
        base_path: str = "",
        clock: Callable[[], int] = epoch_ms,
    ) -> None:
        self._table = Table(routes, base_path)
        self._registry = registry
        self._callers = callers
        self._redirect = redirect
        self._stats = stats
        self._docs_url = docs_url
        self._clock = clock
        self._bodies = {id(one): BodyDecoder(one.body) for one in routes if one.body is not None}
        self._forms = {id(one): QueryDecoder(one.form, "body") for one in routes if one.form is not None}
        self._looks = {id(one): looking(one.body) for one in routes if one.body is not None}
        self._misspelt = Misspelt(stats)
        self._queries = {id(one): QueryDecoder(one.query) for one in routes if one.query is not None}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. What goes wrong in it ends with it."""
        if scope["type"] != "http":
            return
        self._stats.under_way += 1
        course = Course(Request(scope, receive), Head.of(scope))
        status = None
        try:
            status = await self._serve(course, send)
        finally:
            self._end(course, status)

    def _end(self, course: "Course", status: int | None) -> None:
        """Once of each request. None: it was broken off."""
        if not course.ended:
            course.ended = True
            self._stats.under_way -= 1
            if status is not None:
                self._stats.answered(course.name, status, perf_counter() - course.began)

    async def _serve(self, course: "Course", send: Send) -> int:
        """The status that went out; 0: nobody was there any more."""
        try:
            try:
                answer = answer_of(await self._answered(course))
                if course.lasts:
                    self._end(course, answer.status)
            except ApiError as error:
                answer = error_answer(error, self._docs_url)
            await send_answer(send, answer, course.headers)
        except ClientGone:
            return 0
        except ApiError as error:  # of what streams, before anything of it went out
            answer = error_answer(error, self._docs_url)
            await send_answer(send, answer, course.headers)
        except CutShort as cut:
            log.warning("an answer was cut short: %s", cut.__cause__, extra={"route": course.name})
            return 0
        except LeadstreamError as error:
            # Of a store or a broker: its operator's to mend, and the client may try again.
            log.warning("requests cannot be served: %s", error)
            answer = error_answer(_AWAY, self._docs_url)
            await send_answer(send, answer, course.headers)
        except Exception:
            log.exception("a request failed", extra={"route": course.name})
            answer = error_answer(_BROKEN, self._docs_url)
            await send_answer(send, answer, course.headers)
        return answer.status

    async def _answered(self, course: "Course") -> Any:
        scope, head = course.request.scope, course.head
        workspace = self._registry.contents.of_domain(head.host) if head.host else None
        match = self._table.find(scope["raw_path"]) if workspace is None else None
        course.cors = match is not None and match.cors
        if head.size > MAX_HEADER_BYTES:
            raise ApiError(
                Code.HEADERS_TOO_LARGE, f"The headers have more than {MAX_HEADER_BYTES // 1024} KiB."
            )
        if self._stats.under_way > MOST_AT_ONCE:
            raise TryAgain("Too many requests are under way. Try again in a moment.")
        if workspace is not None:
            return await self._redirected(course, workspace)
        if match is None:
            raise ApiError(Code.NOT_FOUND, "No such route: /docs lists all. Nor is the host a short domain.")
        return await self._routed(course, match)

    async def _redirected(self, course: "Course", workspace: Workspace) -> Any:
        course.name = REDIRECTS
        if course.request.method not in ("GET", "HEAD"):
            raise _wrong_method(course.request.method, "GET, HEAD")
        return await self._redirect(course.request, workspace, course.head.host)

    async def _routed(self, course: "Course", match: Match) -> Any:
        scope = course.request.scope
        method = scope["method"]
        if method == OPTIONS and match.cors:
            course.name = OPTIONS
            return Answer(status=204)
        route = match.route(method)
        if route is None:
            raise _wrong_method(method, match.allowed)
        course.name = f"{route.method} {route.path}"
        course.lasts = route.lasting
        now_ms = self._clock()
        workspace, key = await self._let_in(course, route, now_ms)
        body = await self._body(course, route, workspace)
        read_query = self._queries.get(id(route))
        query = None if read_query is None else read_query(scope["query_string"])
        return await route.handle(Call(course.request, workspace, key, body, query, match.names, now_ms))

    async def _let_in(self, course: "Course", route: Route, now_ms: int) -> Holder | tuple[None, None]:
        if route.opens in _KEYED:
            return await self._callers.holder(course.request, course.head.authorization, route.opens, now_ms)
        if route.limited:
            self._callers.allow_anybody(course.request)
        return None, None

    async def _body(self, course: "Course", route: Route, workspace: Workspace | None) -> Any:
        form = self._forms.get(id(route))
        decode = self._bodies.get(id(route))
        if form is None and decode is None and not course.head.has_body:
            return None
        course.unread = True
        body = await receive_body(course.request.receive, course.head.announced, route.most_bytes)
        course.unread = False
        if form is not None:
            return form(body)
        if decode is None:
            return None
        # First: a field that is missing may be there under another name.
        course.misspelt = self._looks[id(route)](body)
        if course.misspelt:
            workspace_id = "" if workspace is None else workspace.workspace_id
            self._misspelt.note(course.name, workspace_id, course.misspelt)
        return decode(body)


class Course:
    """What is known of a request by now. ``name``: of its route, for metrics and logs; never its path.
    ``lasts``: of its route. ``ended``: it is counted already. ``misspelt``: names in its body that are no
    field, and close to one. ``unread``: more of its body may come than anybody wants, so that nothing can
    follow it.
    """

    __slots__ = ("began", "cors", "ended", "head", "lasts", "misspelt", "name", "request", "unread")

    def __init__(self, request: Request, head: Head) -> None:
        self.request = request
        self.head = head
        self.began = perf_counter()
        self.ended = self.lasts = False
        self.name = NOWHERE
        self.cors = False
        self.misspelt: Sequence[CloseName] = ()
        self.unread = not head.is_short

    @property
    def headers(self) -> Headers:
        """Of the answer, beside its own."""
        found = rate_headers(self.request)
        if self.cors:
            found = (*CORS_HEADERS, *found)
        if self.misspelt:
            found = (*found, header(self.misspelt))
        if self.unread:
            found = (*found, _CLOSE)
        return found


def _wrong_method(method: str, allowed: str) -> ApiError:
    return ApiError(Code.METHOD_NOT_ALLOWED, f"{method} is not for this path: {allowed}.", {"Allow": allowed})
