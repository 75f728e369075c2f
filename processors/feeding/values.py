"""JSON arrays, and values that follow each other, each over as many lines as it likes → numbered events."""

import codecs
import re
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Final

from processors.feeding.lines import Line
from schemas.reasons import DeadLetterReason
from schemas.refused import Refused

_BLANKS: Final = re.compile(r"[ \t\n\r]*")
# All that is asked is where a value ends: numbers need not become any.
_DECODER: Final = JSONDecoder(parse_int=str, parse_float=str)
_DELIMITED: Final = frozenset('{["')


class _Broken(Exception):
    """From here on nobody can tell where a value begins."""


class Values:
    """Chunks in, values out. Of a value that has not ended, ``limit`` characters and a chunk are kept.

    After what is no JSON, or longer, nothing can be read any more: the last line says so, and ``ended``
    is true.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._rest = ""
        self._number = 1
        self._element = 0
        self._inside = False
        self._after_value = False
        self.ended = False

    def lines(self, chunk: bytes) -> Iterator[Line]:
        """Every value that ends in ``chunk``; an empty chunk ends the last one. None once ``ended``."""
        if self.ended:
            return
        text, at = self._rest + self._decode(chunk, final=not chunk), 0
        try:
            while not self.ended:
                at = self._past(text, at, _BLANKS.match(text, at).end())  # type: ignore[union-attr]
                if at == len(text) or (end := self._end(text, at, last=not chunk)) is None:
                    break
                if end > at:
                    value = text[at:end].encode("utf-8", "surrogateescape")
                    yield Line(self._number, value, self._element if self._inside else None)
                    at = self._past(text, at, end)
                else:
                    at += 1
            self._rest = text[at:]
            if not chunk and self._inside:
                raise _Broken("the array does not end: is the file cut off?")
        except _Broken as broken:
            self.ended = True
            refused = Refused(DeadLetterReason.NOT_JSON, f"{broken}")
            yield Line(self._number, b"", self._element + 1 if self._inside else None, refused)

    def _past(self, text: str, start: int, end: int) -> int:
        self._number += text.count("\n", start, end)
        return end

    def _end(self, text: str, at: int, *, last: bool) -> int | None:
        """Of the value at ``at``; ``at`` itself: there is a bracket or a comma; None: more is needed."""
        sign = text[at]
        if self._inside and (self._after_value or (sign == "]" and not self._element)):
            if sign not in ",]":
                raise _Broken(f"a comma or ] is expected after an element; {_UNREAD}")
            self._inside, self._after_value = sign == ",", False
            return at
        if sign == "[" and not self._inside:
            self._inside, self._element = True, 0
            return at
        end = self._decoded(text, at, last=last)
        if end is not None and self._inside:
            self._element += 1
            self._after_value = True
        return end

    def _decoded(self, text: str, at: int, *, last: bool) -> int | None:
        try:
            _, end = _DECODER.raw_decode(text, at)
        except RecursionError:
            raise _Broken(f"nested too deeply; {_UNREAD}") from None
        except JSONDecodeError as error:
            if not last and len(text) - at <= self._limit:
                return None
            line = self._number + text.count("\n", at, error.pos)
            raise _Broken(f"{error.msg} (line {line}); {_UNREAD}") from None
        # A number may go on in the next chunk.
        return None if end == len(text) and not last and text[at] not in _DELIMITED else end


_UNREAD: Final = "what comes after it is not read"
