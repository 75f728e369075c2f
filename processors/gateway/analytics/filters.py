"""Filters: which events are counted. ``country=DE,AT`` takes either, ``country=-DE`` all others.

A comma or a first hyphen that belongs to a value has a backslash before it, as has a backslash.
"""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import attrgetter
from typing import Final, NamedTuple, Protocol, Self

from processors.gateway.analytics.addresses import parameter, without_query
from processors.gateway.analytics.event import Event
from processors.registry.links import BY_EXTERNAL_ID
from schemas.ids import OUR_CUSTOMER, customer_id
from schemas.links import ROOT


class Kind(StrEnum):
    """What can be counted; each is a row of the view of that name, sign-ups those of ``customers``."""

    CLICKS = "clicks"
    SIGN_UPS = "sign-ups"
    LEADS = "leads"
    SALES = "sales"


ALL: Final = frozenset(Kind)
CONVERSIONS: Final = frozenset({Kind.LEADS, Kind.SALES})
MOST_VALUES: Final = 100
MOST_CHARACTERS: Final = 2_000
"""Of a filter as an address has it: a path has at most 16 KiB, with all of them."""
_NOT: Final = "-"
_value: Final = re.compile(r"(?:\\.|[^,\\])+", re.DOTALL).findall
_unescaped: Final = re.compile(r"\\(.)", re.DOTALL)
_escaped: Final = re.compile(r"[,\\]|^-")

OF_WORKSPACE: Final = "workspace_id = {workspace:String}"


class Field(NamedTuple):
    """``name``: for people. ``sql``: of a row of each of ``kinds``; what has no such field is not filtered by
    it. ``of``: the same of an event as it comes; None: that depends on other events."""

    name: str
    sql: str
    of: Callable[[Event], str] | None
    kinds: frozenset[Kind] = ALL


def _column(name: str, column: str, kinds: frozenset[Kind] = ALL) -> Field:
    return Field(name, column, attrgetter(column), kinds)


def _utm(name: str, written: str) -> Field:
    sql = f"decodeURLFormComponent(extractURLParameter(url, '{written}'))"
    return Field(name, sql, lambda event: parameter(event.url, written))


FIRST_SALES: Final = (
    f"(SELECT argMin(sale_id, (timestamp, sale_id)) FROM sales WHERE {OF_WORKSPACE} GROUP BY customer_id)"
)
"""The first one of each customer, ever."""

FIELDS: Final[Mapping[str, Field]] = {
    "partnerId": _column("Partner", "partner_id"),
    "programId": _column("Program", "program_id"),
    "linkId": _column("Link", "link_id"),
    "externalId": _column("External id of the link", "link_external_id"),
    "tenantId": _column("Tenant", "tenant_id"),
    "domain": _column("Domain", "domain"),
    "key": _column("Short link", "key"),
    "continent": _column("Continent", "continent"),
    "country": _column("Country", "country"),
    "region": _column("Region", "region"),
    "city": _column("City", "city"),
    "device": _column("Device", "device"),
    "browser": _column("Browser", "browser"),
    "os": _column("System", "os"),
    "trigger": _column("Trigger", "trigger"),
    "referer": _column("Referrer", "referer"),
    "refererUrl": Field(
        "Referring page",
        "cutQueryStringAndFragment(referer_url)",
        lambda event: without_query(event.referer_url),
    ),
    "url": _column("Destination", "url"),
    "utm_source": _utm("Source", "utm_source"),
    "utm_medium": _utm("Medium", "utm_medium"),
    "utm_campaign": _utm("Campaign", "utm_campaign"),
    "utm_term": _utm("Term", "utm_term"),
    "utm_content": _utm("Content", "utm_content"),
    "eventName": _column("Event", "event_name", CONVERSIONS),
    "saleType": Field(
        "Kind of sale", f"if(sale_id IN {FIRST_SALES}, 'new', 'recurring')", None, frozenset({Kind.SALES})
    ),
}


class Condition(Protocol):
    """What narrows a question down."""

    def sql(self, kind: Kind, name: str) -> str | None:
        """Of rows of a kind; None: it says nothing of them. ``name``: with which its parameters begin."""

    def parameters(self, name: str) -> Mapping[str, object]:
        """That the SQL names."""

    def holds(self, kind: Kind, event: Event) -> bool:
        """Of an event as it comes, what the SQL says of its row; true where that says nothing."""


@dataclass(frozen=True)
class Filter:
    """Of one of ``FIELDS``."""

    field: str
    values: tuple[str, ...]
    negated: bool = False

    @classmethod
    def read(cls, field: str, written: str) -> Self | None:
        """As an address has it. None: no value is in it."""
        negated = written.startswith(_NOT)
        values = (_unescaped.sub(r"\1", one).strip() for one in _value(written.removeprefix(_NOT)))
        found = tuple(dict.fromkeys(one for one in values if one))[:MOST_VALUES]
        return cls(field, found, negated) if found else None

    @property
    def written(self) -> str:
        """For an address."""
        values = (_escaped.sub(r"\\\g<0>", one) for one in self.values)
        return (_NOT if self.negated else "") + ",".join(values)

    @property
    def name(self) -> str:
        """Of the field, for people."""
        return FIELDS[self.field].name

    def with_value(self, value: str) -> "Filter":
        """One value more."""
        return replace(self, values=tuple(dict.fromkeys((*self.values, value)))[:MOST_VALUES])

    @property
    def turned(self) -> "Filter":
        """All others."""
        return replace(self, negated=not self.negated)

    def sql(self, kind: Kind, name: str) -> str | None:
        """See :class:`Condition`."""
        field = FIELDS[self.field]
        if kind not in field.kinds:
            return None
        return f"{field.sql} {'NOT IN' if self.negated else 'IN'} {{{name}:Array(String)}}"

    def parameters(self, name: str) -> Mapping[str, object]:
        """See :class:`Condition`."""
        return {name: [*self.values]}

    @property
    def only(self) -> str:
        """``leads and sales``: what it chooses among; "" where that is everything."""
        kinds = [one for one in Kind if self.sql(one, "") is not None]
        return " and ".join(kinds) if len(kinds) < len(Kind) else ""

    @property
    def is_live(self) -> bool:
        """Can it be said of an event as it comes?"""
        return FIELDS[self.field].of is not None

    def holds(self, kind: Kind, event: Event) -> bool:
        """See :class:`Condition`. Not for what is not live."""
        field = FIELDS[self.field]
        if kind not in field.kinds:
            return True
        assert field.of is not None  # noqa: S101 - callers have refused it
        return (field.of(event) in self.values) is not self.negated


@dataclass(frozen=True)
class OfLinks:
    """Links by our ids, or by the workspace's own after ``ext_``."""

    names: tuple[str, ...]
    negated: bool = False

    def sql(self, kind: Kind, name: str) -> str | None:  # noqa: ARG002 - of every kind alike
        """See :class:`Condition`."""
        named = f"IN {{{name}:Array(String)}}"
        own = f"link_external_id != '' AND concat('{BY_EXTERNAL_ID}', link_external_id) {named}"
        theirs = f"(link_id {named} OR {own})"
        return f"NOT {theirs}" if self.negated else theirs

    def parameters(self, name: str) -> Mapping[str, object]:
        """See :class:`Condition`."""
        return {name: [*self.names]}

    def holds(self, kind: Kind, event: Event) -> bool:  # noqa: ARG002 - of every kind alike
        """See :class:`Condition`."""
        own = event.link_external_id
        named = event.link_id in self.names or (own != "" and BY_EXTERNAL_ID + own in self.names)
        return named is not self.negated


@dataclass(frozen=True)
class OfCustomers:
    """What these customers did, and the clicks that brought them, also before they qualify. ``ids``: ours, or
    those of the workspace's own system."""

    workspace_id: str
    ids: tuple[str, ...]
    negated: bool = False

    def sql(self, kind: Kind, name: str) -> str | None:
        """See :class:`Condition`."""
        are_theirs = f"customer_id IN {{{name}:Array(String)}}"
        if kind is Kind.CLICKS:
            of = [
                f"SELECT click_id FROM {view} WHERE {OF_WORKSPACE} AND {are_theirs}"
                for view in ("customers", "leads")
            ]
            are_theirs = f"click_id IN ({' UNION ALL '.join(of)})"
        return f"NOT ({are_theirs})" if self.negated else are_theirs

    def parameters(self, name: str) -> Mapping[str, object]:
        """See :class:`Condition`."""
        return {name: self._ours}

    def holds(self, kind: Kind, event: Event) -> bool:
        """See :class:`Condition`. A click that comes is nobody's yet."""
        return (kind is not Kind.CLICKS and event.customer_id in self._ours) is not self.negated

    @property
    def _ours(self) -> list[str]:
        return [
            one if one.startswith(OUR_CUSTOMER) else customer_id(self.workspace_id, one) for one in self.ids
        ]


@dataclass(frozen=True)
class OfRoots:
    """Links at ``/`` of their domain; not ``wanted``: all others."""

    wanted: bool

    def sql(self, kind: Kind, name: str) -> str | None:  # noqa: ARG002 - of every kind alike
        """See :class:`Condition`."""
        return f"key {'=' if self.wanted else '!='} '{ROOT}'"

    def parameters(self, name: str) -> Mapping[str, object]:  # noqa: ARG002 - it names none
        """See :class:`Condition`."""
        return {}

    def holds(self, kind: Kind, event: Event) -> bool:  # noqa: ARG002 - of every kind alike
        """See :class:`Condition`."""
        return (event.key == ROOT) is self.wanted


def kinds_of(event: str) -> Sequence[Kind]:
    """As callers ask for them: one kind, or ``composite``."""
    return (Kind.CLICKS, Kind.LEADS, Kind.SALES) if event == "composite" else (Kind(event),)


def conditions(of: Sequence[Condition], kind: Kind) -> str:
    """SQL that follows another condition."""
    found = (one.sql(kind, f"filter_{index}") for index, one in enumerate(of))
    return "".join(f" AND {sql}" for sql in found if sql is not None)


def parameters(of: Sequence[Condition]) -> dict[str, object]:
    """Of the same for every kind."""
    found: dict[str, object] = {}
    for index, one in enumerate(of):
        found |= one.parameters(f"filter_{index}")
    return found


def hold(of: Iterable[Condition], kind: Kind, event: Event) -> bool:
    """All of them, of an event as it comes."""
    return all(one.holds(kind, event) for one in of)


def read(given: Callable[[str], str | None]) -> list[Filter]:
    """``given``: what an address has by the name of a field."""
    found = (Filter.read(field, written) for field in FIELDS if (written := given(field)))
    return [one for one in found if one is not None]
