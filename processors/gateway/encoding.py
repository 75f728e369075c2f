"""Answers and errors → status, headers and bytes."""

from collections.abc import AsyncIterable, Iterable
from typing import Any, Final

from msgspec.json import Encoder
from starlette.types import Send

from processors.gateway.answers import Answer, ApiError

_encode: Final = Encoder().encode
_JSON: Final = (b"content-type", b"application/json")
_BODILESS: Final = (204, 304)
Headers = Iterable[tuple[bytes, bytes]]


class BrokenOff(Exception):
    """Something went wrong after a part of an answer has gone out: the rest is missing, and so is its end, by
    which the client knows."""


def answer_of(returned: Any) -> Answer:
    """What a handler returned, as an answer."""
    return returned if isinstance(returned, Answer) else Answer(returned)


def error_answer(error: ApiError, docs_url: str) -> Answer:
    """``docs_url``: the page that explains every code."""
    told = {
        "code": error.code.value,
        "message": error.message,
        "doc_url": f"{docs_url}#{error.code.anchor}",
    }
    return Answer({"error": told}, error.code.status, error.headers)


async def send_answer(send: Send, answer: Answer, more: Headers) -> None:
    """``more``: headers beside the answer's own. Raises ``ValueError`` for a header of other characters."""
    content = answer.content
    headers = [*more, *((name.lower().encode(), _checked(value)) for name, value in answer.headers.items())]
    if isinstance(content, AsyncIterable):
        await _send_pieces(send, answer.status, headers, content)
        return
    body = b""
    if isinstance(content, bytes):
        body = content
    elif content is not None or answer.status == 200:
        body = _encode(content)
        headers.append(_JSON)
    if answer.status not in _BODILESS:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_pieces(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], pieces: AsyncIterable[bytes]
) -> None:
    """As they come."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    try:
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except Exception as error:
        raise BrokenOff from error
    await send({"type": "http.response.body", "body": b""})


def _checked(value: str) -> bytes:
    """Whatever a client sent has been encoded before it comes to stand in a header."""
    if not value.isascii() or not value.isprintable():
        raise ValueError("a header of an answer has characters that it must not have")
    return value.encode("ascii")
