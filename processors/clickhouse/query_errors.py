"""Why a query of somebody's failed: cause and remedy in a line each, with the place."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Final

from clickhouse_connect.driver.exceptions import ClickHouseError

from processors.clickhouse.migrations import ANALYTICS, VIEWS
from processors.clickhouse.query_limits import SAID, QueryRefused, too_large
from processors.clickhouse.vocabulary import FUNCTIONS, KEYWORDS, Vocabulary, called

_SCOPE: Final = re.compile(r"(?:[.:]? In scope |: while executing |: While processing ).*$", re.DOTALL)
_PLACE: Final = re.compile(r"failed at position (\d+) \((.*?)\)(?: \(line (\d+), col (\d+)\))?:", re.DOTALL)
_NAME: Final = re.compile(r"['`]([^'`]*)['`]")
_MOST: Final = 300


def refused(error: ClickHouseError, sql: str, vocabulary: Callable[[], Vocabulary]) -> QueryRefused | None:
    """None: no answer of the server's to a query. ``vocabulary`` is asked where a name was not known."""
    code, found = getattr(error, "code", None), SAID.search(str(error))
    if not code or found is None:
        return None
    if large := too_large(error):
        return large
    said = found[1]
    plain = " ".join(_SCOPE.sub("", said).split()).rstrip(". ")[:_MOST]
    match code:
        case 62:
            return _syntax(said, plain, sql)
        case 60 | 81:
            return QueryRefused(f"no table or view {_named(said)}", _close(_named(said), _VIEWS) + _VIEWS_ARE)
        case 47:
            return _column(said, sql, vocabulary())
        case 46:
            name = re.sub(r".*function (\w+).*", r"\1", plain) if "table function" in plain else _named(said)
            known = (*ANALYTICS, *FUNCTIONS)
            views = f"Views that take parameters: {', '.join(ANALYTICS)}."
            return QueryRefused(f"no function {name}", _close(name, known) + views)
        case 456:
            view = next((one for one in ANALYTICS if re.search(rf"\b{one}\b", sql)), None)
            takes = f"Write {called(view)}." if view else "Write the value itself in its place."
            return QueryRefused(f"the parameter {_named(said)} is missing", takes)
        case 164:
            return QueryRefused(
                "leadstream sql only reads, so that nobody drops a table by accident",
                "`leadstream sql --write` does what the query says, as far as the user may.",
            )
        case 497:
            return QueryRefused(f"ClickHouse: {plain}", f"Read the views: {', '.join(VIEWS)}.")
        case _:
            return QueryRefused(f"ClickHouse: {plain} ({found[2] or code})")


_VIEWS: Final = (*VIEWS, *ANALYTICS)
_VIEWS_ARE: Final = f"Views: {', '.join(VIEWS)}; with parameters: {', '.join(ANALYTICS)}."


def _syntax(said: str, plain: str, sql: str) -> QueryRefused:
    place = _PLACE.search(said)
    if place is None:
        return QueryRefused(f"syntax error: {plain}")
    line, column = (int(place[3]), int(place[4])) if place[3] else (1, int(place[1]))
    before = sql.split("\n")[line - 1][: column - 1] if line <= sql.count("\n") + 1 else ""
    at = "at the end" if place[2] == "end of query" else f"at {place[2][:40]}"
    where = f"syntax error in line {line}, column {column}, {at}"
    if "Unmatched parentheses" in said:
        return QueryRefused(f"{where}: a parenthesis is not closed")
    if "is not closed" in said:
        return QueryRefused(f"{where}: a quotation mark is not closed")
    # A mistyped word passes for a name or an alias; what comes after it is where the parser gives up.
    words = [*reversed(re.findall(r"[A-Za-z]+", before)), place[2]]
    for word in words[:1] + words[-1:]:
        if word.upper() not in KEYWORDS and (close := get_close_matches(word.upper(), KEYWORDS, 1, 0.7)):
            return QueryRefused(where, f"Did you mean {close[0]} rather than {word}?")
    return QueryRefused(where)


def _column(said: str, sql: str, vocabulary: Vocabulary) -> QueryRefused:
    name = _named(said)
    known = vocabulary.columns_for(sql)
    view = next((one for one in _VIEWS if re.search(rf"\b{one}\b", sql)), None)
    described = f"`DESCRIBE {view}` lists the columns." if view in VIEWS else ""
    return QueryRefused(f"no column {name}", (_close(name, known) + described).strip())


def _named(said: str) -> str:
    found = _NAME.search(said)
    return found[1] if found else "of that name"


def _close(name: str, known: list[str] | tuple[str, ...]) -> str:
    close = get_close_matches(name.rpartition(".")[2].lower(), known, 1)
    return f"Did you mean {close[0]}? " if close else ""
