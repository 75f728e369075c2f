"""How many: in all, bucket by bucket, value by value. Each question is one statement: its numbers are of one
moment.
"""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from processors.gateway.analytics.filters import Kind
from processors.gateway.analytics.periods import Period
from processors.gateway.analytics.scopes import Scope, within
from processors.gateway.asking import Ask, Row

Amounts = Mapping[str, int]
"""Minor units by currency."""

_NOTHING: Final = "CAST(map(), 'Map(String, Int128)')"
_EARNED: Final = "sumMap(map(toString(currency), toInt128(amount)))"
_TIMES: Final = {Kind.SIGN_UPS: "deferred_at"}
_VIEWS: Final = {Kind.SIGN_UPS: "customers"}
_MEASURES: Final = {
    Kind.CLICKS: ("count()", "0", "0", "0", _NOTHING),
    Kind.SIGN_UPS: ("0", "count()", "0", "0", _NOTHING),
    Kind.LEADS: ("0", "0", "sum(quantity)", "0", _NOTHING),
    Kind.SALES: ("0", "0", "0", "count()", _EARNED),
}
_NAMES: Final = ("clicked", "signed", "led", "sold", "earned")
_SUMS: Final = (
    "sum(clicked) AS clicks, sum(signed) AS sign_ups, sum(led) AS leads, sum(sold) AS sales, sumMap(earned)"
)


@dataclass(frozen=True)
class Counts:
    """Of some time. ``leads`` adds up quantities."""

    clicks: int = 0
    sign_ups: int = 0
    leads: int = 0
    sales: int = 0
    amounts: Amounts = field(default_factory=dict)

    def __add__(self, other: "Counts") -> "Counts":
        amounts = Counter(self.amounts)
        amounts.update(other.amounts)
        return Counts(
            self.clicks + other.clicks,
            self.sign_ups + other.sign_ups,
            self.leads + other.leads,
            self.sales + other.sales,
            dict(amounts),
        )

    @property
    def nothing(self) -> bool:
        """There is none of anything."""
        return not (self.clicks or self.sign_ups or self.leads or self.sales)


@dataclass(frozen=True)
class Series:
    """A bucket for each of the period, and of the one before. ``compared``: of the latter, up to the moment
    that the running bucket has come to."""

    buckets: Sequence[Counts]
    before: Sequence[Counts]
    compared: Counts

    @property
    def total(self) -> Counts:
        """Of the period."""
        return sum(self.buckets, Counts())


@dataclass(frozen=True)
class Group:
    """What is counted of a value, or of several that go together."""

    values: Sequence[str]
    counts: Counts


@dataclass(frozen=True)
class Groups:
    """The first of ``there_are``."""

    first: Sequence[Group]
    there_are: int


async def series(
    ask: Ask, scope: Scope, period: Period, kinds: Collection[Kind] = tuple(Kind), *, compare: bool = True
) -> Series:
    """Of the period, whatever the times of the scope are. Not ``compare``: that of the one before is zero.

    Raises what ``ask`` raises, as all functions here do.
    """
    span, before, cutoff = period.span, period.before, period.cutoff_ms
    edges = sorted({*span.begins, *((*before.begins, cutoff, before.end_ms) if compare else ())})
    scope = Scope(scope.workspace_id, edges[0], span.end_ms, scope.filters)

    def begin(kind: Kind) -> str:
        return f"roundDown(toUnixTimestamp64Milli({time_of(kind)}), {{edges:Array(Int64)}})"

    sql = f"SELECT grouped, {_SUMS} FROM ({_counted(scope, kinds, begin)}) GROUP BY grouped"
    rows = {row[0]: _counts(row[1:]) for row in await ask(sql, {**scope.parameters, "edges": edges})}

    def between(start: int, end: int) -> Counts:
        return sum((rows.get(one, Counts()) for one in edges if start <= one < end), Counts())

    def buckets(begins: Sequence[int], end: int) -> list[Counts]:
        return [between(*pair) for pair in zip(begins, [*begins[1:], end], strict=True)]

    return Series(
        [rows.get(one, Counts()) for one in span.begins],
        buckets(before.begins, before.end_ms) if compare else [Counts()] * len(before.begins),
        between(before.start_ms, cutoff) if compare else Counts(),
    )


async def groups(
    ask: Ask,
    scope: Scope,
    by: Sequence[str],
    most: int,
    order: str,
    kinds: Collection[Kind] = tuple(Kind),
    currency: str = "usd",
    named: Mapping[str, object] = MappingProxyType({}),
) -> Groups:
    """``by``: SQL of what goes together, of a row of each kind; ``named``: the parameters in it. ``order``:
    SQL of clicks, sign_ups, leads, sales, and amount, what was earned in the currency."""
    key = f"({', '.join(f'toString({one})' for one in by)},)"
    sql = f"""
        SELECT grouped, {_SUMS} AS amounts, amounts[{{currency:String}}] AS amount, count() OVER ()
        FROM ({_counted(scope, kinds, lambda _: key)}) GROUP BY grouped
        ORDER BY {order}, grouped LIMIT {{most:UInt32}}
    """
    rows = await ask(sql, {**scope.parameters, **named, "most": most, "currency": currency})
    found = [Group(row[0], _counts(row[1:6])) for row in rows]
    return Groups(found, rows[0][7] if rows else 0)


def time_of(kind: Kind) -> str:
    """The column with the time of its own."""
    return _TIMES.get(kind, "timestamp")


def view_of(kind: Kind) -> str:
    """Where its rows are."""
    return _VIEWS.get(kind, kind.value)


def _counted(scope: Scope, kinds: Collection[Kind], key: Callable[[Kind], str]) -> str:
    """Rows of a key and what is counted of each kind; kinds that nobody asks for are not read."""
    return " UNION ALL ".join(_selected(scope, kind, key(kind)) for kind in Kind if kind in kinds)


def _selected(scope: Scope, kind: Kind, key: str) -> str:
    measures = ", ".join(f"{sql} AS {name}" for sql, name in zip(_MEASURES[kind], _NAMES, strict=True))
    where = f"{scope.sql(kind)} AND {within(time_of(kind))}"
    return f"SELECT {key} AS grouped, {measures} FROM {view_of(kind)} WHERE {where} GROUP BY grouped"


def _counts(row: Row) -> Counts:
    clicks, sign_ups, leads, sales, amounts = row
    return Counts(clicks, sign_ups, leads, sales, dict(amounts))
