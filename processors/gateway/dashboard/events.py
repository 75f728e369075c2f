"""Events of all kinds in one list, newest first."""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from processors.gateway.analytics.filters import FIRST_SALES, Kind
from processors.gateway.analytics.scopes import Scope, within
from processors.gateway.asking import Ask
from schemas.ids import customer_id

ALL: Final = "all"


@dataclass(frozen=True)
class Event:
    """``kind``: clicks, sign-ups, leads or sales, as the tabs are called. ``id``: unique within its kind.
    ``name``: of the event, "" for a click. ``customer``: by its external id, "" for nobody yet."""

    kind: str
    id: str
    at_ms: int
    name: str
    customer: str
    customer_name: str
    partner_id: str
    link_id: str
    domain: str
    key: str
    country: str
    clicked_ms: int
    amount: int
    currency: str
    quantity: int
    revision: int
    recurring: bool
    click_id: str
    city: str
    device: str
    browser: str
    os: str
    referer: str
    url: str


@dataclass(frozen=True)
class Place:
    """After which event a page goes on."""

    at_ms: int
    kind: str
    id: str


_SHARED: Final = (
    "click_id, partner_id, link_id, domain, key, country, city, device, browser, os, referer, url"
)
_COLUMNS: Final = (
    "kind, id, toUnixTimestamp64Milli(at), name, customer, customer_name, partner_id, link_id, domain, key,"
    " country, toUnixTimestamp64Milli(clicked_at), amount, currency, quantity, revision, recurring, click_id,"
    " city, device, browser, os, referer, url"
)
_KINDS: Final = {
    "clicks": f"""
        SELECT 'clicks' AS kind, click_id AS id, timestamp AS at, '' AS name, '' AS customer,
            '' AS customer_name, timestamp AS clicked_at, toInt64(0) AS amount, '' AS currency,
            toUInt16(1) AS quantity, toUInt32(1) AS revision, false AS recurring, {_SHARED}
        FROM clicks WHERE $scope AND $timestamp
    """,
    "sign-ups": f"""
        SELECT 'sign-ups' AS kind, customer_id AS id, deferred_at AS at, '' AS name,
            customer_external_id AS customer, customer_name,
            click_timestamp AS clicked_at, toInt64(0) AS amount, '' AS currency, toUInt16(1) AS quantity,
            toUInt32(1) AS revision, false AS recurring, {_SHARED}
        FROM customers WHERE $scope AND $deferred_at
    """,
    "leads": f"""
        SELECT 'leads' AS kind, lead_id AS id, timestamp AS at, toString(event_name) AS name,
            customer_external_id AS customer, customer_name,
            click_timestamp AS clicked_at, toInt64(0) AS amount, '' AS currency, quantity,
            revision, false AS recurring, {_SHARED}
        FROM leads WHERE $scope AND $timestamp
    """,
    "sales": f"""
        SELECT 'sales' AS kind, sale_id AS id, timestamp AS at, toString(event_name) AS name,
            customer_external_id AS customer, customer_name,
            click_timestamp AS clicked_at, amount, toString(currency) AS currency, toUInt16(1) AS quantity,
            revision, (sale_id NOT IN {FIRST_SALES}) AS recurring, {_SHARED}
        FROM sales WHERE $scope AND $timestamp
    """,
}


async def newest(
    ask: Ask, scope: Scope, kind: str, most: int, after: Place | None = None, customer: str | None = None
) -> Sequence[Event]:
    """``kind``: of ``Event``, or ``ALL``. ``after``: those that are older than this one. ``customer``: of one
    alone, by the id in the workspace's own system; no clicks are known to be theirs."""
    parameters: dict[str, object] = {**scope.parameters, "most": most}
    kinds = [*_KINDS] if kind == ALL else [kind]
    theirs = ""
    if customer is not None:
        kinds = [one for one in kinds if one != "clicks"]
        theirs = " AND customer_id = {customer:String}"
        parameters["customer"] = customer_id(scope.workspace_id, customer)
    older = "1"
    if after is not None:
        older = (
            "(at, kind, id) < (fromUnixTimestamp64Milli({at:Int64}), {after_kind:String}, {after_id:String})"
        )
        parameters |= {"at": after.at_ms, "after_kind": after.kind, "after_id": after.id}
    # Of each kind no more than are shown are sorted among the others.
    last = f"WHERE {older} ORDER BY at DESC, kind DESC, id DESC LIMIT {{most:UInt32}}"
    parts = [f"SELECT * FROM ({_filled(_KINDS[one], scope.sql(Kind(one)) + theirs)}) {last}" for one in kinds]
    union = " UNION ALL ".join(f"({part})" for part in parts)
    sql = f"SELECT {_COLUMNS} FROM ({union}) ORDER BY at DESC, kind DESC, id DESC LIMIT {{most:UInt32}}"
    return [Event(*row) for row in await ask(sql, parameters)]


def _filled(sql: str, where: str) -> str:
    return (
        sql.replace("$scope", where)
        .replace("$timestamp", within("timestamp"))
        .replace("$deferred_at", within("deferred_at"))
    )
