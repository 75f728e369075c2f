"""Reads a stream ahead, in a thread, and takes it apart into numbered lines."""

import asyncio
import codecs
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple, overload

from processors.errors import CheckFailed
from processors.feeding.forms import Form, Kind, form_of
from processors.feeding.lines import Line, Splitter
from processors.feeding.tables import rows
from processors.feeding.unpacking import Counted, RawReader, unpacked
from processors.feeding.values import Values
from schemas.decoding import MAX_RECORD_BYTES
from schemas.refused import BYTE_ORDER_MARK

CHUNK_BYTES: Final = 1 << 20
_BATCHES_AHEAD: Final = 2
_BATCH_LINES: Final = 10_000
_LONGEST_ROW: Final = 4 * MAX_RECORD_BYTES


class Batch(NamedTuple):
    """Lines that are there. ``taken``: bytes read of the stream by then. ``last``: it has ended."""

    lines: list[Line]
    taken: int
    last: bool = False


class LineReader:
    """The lines of ``stream``, whatever it is of what :mod:`.forms` knows, so that a pipe that says nothing
    stops nobody from ending.

    ``typed``: it is known elsewhere of which type events are that say none. Keeps no more than three batches,
    of a chunk of 1 MiB each. Belongs to the event loop in which it is made.
    """

    def __init__(self, stream: RawReader, *, typed: bool) -> None:
        self._stream = Counted(stream)
        self._typed = typed
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Queue[Batch | Exception] = asyncio.Queue()
        self._room = threading.Semaphore(_BATCHES_AHEAD)
        self._lines: list[Line] = []
        threading.Thread(target=self._read, name="read-lines", daemon=True).start()

    @overload
    async def next(self, patience_s: None = None) -> Batch: ...

    @overload
    async def next(self, patience_s: float) -> Batch | None: ...

    async def next(self, patience_s: float | None = None) -> Batch | None:
        """The next batch; None when there was none for ``patience_s``.

        Raises what the stream raises, and ``CheckFailed`` for what cannot be read as events at all.
        """
        try:
            async with asyncio.timeout(patience_s):
                batch = await self._ready.get()
        except TimeoutError:
            return None
        self._room.release()
        if isinstance(batch, Exception):
            raise batch
        return batch

    def _read(self) -> None:
        with suppress(_NobodyReads):
            self._read_all()

    def _read_all(self) -> None:
        try:
            for line in _lines_of(self._stream, self._typed, self._hand_over):
                self._lines.append(line)
                if len(self._lines) >= _BATCH_LINES:
                    self._hand_over()
            self._hand_over(last=True)
        except _NobodyReads:
            raise
        except Exception as error:
            self._hand_over()
            self._put(error)  # raised where somebody waits

    def _hand_over(self, *, last: bool = False) -> None:
        if self._lines or last:
            lines, self._lines = self._lines, []
            self._put(Batch(lines, self._stream.taken, last))

    def _put(self, batch: Batch | Exception) -> None:
        self._room.acquire()
        try:
            self._loop.call_soon_threadsafe(self._ready.put_nowait, batch)
        except RuntimeError:
            raise _NobodyReads from None


class _NobodyReads(Exception):
    """The loop is closed."""


def _lines_of(stream: RawReader, typed: bool, before_reading: Callable[[], None]) -> Iterator[Line]:
    """``before_reading``: is called whenever it may take a while until more is there."""
    text = _Text(unpacked(stream), before_reading)
    form = text.form()
    if form.kind is Kind.TABLE:
        yield from rows(_rows_of(text), form.delimiter, typed=typed)
        return
    splitter = Splitter(MAX_RECORD_BYTES) if form.kind is Kind.LINES else Values(MAX_RECORD_BYTES)
    chunk = b" "
    while chunk and not (isinstance(splitter, Values) and splitter.ended):
        chunk = text.read()
        yield from splitter.lines(chunk)


class _Text:
    """A stream in chunks, without its byte-order mark."""

    def __init__(self, stream: RawReader, before_reading: Callable[[], None]) -> None:
        self._stream = stream
        self._before_reading = before_reading
        self._head = b""

    def form(self) -> Form:
        """What it is. Raises ``CheckFailed`` for what is nothing of that."""
        form, head = None, b""
        while form is None:
            chunk = self._next()
            head += chunk
            self._head = head.removeprefix(BYTE_ORDER_MARK)
            form = form_of(self._head, whole=not chunk)
        return form

    def read(self) -> bytes:
        """What is there, ``b""`` at the end."""
        head, self._head = self._head, b""
        return head or self._next()

    def _next(self) -> bytes:
        self._before_reading()
        return self._stream.read(CHUNK_BYTES) or b""


def _rows_of(text: _Text) -> Iterator[str]:
    """Lines with their ends. Bytes that are no UTF-8 stay what they are, as half characters."""
    decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
    rest = ""
    while chunk := text.read():
        *ended, rest = (rest + decode(chunk)).split("\n")
        for row in ended:
            yield f"{row}\n"
        if len(rest) > _LONGEST_ROW:
            raise CheckFailed(f"a row of this table has more than {_LONGEST_ROW:,} characters")
    if rest := rest + decode(b"", final=True):
        yield rest
