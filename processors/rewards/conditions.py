"""Tests of conditions: a field of a lead or sale, an operator, and what it is compared with."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from msgspec.json import Decoder

from processors.rewards.facts import Earning

METADATA: Final = "metadata."

_metadata = lru_cache(maxsize=1)(Decoder().decode)
"""The tests of a policy ask one lead or sale after the other; of people nothing is kept."""


def _number(one: object) -> bool:
    return isinstance(one, int | float) and not isinstance(one, bool)


def _same(found: object, wanted: object) -> bool:
    """``1`` is ``1.0``, and neither is ``true`` or ``"1"``."""
    return bool(found == wanted) and _number(found) == _number(wanted)


def _among(found: object, wanted: list[object]) -> bool:
    return any(_same(found, one) for one in wanted)


def _has(found: object, wanted: object) -> bool:
    if isinstance(found, list):
        return _among(wanted, found)
    return isinstance(found, str) and isinstance(wanted, str) and wanted in found


def _has_not(found: object, wanted: object) -> bool:
    return isinstance(found, str | list) and not _has(found, wanted)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[object, Any], bool]:
    return lambda found, wanted: _number(found) and compare(found, wanted)


OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "equals": _same,
    "not": lambda found, wanted: not _same(found, wanted),
    "in": _among,
    "not_in": lambda found, wanted: not _among(found, wanted),
    "starts_with": lambda found, wanted: isinstance(found, str) and found.startswith(wanted),
    "ends_with": lambda found, wanted: isinstance(found, str) and found.endswith(wanted),
    "contains": _has,
    "not_contains": _has_not,
    ">": _ordered(operator.gt),
    "≥": _ordered(operator.ge),
    ">=": _ordered(operator.ge),
    "<": _ordered(operator.lt),
    "≤": _ordered(operator.le),
    "<=": _ordered(operator.le),
}
"""Of a field that is there and what a test names; of other types than they are for they hold not."""
LISTS: Final = frozenset({"in", "not_in"})
NUMBERS: Final = frozenset({">", "≥", ">=", "<", "≤", "<="})
TEXTS: Final = frozenset({"starts_with", "ends_with"})

_FIELDS: Final[Mapping[str, Callable[[Earning], object]]] = {
    "eventName": lambda earning: earning.event_name or None,
    "quantity": lambda earning: earning.quantity,
    "click.country": lambda earning: earning.country or None,
    "customer.country": lambda earning: earning.country or None,
    "link.id": lambda earning: earning.link_id or None,
}
_FIELDS_OF_SALES: Final[Mapping[str, Callable[[Earning], object]]] = {
    "sale.amount": lambda earning: earning.amount,
    "sale.paymentProcessor": lambda earning: earning.payment_processor or None,
}
_TYPE: Final = "sale.type"
FIELDS: Final = frozenset({*_FIELDS, *_FIELDS_OF_SALES, _TYPE})
SALES_ONLY: Final = frozenset({*_FIELDS_OF_SALES, _TYPE})


@dataclass(frozen=True, slots=True)
class Test:
    """``field operator wanted``: what the parser let pass, so that no comparison can fail."""

    __test__ = False  # pytest collects what is called so

    field: str
    operator: str
    wanted: Any

    def holds(self, earning: Earning, *, new: bool) -> bool:
        """A field that is absent matches nothing, ``not`` and its like included."""
        found = self._found(earning, new=new)
        return found is not None and OPERATORS[self.operator](found, self.wanted)

    def _found(self, earning: Earning, *, new: bool) -> object:
        if self.field.startswith(METADATA):
            return _in_metadata(earning.metadata, self.field.removeprefix(METADATA))
        if self.field == _TYPE:
            return "new" if new else "recurring"
        return (_FIELDS.get(self.field) or _FIELDS_OF_SALES[self.field])(earning)


def _in_metadata(document: bytes, path: str) -> object:
    """``a.b``: the name that is written so, else ``b`` in ``a``."""
    found: object = _metadata(document) if document else None
    rest = path
    while isinstance(found, dict):
        if rest in found:
            return found[rest]
        name, dot, rest = rest.partition(".")
        if not dot:
            return None
        found = found.get(name)
    return None
