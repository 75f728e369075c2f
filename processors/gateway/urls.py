"""URLs as text: taken apart where that is needed, and otherwise left as somebody wrote them."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_plus

_NOT_IN_HEADERS: Final = re.compile(r"[^\x21-\x7e]")


class Pieces(NamedTuple):
    """What is before the query, its parameters as they are written, and the fragment with its ``#``."""

    before: str
    query: list[str]
    fragment: str

    def with_query(self, query: Sequence[str]) -> str:
        """The URL with these parameters instead."""
        return f"{self.before}?{'&'.join(query)}{self.fragment}" if query else self.before + self.fragment


def pieces_of(url: str) -> Pieces:
    """Any text is taken for a URL."""
    rest, hash_mark, fragment = url.partition("#")
    before, _, query = rest.partition("?")
    return Pieces(before, query.split("&") if query else [], hash_mark + fragment)


def name_of(parameter: str) -> str:
    """Of one as it is written; decoded."""
    name = parameter.partition("=")[0]
    return unquote_plus(name) if "%" in name or "+" in name else name


def in_header(url: str) -> str:
    """Percent-encoded where it is no printable ASCII. Bytes that are no UTF-8 come as ``surrogateescape``."""
    return encoded(_NOT_IN_HEADERS, url)


def encoded(which: re.Pattern[str], text: str) -> str:
    """What the pattern finds is percent-encoded."""
    return which.sub(lambda found: quote(found[0], safe="", errors="surrogateescape"), text)
