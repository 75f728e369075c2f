"""Numbered lines of a file or a pipe, in bounded memory, as soon as they are there."""

import asyncio
import os
import stat
import threading
from collections.abc import Iterator
from typing import IO, NamedTuple, Protocol

from schemas.refused import BYTE_ORDER_MARK

CHUNK_BYTES = 1 << 20
_CHUNKS_AHEAD = 2


class RawReader(Protocol):
    """An unbuffered binary stream: ``read`` returns what is there, ``b""`` at the end."""

    def read(self, size: int, /) -> bytes | None: ...


class Line(NamedTuple):
    """``text`` without the end of the line; of a line that is too long, less than all of it."""

    number: int
    text: bytes


class Splitter:
    """Chunks in, lines out; of a line that has not ended, no more than ``limit`` bytes and one are kept."""

    def __init__(self, limit: int) -> None:
        self._kept = limit + 1
        self._rest = b""
        self._number = 0

    def lines(self, chunk: bytes) -> Iterator[Line]:
        """Every line that ends in ``chunk`` and is not blank; an empty chunk ends the last one."""
        if chunk:
            *ended, rest = (self._rest + chunk).split(b"\n")
        else:
            ended, rest = [self._rest], b""
        self._rest = rest[: self._kept]
        for text in ended:
            self._number += 1
            if self._number == 1:
                # The file's, by which editors tell UTF-8. In an event it is refused, as by the worker.
                text = text.removeprefix(BYTE_ORDER_MARK)
            if text and not text.isspace():
                yield Line(self._number, text.removesuffix(b"\r"))


def size_of(file: IO[bytes]) -> int | None:
    """How much there is to read, where that is known."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class ChunkReader:
    """Reads ``stream`` ahead in a thread, so that a pipe that says nothing stops nobody from ending.

    Belongs to the event loop in which it is made.
    """

    def __init__(self, stream: RawReader) -> None:
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._room = threading.Semaphore(_CHUNKS_AHEAD)
        threading.Thread(target=self._read, name="read-lines", daemon=True).start()

    async def next(self, patience_s: float | None = None) -> bytes | None:
        """The next chunk; empty at the end; None when there was none for ``patience_s``.

        Raises what the stream raises.
        """
        try:
            async with asyncio.timeout(patience_s):
                chunk = await self._ready.get()
        except TimeoutError:
            return None
        self._room.release()
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    def _read(self) -> None:
        chunk: bytes | Exception = b" "
        while isinstance(chunk, bytes) and chunk:
            self._room.acquire()
            try:
                chunk = self._stream.read(CHUNK_BYTES) or b""
            except (OSError, ValueError) as error:
                chunk = error
            try:
                self._loop.call_soon_threadsafe(self._ready.put_nowait, chunk)
            except RuntimeError:
                return  # the loop is closed: nobody is interested any more
