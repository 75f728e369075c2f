"""Filters: which events a page counts. ``country=DE,AT`` takes either, ``country=-DE`` all others.

A comma or a first hyphen that belongs to a value has a backslash before it, as has a backslash.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Self

MOST_VALUES: Final = 20
_NOT: Final = "-"
_value: Final = re.compile(r"(?:\\.|[^,\\])+", re.DOTALL).findall
_unescaped: Final = re.compile(r"\\(.)", re.DOTALL)
_escaped: Final = re.compile(r"[,\\]|^-")


class Field(NamedTuple):
    """``sql``: of a row of clicks, leads, sales and customers alike. ``name``: for people."""

    name: str
    sql: str


def _utm(name: str) -> str:
    return f"decodeURLFormComponent(extractURLParameter(url, '{name}'))"


FIELDS: Final[Mapping[str, Field]] = {
    "partnerId": Field("Partner", "partner_id"),
    "linkId": Field("Link", "link_id"),
    "country": Field("Country", "country"),
    "city": Field("City", "city"),
    "device": Field("Device", "device"),
    "browser": Field("Browser", "browser"),
    "os": Field("System", "os"),
    "referer": Field("Referrer", "referer"),
    "utm_campaign": Field("Campaign", _utm("utm_campaign")),
    "utm_source": Field("Source", _utm("utm_source")),
    "utm_medium": Field("Medium", _utm("utm_medium")),
}


@dataclass(frozen=True)
class Filter:
    """Of one field."""

    field: str
    values: tuple[str, ...]
    negated: bool = False

    @classmethod
    def read(cls, field: str, written: str) -> Self | None:
        """As an address has it."""
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


def condition(filters: Sequence[Filter]) -> tuple[str, dict[str, object]]:
    """SQL that follows another condition, and its parameters."""
    parts, parameters = [""], dict[str, object]()
    for one in filters:
        name = f"filter_{one.field}"
        operator = "NOT IN" if one.negated else "IN"
        parts.append(f"{FIELDS[one.field].sql} {operator} {{{name}:Array(String)}}")
        parameters[name] = [*one.values]
    return " AND ".join(parts), parameters
