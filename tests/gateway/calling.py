"""Calls of handlers, as the door makes them, without HTTP."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import orjson
from msgspec.json import encode
from starlette.requests import Request

from processors.gateway.answers import Answer, ApiError
from processors.gateway.bodies import BodyDecoder
from processors.gateway.routing import Call, Opens, Route
from schemas.registry import ApiKey, KeyRole, Workspace

NOW: Final = 1_780_000_000_000
PUBLIC_KEY: Final = ApiKey(id="key_2", role=KeyRole.PUBLISHABLE, hash="", prefix="", created_at=0)
KEY: Final = ApiKey(id="key_1", role=KeyRole.SECRET, hash="", prefix="", created_at=0)


class Answered(NamedTuple):
    """What a client would read. ``code``: of an error."""

    status: int
    content: Any
    code: str | None = None
    headers: Mapping[str, str] = {}


class Caller:
    """Calls the routes of one table by their paths."""

    def __init__(self, routes: Iterable[Route], workspace: Workspace) -> None:
        self._routes: dict[tuple[str, str], Route] = {(one.method, one.path): one for one in routes}
        self._decoders = {key: BodyDecoder(one.body) for key, one in self._routes.items() if one.body}
        self._workspace = workspace

    async def post(
        self,
        path: str,
        body: Mapping[str, object] | bytes,
        *,
        headers: Mapping[str, str] | None = None,
        now_ms: int = NOW,
        workspace: Workspace | None = None,
    ) -> Answered:
        """``body``: as JSON, or as it goes over the wire."""
        key = ("POST", path)
        shown = PUBLIC_KEY if self._routes[key].opens is Opens.PUBLISHABLE else KEY
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        sent = [(name.lower().encode(), text.encode()) for name, text in (headers or {}).items()]
        request = Request({"type": "http", "method": "POST", "path": path, "headers": sent})
        try:
            decoded = self._decoders[key](raw)
            call = Call(request, workspace or self._workspace, shown, decoded, None, {}, now_ms)
            answer = await self._routes[key].handle(call)
        except ApiError as error:
            return Answered(error.code.status, error.message, error.code.value, error.headers)
        if isinstance(answer, Answer):
            return Answered(answer.status, orjson.loads(encode(answer.content)), None, answer.headers)
        return Answered(200, orjson.loads(encode(answer)))
