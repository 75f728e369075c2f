"""Bodies: received within bounds, then decoded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder, encode
from starlette.requests import Request
from starlette.types import Receive

from processors.gateway.answers import ApiError, Code
from processors.gateway.findings import finding
from schemas.decoding import UNDECODABLE, check_nesting
from schemas.portable import whole_characters
from schemas.second_reading import SecondReading

T = TypeVar("T")
MAX_NESTING: Final = 32


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


async def receive_body(receive: Receive, announced: int | None, most_bytes: int) -> bytes:
    """All of a body. ``announced``: its ``Content-Length``, if it has one. How long it may take is the
    server's to say (``protocol``).

    Raises ``ApiError`` for one that is too large, and :class:`ClientGone`.
    """
    if announced is not None and announced > most_bytes:
        raise _too_large(most_bytes)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        if len(body) + len(part) > most_bytes:
            raise _too_large(most_bytes)
        if not message.get("more_body"):
            return bytes(body + part) if body else part
        body += part


async def until_gone(receive: Receive) -> None:
    """Until the client goes. For calls whose body was received, or that have none."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_waited_for(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` returns. It is cancelled when the client goes. Raises :class:`ClientGone` then. For the
    calls of :func:`until_gone`.
    """

    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(until_gone(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        for one in (working, leaving):
            one.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def while_read(request: Request, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """``parts`` of an answer: no others are asked for once the client has gone, so that nobody's questions
    take the turn of those who wait."""
    async for part in parts:
        yield part
        if await request.is_disconnected():
            return


def _too_large(most_bytes: int) -> ApiError:
    text = f"The body has more than {most_bytes // 1024} KiB. Send less at once."
    return ApiError(Code.CONTENT_TOO_LARGE, text)


class BodyDecoder:
    """JSON → a route's type. What is meant well is read as events are (``schemas.decoding``): half a
    character is U+FFFD, ``2.0`` a whole number. The ``Content-Type`` is not asked.
    """

    def __init__(self, kind: Any) -> None:
        self._decode = Decoder(kind).decode
        self._second_reading = _second_reading(kind)

    def __call__(self, body: bytes) -> Any:
        """Raises ``ApiError``: 400 for what is no JSON, else 422."""
        try:
            if not body.isascii():
                body.decode()  # msgspec checks what it skips for everything but this
            if len(body) > 2 * MAX_NESTING:
                check_nesting(body, MAX_NESTING)
            return self._decode(body)
        except (UnicodeDecodeError, RecursionError) as error:
            raise _no_json(error) from None
        except DecodeError:
            return self._read_again(whole_characters(body))

    def _read_again(self, body: bytes) -> Any:
        try:
            _check_syntax(body)
            return self._decode(self._second_reading(body))
        except ValidationError as error:
            raise finding(error) from None
        except UNDECODABLE as error:
            raise _no_json(error) from None


_check_syntax: Final = Decoder(Raw).decode
_elements: Final = Decoder(list[Raw]).decode


def _second_reading(kind: Any) -> Callable[[bytes], bytes]:
    """Of an object, or of each in a list."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if isinstance(kind, type) and issubclass(kind, Struct):
        return SecondReading(kind)
    if get_origin(kind) is list and isinstance(one := get_args(kind)[0], type) and issubclass(one, Struct):
        read_one = SecondReading(one)
        return lambda body: encode([Raw(read_one(bytes(element))) for element in _elements(body)])
    return lambda body: body


def _no_json(error: Exception) -> ApiError:
    why = str(error) if isinstance(error, DecodeError | RecursionError) else "it is not UTF-8"
    return ApiError(Code.BAD_REQUEST, f"The body is no valid JSON: {why}.")
