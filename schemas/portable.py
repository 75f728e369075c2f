"""JSON that some readers take and others do not → JSON that every reader takes, ClickHouse included."""

import json
import re
from collections.abc import Collection
from math import isfinite
from typing import Final

import orjson
from msgspec import DecodeError
from msgspec.json import Decoder

_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def whole_characters(value: bytes) -> bytes:
    """``value``, U+FFFD for each half of a surrogate pair that an escape names without the other half.

    JavaScript cuts characters in two (``slice``), and writes what is left as an escape. That is no character,
    and no text to a decoder that has to make UTF-8 of it. The same object when there is nothing to replace.
    """
    if b"\\" not in value or b"\\u" not in value:
        return value
    whole = _ESCAPE.sub(lambda match: rb"\ufffd" if match[1] else match[0], value)
    return value if whole == value else whole


def portable(document: bytes) -> bytes:
    """An object in which every name stands once, the last one counting, and every number has a double.

    A number beyond that becomes its text. Two ways to write one path, as in ``{"a.b": 1, "a": {"b": 2}}``,
    are one name: ClickHouse reads them so. ``document`` is JSON in UTF-8 without halves of characters,
    nested no deeper than an event may be; the same object is returned when it is portable.
    """
    if _is_plain(document):
        return document
    reading = _Reading()
    parsed = reading.parse(document)
    reading.drop_hidden(parsed, "", set())
    if not reading.changed:
        return document
    written: list[str] = []
    _write(parsed, written)
    return "".join(written).encode()


_as_builtins: Final = Decoder().decode
_HUGE: Final = 309
"""Digits of an integer beyond a double."""
_ESCAPED_COLON: Final = rb"\u003"


def _is_plain(document: bytes) -> bool:
    """A quick look. False also for some that are portable, as one with a dot in a name."""
    colons = document.count(b":")
    try:
        parsed = _as_builtins(document)
        if colons <= 1 and len(document) < _HUGE:
            return True
        written = orjson.dumps(parsed)
    except (DecodeError, orjson.JSONEncodeError):  # a number beyond a double, or beyond 64 bits
        return False
    # It lacks the colons of names that stood twice, and has one more for each that was escaped.
    return (
        _ESCAPED_COLON not in document
        and written.count(b":") == colons
        and (colons <= 1 or not _has_dotted_names(parsed))
    )


def _has_dotted_names(value: object) -> bool:
    if isinstance(value, dict):
        if "." in "".join(value):
            return True
        members: Collection[object] = value.values()
    elif isinstance(value, list):
        members = value
    else:
        return False
    return not _CONTAINERS.isdisjoint(map(type, members)) and any(map(_has_dotted_names, members))


_CONTAINERS: Final = frozenset({dict, list})


class _Members(list[tuple[str, object]]):
    """An object, with names that stand twice."""


class _Number(str):
    """As it is written."""


class _Reading:
    """One document; ``changed``: something in it was not portable."""

    def __init__(self) -> None:
        self.changed = False

    def parse(self, document: bytes) -> object:
        return json.loads(
            document, object_pairs_hook=_Members, parse_int=self._number, parse_float=self._number
        )

    def _number(self, text: str) -> str:
        if isfinite(float(text)):
            return _Number(text)
        self.changed = True
        return text

    def drop_hidden(self, value: object, prefix: str, paths: set[str]) -> None:
        """Members that a later one with the same name or path hides. ``paths``: those of later ones."""
        if isinstance(value, list) and not isinstance(value, _Members):
            for item in value:
                self.drop_hidden(item, "", set())
        if not isinstance(value, _Members):
            return
        kept: list[tuple[str, object]] = []
        names: set[str] = set()
        for name, member in reversed(value):
            path = prefix + name
            inner = isinstance(member, _Members)
            if name in names or (path in paths and not inner):
                self.changed = True
                continue
            names.add(name)
            if inner:
                self.drop_hidden(member, path + ".", paths)
            else:
                paths.add(path)
                self.drop_hidden(member, "", set())
            kept.append((name, member))
        value[:] = reversed(kept)


def _write(value: object, written: list[str]) -> None:
    if isinstance(value, _Number):
        written.append(value)
    elif isinstance(value, _Members):
        comma = "{"
        for name, member in value:
            written.append(f"{comma}{json.dumps(name, ensure_ascii=False)}:")
            _write(member, written)
            comma = ","
        written.append("}" if value else "{}")
    elif isinstance(value, list):
        comma = "["
        for item in value:
            written.append(comma)
            _write(item, written)
            comma = ","
        written.append("]" if value else "[]")
    else:
        written.append(json.dumps(value, ensure_ascii=False))
