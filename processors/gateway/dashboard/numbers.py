"""What is counted, each question in one statement: all numbers of an answer are of one moment."""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from processors.gateway.asking import Ask, Row
from processors.gateway.dashboard.filters import FIELDS, Filter
from processors.gateway.dashboard.periods import Period
from processors.gateway.dashboard.scopes import Scope, within

Amounts = Mapping[str, int]
"""Minor units by currency."""


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
        return sum(self.buckets, Counts())


_COUNTED: Final = """
    SELECT {key} AS key, count() AS clicked, 0 AS signed, 0 AS led, 0 AS sold,
        CAST(map(), 'Map(String, Int128)') AS earned
    FROM clicks WHERE {scope} AND {timestamp} GROUP BY key
    UNION ALL
    SELECT {signed_key}, 0, count(), 0, 0, CAST(map(), 'Map(String, Int128)')
    FROM customers WHERE {scope} AND {deferred_at} GROUP BY 1
    UNION ALL
    SELECT {key} AS key, 0, 0, sum(quantity), 0, CAST(map(), 'Map(String, Int128)')
    FROM leads WHERE {scope} AND {timestamp} GROUP BY key
    UNION ALL
    SELECT {key} AS key, 0, 0, 0, count(), sumMap(map(toString(currency), toInt128(amount)))
    FROM sales WHERE {scope} AND {timestamp} GROUP BY key
"""
_SUMS: Final = (
    "sum(clicked) AS clicks, sum(signed) AS sign_ups, sum(led) AS leads, sum(sold) AS sales, sumMap(earned)"
)


def _counted(scope: Scope, key: str, signed_key: str) -> str:
    return _COUNTED.format(
        key=key,
        signed_key=signed_key,
        scope=scope.sql,
        timestamp=within("timestamp"),
        deferred_at=within("deferred_at"),
    )


def _counts(row: Row) -> Counts:
    clicks, sign_ups, leads, sales, amounts = row
    return Counts(clicks, sign_ups, leads, sales, dict(amounts))


async def series(ask: Ask, workspace_id: str, period: Period, filters: Sequence[Filter]) -> Series:
    """Both periods at once. Raises what ``ask`` raises, as all functions here do."""
    span, before, cutoff = period.span, period.before, period.cutoff_ms
    edges = sorted({*before.begins, cutoff, before.end_ms, *span.begins})
    scope = Scope(workspace_id, edges[0], span.end_ms, filters)
    begin = "roundDown(toUnixTimestamp64Milli({}), {{edges:Array(Int64)}})"
    counted = _counted(scope, begin.format("timestamp"), begin.format("deferred_at"))
    sql = f"SELECT key, {_SUMS} FROM ({counted}) GROUP BY key"
    rows = {row[0]: _counts(row[1:]) for row in await ask(sql, {**scope.parameters, "edges": edges})}

    def between(start: int, end: int) -> Counts:
        return sum((rows.get(one, Counts()) for one in edges if start <= one < end), Counts())

    def buckets(begins: Sequence[int], end: int) -> list[Counts]:
        return [between(*pair) for pair in zip(begins, [*begins[1:], end], strict=True)]

    return Series(
        [rows.get(one, Counts()) for one in span.begins],
        buckets(before.begins, before.end_ms),
        between(before.start_ms, cutoff),
    )


@dataclass(frozen=True)
class Group:
    """A value of a field, and what is counted of it."""

    value: str
    counts: Counts


@dataclass(frozen=True)
class Groups:
    """The first of ``there_are``, most leads first. ``named``: links by their ids, as people write them."""

    first: Sequence[Group]
    there_are: int
    named: Mapping[str, str]


async def groups(ask: Ask, scope: Scope, name: str, most: int) -> Groups:
    """By the field of this name."""
    key = FIELDS[name].sql
    counted = _counted(scope, key, key)
    sql = f"""
        SELECT key, {_SUMS}, count() OVER () FROM ({counted}) GROUP BY key
        ORDER BY leads DESC, sign_ups DESC, clicks DESC, key LIMIT {{most:UInt32}}
    """
    rows = await ask(sql, {**scope.parameters, "most": most})
    found = [Group(row[0], _counts(row[1:6])) for row in rows]
    named = await _links(ask, scope, [one.value for one in found]) if name == "linkId" else {}
    return Groups(found, rows[0][6] if rows else 0, named)


async def _links(ask: Ask, scope: Scope, ids: Sequence[str]) -> dict[str, str]:
    sql = f"""
        SELECT link_id, any(concat(domain, '/', key)) FROM clicks
        WHERE workspace_id = {{workspace:String}} AND {within("timestamp")}
            AND link_id IN {{ids:Array(String)}}
        GROUP BY link_id
    """
    return {row[0]: row[1] for row in await ask(sql, {**scope.parameters, "ids": [*ids]})}


async def anything(ask: Ask, workspace_id: str) -> bool:
    """Has this workspace ever sent an event that led to something?"""
    where = "WHERE workspace_id = {workspace:String} LIMIT 1"
    tables = ("clicks", "customers", "leads")
    sql = " UNION ALL ".join(f"SELECT 1 FROM {table} {where}" for table in tables)
    return bool(await ask(sql, {"workspace": workspace_id}))
