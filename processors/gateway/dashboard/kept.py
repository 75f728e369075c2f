"""Which addresses of the dashboard may be kept: saved under a name, or shared with whoever has a link.

What is kept is a path of a view and a query that is written anew from what it means: nothing in it is of
another host. Nor of a person, but for what a filter by metadata names: that is kept as it stands, in views
that are saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from processors.gateway.analytics.filters import FIELDS
from processors.gateway.dashboard import state
from processors.gateway.dashboard.state import CLICKED, State
from processors.registry.view_changes import MOST_QUERY

LISTS: Final = (CLICKED, "status", "minAge", "maxAge", "reason")
"""What lists are narrowed down by, beside filters."""
LIFETIMES: Final = (7, 30, 90)
"""Of links, in days."""
USUAL_LIFETIME: Final = 30
_OF_PERSONS: Final = ("id", "search")
_MOST_FIELDS: Final = 100
_MOST_VALUE: Final = 200
_SHARED: Final = frozenset(
    (
        *("partnerId", "programId", "linkId", "domain", "key", "eventName", "saleType", "trigger"),
        *("continent", "country", "region", "city", "device", "browser", "os", "referer"),
        *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
    )
)
"""By which strangers may see that something is filtered or broken down. Ids of a workspace's own system, and
addresses, in which anything may stand, are not among them."""


@dataclass(frozen=True)
class Kept:
    """``query``: without its question mark."""

    path: str
    query: str

    @property
    def address(self) -> str:
        """Behind the base of the gateway."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def state(self) -> State:
        """What it means."""
        return state.read(self.query.encode())

    @property
    def is_whole(self) -> bool:
        """Does all of it mean something to this release? Less would be a wider view."""
        return kept(self.path, self.query) == self


def kept(path: str, query: str) -> Kept | None:
    """None: it is about a person."""
    try:
        given = dict(parse_qsl(query, max_num_fields=_MOST_FIELDS))
    except ValueError:
        given = {}
    if any(given.get(name) for name in _OF_PERSONS):
        return None
    shown = state.read(query.encode())
    lists = [(name, given[name][:_MOST_VALUE]) for name in LISTS if given.get(name)]
    return Kept(path, state.query([*shown.pairs, *lists]).removeprefix("?"))


def kept_address(address: str, paths: Sequence[str]) -> Kept:
    """As a form says it. ``paths``: of views. Raises ``ValueError`` for what is none, or about a person."""
    path, _, query = address.partition("?")
    if path not in paths or not address.isascii() or not address.isprintable():
        raise ValueError("This is no address of a view.")
    found = kept(path, query)
    if found is None:
        raise ValueError("This page is about a person, and is not kept.")
    if len(found.query) > MOST_QUERY:
        raise ValueError("This view has more filters than can be kept.")
    return found


def unshared(shown: State) -> list[str]:
    """Names of the fields that keep a view from being shared."""
    fields = dict.fromkeys([*(one.field for one in shown.filters), shown["groupBy"]])
    return [FIELDS[one].name if one in FIELDS else one for one in fields if one not in _SHARED]
