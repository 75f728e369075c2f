"""Numbered lines, in bounded memory, as soon as they are there."""

from collections.abc import Iterator
from typing import NamedTuple

from schemas.refused import Refused


class Line(NamedTuple):
    """``number``: of the line where it begins. ``text``: an event in JSON; of one that is too long, less than
    all of it. ``element``: which one of an array it is, from 1. ``refused``: why there is no text.
    """

    number: int
    text: bytes
    element: int | None = None
    refused: Refused | None = None

    @property
    def place(self) -> str:
        """As people look for it."""
        return f"line {self.number}" + ("" if self.element is None else f", element {self.element}")


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
            if text and not text.isspace():
                yield Line(self._number, text.removesuffix(b"\r"))
