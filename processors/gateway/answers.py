"""What goes out: answers, and errors in the shape by which the SDKs type them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Code(StrEnum):
    """Each goes with one status. The SDKs choose the class of an error by both: a pair of other ones breaks
    them."""

    status: int

    BAD_REQUEST = "bad_request", 400
    UNAUTHORIZED = "unauthorized", 401
    FORBIDDEN = "forbidden", 403
    NOT_FOUND = "not_found", 404
    METHOD_NOT_ALLOWED = "method_not_allowed", 405
    REQUEST_TIMEOUT = "request_timeout", 408
    CONFLICT = "conflict", 409
    CONTENT_TOO_LARGE = "content_too_large", 413
    UNPROCESSABLE_ENTITY = "unprocessable_entity", 422
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded", 429
    HEADERS_TOO_LARGE = "headers_too_large", 431
    INTERNAL_SERVER_ERROR = "internal_server_error", 500
    SERVICE_UNAVAILABLE = "service_unavailable", 503

    def __new__(cls, value: str, status: int) -> "Code":
        """``status``: of HTTP."""
        self = str.__new__(cls, value)
        self._value_ = value
        self.status = status
        return self


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

    ``content``: what msgspec encodes; bytes go out as they are, with the ``Content-Type`` of ``headers``.
    """

    content: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
