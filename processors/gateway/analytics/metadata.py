"""Conditions on metadata: ``metadata['plan']:'pro' AND metadata['seats']>=5``; of leads and sales.

``:`` and ``=`` are the same. ``AND`` binds before ``OR``. A number is compared as one, everything else as
text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from processors.gateway.analytics.filters import CONVERSIONS, Kind

MOST_TERMS: Final = 20
_OPERATORS: Final = {":": "=", "=": "=", "!=": "!=", ">": ">", "<": "<", ">=": ">=", "<=": "<="}
_ORDERED: Final = (">", "<", ">=", "<=")
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


def _sql(term: Term, name: str) -> str:
    key, value = f"{{{name}_key:String}}", f"{{{name}:String}}"
    of = f"(metadata, {key})"
    text = f"if(JSONType{of} = 'String', JSONExtractString{of}, JSONExtractRaw{of})"
    if term.operator in _ORDERED:
        return f"ifNull(toFloat64OrNull({text}) {term.operator} toFloat64OrNull({value}), 0)"
    equal = f"({text} = {value} OR ifNull(toFloat64OrNull({text}) = toFloat64OrNull({value}), 0))"
    return equal if term.operator == "=" else f"NOT {equal}"
