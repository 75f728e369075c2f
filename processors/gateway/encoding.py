"""Answers and errors → status, headers and bytes."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from typing import Any, Final

from msgspec.json import Encoder
from starlette.types import Send

from processors.gateway.answers import Answer, ApiError

_encode: Final = Encoder().encode
_JSON: Final = (b"content-type", b"application/json")
_BODILESS: Final = (204, 304)
Headers = Iterable[tuple[bytes, bytes]]


class CutShort(Exception):
    """The beginning of an answer went out, and the rest cannot be had: the connection ends without it."""


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
    """``more``: headers beside the answer's own. Raises ``ValueError`` for a header of other characters, and
    :class:`CutShort` when what is to follow fails: then nothing else can be said."""
    content = answer.content
    headers = [*more, *((name.lower().encode(), _checked(value)) for name, value in answer.headers.items())]
    if isinstance(content, AsyncIterator):
        await _send_parts(send, answer.status, headers, content)
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


async def _send_parts(
    send: Send, status: int, headers: Sequence[tuple[bytes, bytes]], parts: AsyncIterator[bytes]
) -> None:
    # Before the head: until then a failure is an answer as well.
    part = await anext(parts, b"")
    await send({"type": "http.response.start", "status": status, "headers": headers})
    try:
        while part:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            part = await anext(parts, b"")
    except Exception as error:
        raise CutShort from error
    finally:
        # Of whoever went away, too: what was opened for him is closed.
        if isinstance(parts, AsyncGenerator):
            await parts.aclose()
    await send({"type": "http.response.body", "body": b""})


def _checked(value: str) -> bytes:
    """Whatever a client sent has been encoded before it comes to stand in a header."""
    if not value.isascii() or not value.isprintable():
        raise ValueError("a header of an answer has characters that it must not have")
    return value.encode("ascii")
