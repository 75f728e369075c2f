"""Filters: which events are counted. ``country=DE,AT`` takes either, ``country=-DE`` all others.

A comma or a first hyphen that belongs to a value has a backslash before it, as has a backslash.
"""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, Self

from schemas.ids import customer_id


class Kind(StrEnum):
    """What can be counted; each is a row of the view of that name, sign-ups those of ``customers``."""

    CLICKS = "clicks"
    SIGN_UPS = "sign-ups"
    LEADS = "leads"
    SALES = "sales"


ALL: Final = frozenset(Kind)
CONVERSIONS: Final = frozenset({Kind.LEADS, Kind.SALES})
MOST_VALUES: Final = 100
_NOT: Final = "-"
_OURS: Final = "cus_"
_value: Final = re.compile(r"(?:\\.|[^,\\])+", re.DOTALL).findall
_unescaped: Final = re.compile(r"\\(.)", re.DOTALL)
_escaped: Final = re.compile(r"[,\\]|^-")

OF_WORKSPACE: Final = "workspace_id = {workspace:String}"


class Field(NamedTuple):
    """``name``: for people. ``sql``: of a row of each of ``kinds``; what has no such field is not filtered by
    it."""

    name: str
    sql: str
    kinds: frozenset[Kind] = ALL


def _utm(name: str) -> str:
    return f"decodeURLFormComponent(extractURLParameter(url, '{name}'))"


FIRST_SALES: Final = (
    f"(SELECT argMin(sale_id, (timestamp, sale_id)) FROM sales WHERE {OF_WORKSPACE} GROUP BY customer_id)"
)
"""The first one of each customer, ever."""

FIELDS: Final[Mapping[str, Field]] = {
    "partnerId": Field("Partner", "partner_id"),
    "programId": Field("Program", "program_id"),
    "linkId": Field("Link", "link_id"),
    "externalId": Field("External id of the link", "link_external_id"),
    "tenantId": Field("Tenant", "tenant_id"),
    "domain": Field("Domain", "domain"),
    "key": Field("Short link", "key"),
    "continent": Field("Continent", "continent"),
    "country": Field("Country", "country"),
    "region": Field("Region", "region"),
    "city": Field("City", "city"),
    "device": Field("Device", "device"),
    "browser": Field("Browser", "browser"),
    "os": Field("System", "os"),
    "trigger": Field("Trigger", "trigger"),
    "referer": Field("Referrer", "referer"),
    "refererUrl": Field("Referring page", "cutQueryStringAndFragment(referer_url)"),
    "url": Field("Destination", "url"),
    "utm_source": Field("Source", _utm("utm_source")),
    "utm_medium": Field("Medium", _utm("utm_medium")),
    "utm_campaign": Field("Campaign", _utm("utm_campaign")),
    "utm_term": Field("Term", _utm("utm_term")),
    "utm_content": Field("Content", _utm("utm_content")),
    "eventName": Field("Event", "event_name", CONVERSIONS),
    "saleType": Field(
        "Kind of sale", f"if(sale_id IN {FIRST_SALES}, 'new', 'recurring')", frozenset({Kind.SALES})
    ),
}


class Condition(Protocol):
    """What narrows a question down."""

    def sql(self, kind: Kind, name: str) -> str | None:
        """Of rows of a kind; None: it says nothing of them. ``name``: with which its parameters begin."""

    def parameters(self, name: str) -> Mapping[str, object]:
        """That the SQL names."""


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
        ours = [one if one.startswith(_OURS) else customer_id(self.workspace_id, one) for one in self.ids]
        return {name: ours}


@dataclass(frozen=True)
class OfRoots:
    """Links at ``/`` of their domain; not ``wanted``: all others."""

    wanted: bool

    def sql(self, kind: Kind, name: str) -> str | None:  # noqa: ARG002 - of every kind alike
        """See :class:`Condition`."""
        return f"key {'=' if self.wanted else '!='} '_root'"

    def parameters(self, name: str) -> Mapping[str, object]:  # noqa: ARG002 - it names none
        """See :class:`Condition`."""
        return {}


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


def read(given: Callable[[str], str | None]) -> list[Filter]:
    """``given``: what an address has by the name of a field."""
    found = (Filter.read(field, written) for field in FIELDS if (written := given(field)))
    return [one for one in found if one is not None]
