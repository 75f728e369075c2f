"""Conditions on metadata: ``metadata['plan']:'pro' AND metadata['seats']>=5``; of leads and sales.

``:`` and ``=`` are the same. ``AND`` binds before ``OR``. A number is compared as one, everything else as
text.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from msgspec import DecodeError
from msgspec.json import decode, encode

from processors.gateway.analytics.event import Event
from processors.gateway.analytics.filters import CONVERSIONS, Filter, Kind

MOST_TERMS: Final = 20
OF_KEY: Final = "metadata."
"""With which a field begins that is a key of metadata; the key follows."""
_OPERATORS: Final = {":": "=", "=": "=", "!=": "!=", ">": ">", "<": "<", ">=": ">=", "<=": "<="}
_ORDERED: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_is_number: Final = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|infinity|nan)", re.ASCII | re.IGNORECASE
).fullmatch
_QUOTED: Final = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_term: Final = re.compile(
    rf"\s*metadata\[\s*(?P<key>{_QUOTED})\s*\]\s*(?P<operator>!=|>=|<=|[:=><])\s*"
    rf"(?P<value>{_QUOTED}|[^\s'\"]+)\s*",
    re.DOTALL,
)
_joint: Final = re.compile(r"(AND|OR)\b", re.IGNORECASE)
_escape: Final = re.compile(r"\\(.)", re.DOTALL)


class Malformed(ValueError):
    """A query is not of the form that is documented; the text says from where on."""


class Term(NamedTuple):
    """One comparison."""

    key: str
    operator: str
    value: str


@dataclass(frozen=True)
class OfMetadata:
    """``any_of``: groups of terms of which all hold."""

    any_of: Sequence[Sequence[Term]]

    def sql(self, kind: Kind, name: str) -> str | None:
        """See :class:`.filters.Condition`."""
        if kind not in CONVERSIONS:
            return None
        groups, index = [], 0
        for group in self.any_of:
            parts = []
            for term in group:
                parts.append(_sql(term, f"{name}_{index}"))
                index += 1
            groups.append(" AND ".join(parts))
        return f"({' OR '.join(f'({one})' for one in groups)})"

    def parameters(self, name: str) -> Mapping[str, object]:
        """See :class:`.filters.Condition`."""
        found: dict[str, object] = {}
        for index, term in enumerate(term for group in self.any_of for term in group):
            found[f"{name}_{index}_key"] = term.key
            found[f"{name}_{index}"] = term.value
        return found

    def holds(self, kind: Kind, event: Event) -> bool:
        """See :class:`.filters.Condition`."""
        if kind not in CONVERSIONS:
            return True
        try:
            document = decode(event.metadata or "{}")
        except DecodeError:
            document = None
        fields = document if isinstance(document, dict) else {}
        return any(all(_holds(term, fields) for term in group) for group in self.any_of)


@dataclass(frozen=True)
class MetadataFilter(Filter):
    """Of what is under one key, as an address has it: ``metadata.plan=pro,free``. Keeps leads and sales."""

    @property
    def name(self) -> str:
        """For people."""
        return f"Metadata {self._key}"

    def sql(self, kind: Kind, name: str) -> str | None:
        """See :class:`.filters.Condition`."""
        return self._query.sql(kind, name)

    def parameters(self, name: str) -> Mapping[str, object]:
        """See :class:`.filters.Condition`."""
        return self._query.parameters(name)

    @property
    def is_live(self) -> bool:
        """A lead and a sale have their metadata with them."""
        return True

    def holds(self, kind: Kind, event: Event) -> bool:
        """See :class:`.filters.Condition`."""
        return self._query.holds(kind, event)

    @property
    def _key(self) -> str:
        return self.field.removeprefix(OF_KEY)

    @property
    def _query(self) -> OfMetadata:
        if self.negated:
            return OfMetadata([[Term(self._key, "!=", one) for one in self.values]])
        return OfMetadata([[Term(self._key, "=", one)] for one in self.values])


def filter_of(field: str) -> type[Filter]:
    """The class of filters of a field, be it a key of metadata."""
    return MetadataFilter if field.startswith(OF_KEY) else Filter


def read(written: str) -> OfMetadata:
    """Raises ``Malformed``."""
    groups: list[list[Term]] = [[]]
    place = 0
    while True:
        found = _term.match(written, place)
        if found is None:
            raise Malformed(f"expected metadata['key']:'value' at {written[place : place + 40]!r}")
        groups[-1].append(Term(_plain(found["key"]), _OPERATORS[found["operator"]], _plain(found["value"])))
        place = found.end()
        if sum(map(len, groups)) > MOST_TERMS:
            raise Malformed(f"more than {MOST_TERMS} comparisons")
        if place == len(written):
            return OfMetadata(groups)
        joint = _joint.match(written, place)
        if joint is None:
            raise Malformed(f"expected AND or OR at {written[place : place + 40]!r}")
        if joint[1].upper() == "OR":
            groups.append([])
        place = joint.end()


def _plain(text: str) -> str:
    return _escape.sub(r"\1", text[1:-1]) if text[0] in "'\"" else text


def value_sql(key: str) -> str:
    """What is under a key, as text; "" where it is not. ``key``: SQL, too."""
    of = f"(metadata, {key})"
    return f"if(JSONType{of} = 'String', JSONExtractString{of}, JSONExtractRaw{of})"


def _sql(term: Term, name: str) -> str:
    value, text = f"{{{name}:String}}", value_sql(f"{{{name}_key:String}}")
    if term.operator in _ORDERED:
        return f"ifNull(toFloat64OrNull({text}) {term.operator} toFloat64OrNull({value}), 0)"
    equal = f"({text} = {value} OR ifNull(toFloat64OrNull({text}) = toFloat64OrNull({value}), 0))"
    return equal if term.operator == "=" else f"NOT {equal}"


def _holds(term: Term, fields: Mapping[str, Any]) -> bool:
    """What the SQL says."""
    text = _text(fields[term.key]) if term.key in fields else ""
    there, wanted = _number(text), _number(term.value)
    if compare := _ORDERED.get(term.operator):
        return there is not None and wanted is not None and compare(there, wanted)
    equal = text == term.value or (there is not None and there == wanted)
    return equal is (term.operator == "=")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else encode(value).decode()


def _number(text: str) -> float | None:
    return float(text) if _is_number(text) else None
