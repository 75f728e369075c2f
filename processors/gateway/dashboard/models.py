"""What five models of attribution would make of the same leads and sales, beside each other."""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from processors.gateway.analytics.filters import Kind
from processors.gateway.analytics.scopes import Scope
from processors.gateway.asking import Ask
from schemas.times import rfc3339

MODELS: Final = ("first", "last", "linear", "time decay", "position")
"""Those of the view ``attribution_shares``."""
_ORDER: Final = 1 + MODELS.index("linear")


@dataclass(frozen=True)
class Credited:
    """A partner, or a link, and what each model gives it. ``amounts``: by currency, without those of which
    it is nothing."""

    value: str
    leads: Sequence[Decimal]
    amounts: Sequence[Mapping[str, int]]


@dataclass(frozen=True)
class Comparison:
    """The first of ``there_are``, by the linear model. ``totals``: leads of all, the same for each model."""

    first: Sequence[Credited]
    there_are: int
    totals: Sequence[Decimal]


async def compared(ask: Ask, scope: Scope, column: str, most: int) -> Comparison:
    """Of the leads and sales that the filters leave, by ``partner_id`` or ``link_id`` of their touches."""
    leads = ", ".join(f"sumIf(leads, model = '{one}')" for one in MODELS)
    amounts = ", ".join(f"sumMapIf(map(currency, amount), model = '{one}' AND amount != 0)" for one in MODELS)
    sql = f"""
        SELECT value, leads, amounts, count() OVER (), sumForEach(leads) OVER ()
        FROM
        (
            SELECT {column} AS value, [{leads}] AS leads, [{amounts}] AS amounts
            FROM attribution_shares(
                workspace = {{workspace:String}}, start = {{from:String}}, end = {{to:String}},
                timezone = 'UTC'
            )
            WHERE if(
                sale_id = '',
                lead_id IN (SELECT lead_id FROM leads WHERE {scope.sql(Kind.LEADS)}),
                sale_id IN (SELECT sale_id FROM sales WHERE {scope.sql(Kind.SALES)})
            )
            GROUP BY value
        )
        ORDER BY leads[{_ORDER}] DESC, value
        LIMIT {{most:UInt32}}
    """
    times = {"from": rfc3339(scope.start_ms), "to": rfc3339(scope.end_ms)}
    rows = await ask(sql, {**scope.parameters, **times, "most": most})
    first = [Credited(row[0], row[1], row[2]) for row in rows]
    return Comparison(first, rows[0][3] if rows else 0, rows[0][4] if rows else [])
