"""What goes out: answers, and errors in the shape by which the SDKs type them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Code(StrEnum):
    """Each goes with one status. The SDKs choose the class of an error by both: a pair of other ones breaks
    them."""

    status: int
    meaning: str

    BAD_REQUEST = "bad_request", 400, "the body is no JSON, the header is no key, or a customer is unknown"
    UNAUTHORIZED = "unauthorized", 401, "the key is missing, mistyped, expired, or was rotated away"
    FORBIDDEN = (
        "forbidden",
        403,
        "the key is of the other kind, the page or domain is not the workspace's, or the person was erased",
    )
    NOT_FOUND = "not_found", 404, "there is no such thing, or it is another workspace's"
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, "the path is there, for the methods in `Allow`"
    CONFLICT = "conflict", 409, "it is there already, and belongs to something else"
    CONTENT_TOO_LARGE = (
        "content_too_large",
        413,
        "the body is too large: 64 KiB, or 1 MiB where many things go at once",
    )
    UNPROCESSABLE_ENTITY = (
        "unprocessable_entity",
        422,
        "a field breaks its rule; the message names rule, field and remedy",
    )
    RATE_LIMIT_EXCEEDED = (
        "rate_limit_exceeded",
        429,
        "too much at once: requests, traces, looks at what is held; try again after `Retry-After` seconds",
    )
    HEADERS_TOO_LARGE = "headers_too_large", 431, "the headers and the path have more than 16 KiB"
    INTERNAL_SERVER_ERROR = "internal_server_error", 500, "a bug of ours; the log of the gateway says where"
    SERVICE_UNAVAILABLE = (
        "service_unavailable",
        503,
        "Kafka or ClickHouse does not answer, or a no would be uncertain; repeat it in `Retry-After` seconds",
    )

    def __new__(cls, value: str, status: int, meaning: str) -> "Code":
        """``status``: of HTTP. ``meaning``: what the documentation says of it."""
        self = str.__new__(cls, value)
        self._value_ = value
        self.status = status
        self.meaning = meaning
        return self

    @property
    def anchor(self) -> str:
        """Where a page explains it."""
        return self.value.replace("_", "-")


def codes_table() -> str:
    """All of them, for ``docs/http.md``."""
    rows = (f"| {code.status} | `{code}` | {code.meaning} |\n" for code in Code)
    return "| status | code | means |\n|---|---|---|\n" + "".join(rows)


RETRY_AFTER_S: Final = 1
"""SDKs take it literally: seconds, and few of them."""


class ApiError(Exception):
    """Ends a call. ``message``: for the developer who reads it; it names no secret and nothing personal."""

    def __init__(self, code: Code, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class TryAgain(ApiError):
    """A store or the broker does not answer, or a "no" would not be certain. The call may be made again, and
    may have been carried out already."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.SERVICE_UNAVAILABLE, message, {"Retry-After": str(RETRY_AFTER_S)})


@dataclass(frozen=True)
class Answer:
    """Where a status or headers are to be told; else a handler returns the ``content`` itself.

    ``content``: what msgspec encodes; bytes go out as they are, with the ``Content-Type`` of ``headers``, and
    so does what an async iterator brings, none of it empty, as it comes.
    """

    content: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
