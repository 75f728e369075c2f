"""What a route is. One table of them serves, authorises and documents the API."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Literal

from starlette.requests import Request

from processors.gateway.answers import Code
from schemas.registry import ApiKey, Workspace


class Opens(Enum):
    """What lets a caller in."""

    SECRET = auto()
    """A secret key."""
    PUBLISHABLE = auto()
    """A publishable key, from a page of the workspace's ``hostnames``. With CORS."""
    PAGE = auto()
    """No key: a page; the handler finds the workspace by the domain it names, and asks
    ``Callers.allow_page``. With CORS."""
    ANYBODY = auto()
    """No key, no page."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was let in, and is well-formed.

    ``workspace`` and ``key`` are None where no key is asked for. ``body``, ``query``: as the route's types
    have them. ``now_ms``: when it arrived.
    """

    request: Request
    workspace: Workspace | None
    key: ApiKey | None
    body: Any
    query: Any
    path: Mapping[str, str]
    now_ms: int

    @property
    def of(self) -> Workspace:
        """The workspace of the key."""
        assert self.workspace is not None  # noqa: S101 - narrows: the route asks for a key
        return self.workspace


Handle = Callable[[Call], Awaitable[Any]]
"""What it returns is encoded by msgspec, unless it is an ``Answer``. Raises ``ApiError``."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """``path``: with ``{names}``, and without ``/api``, under which it is served as well.

    ``body``, ``query``: the types that msgspec decodes; None: there is none. ``form``: the type of a body
    that the form of a page has made. ``answer``: the type of what is
    returned, for the documentation. ``errors``: codes that the handler itself raises, likewise; the codes of
    keys, limits, bodies and stores follow from the rest. ``limited``: where anybody may call: not too often
    from one address. ``media_type``: of bytes that are returned; for the documentation, too.
    ``lasting``: the answer goes on until somebody ends it; it is answered, for metrics and the bound on
    requests under way, once it has begun. ``idempotent``: the handler heeds an ``Idempotency-Key``.
    ``older_names``: further paths, which are served and not documented.
    """

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str
    opens: Opens
    handle: Handle
    answer: Any
    summary: str
    body: Any = None
    query: Any = None
    form: Any = None
    errors: Sequence[Code] = field(default=())
    tag: str = ""
    most_bytes: int = 64 * 1024
    limited: bool = False
    media_type: str = "application/json"
    idempotent: bool = False
    lasting: bool = False
    older_names: Sequence[str] = field(default=())
