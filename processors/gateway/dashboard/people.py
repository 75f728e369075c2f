"""Customers: a list of them, and all that is known of one.

Whom a question is about is asked for by our own id, and a search is not logged: the server's log is to name
nobody.
"""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from processors.gateway.analytics.filters import Kind
from processors.gateway.analytics.scopes import Scope, within
from processors.gateway.asking import Ask
from schemas.ids import customer_id
from schemas.times import DAY_MS

PENDING: Final = "pending"
QUALIFIED: Final = "qualified"
STATUSES: Final = {"": "All", PENDING: "Waiting", QUALIFIED: "Qualified"}


@dataclass(frozen=True)
class Person:
    """``qualified_ms``: None while he waits."""

    id: str
    external_id: str
    name: str
    email: str
    status: str
    signed_ms: int
    qualified_ms: int | None
    clicked_ms: int
    leads: int
    sales: int
    partner_id: str
    link_id: str
    domain: str
    key: str
    country: str
    city: str
    device: str
    browser: str
    click_id: str
    model: str


_PERSON: Final = """
    customer_id, customer_external_id, customer_name, customer_email, toString(status),
    toUnixTimestamp64Milli(deferred_at) AS signed, toUnixTimestamp64Milli(qualified_at),
    toUnixTimestamp64Milli(click_timestamp), leads, sales, partner_id, link_id, domain, key, country, city,
    device, browser, click_id, toString(attribution_model)
"""


@dataclass(frozen=True)
class Wanted:
    """``ages``: since the sign-up, in days, from and below; None: no bound. ``clicked``: only those who
    clicked in the time of the scope. ``after``: status, sign-up and id of the last one of the page before."""

    status: str = ""
    ages: tuple[int | None, int | None] = (None, None)
    search: str = ""
    clicked: bool = False
    after: tuple[str, int, str] | None = None


def place_of(person: Person) -> tuple[str, int, str]:
    """For ``after`` of the page that follows him."""
    return person.status, person.signed_ms, person.id


@dataclass(frozen=True)
class People:
    """``there_are``: how many of them, on all pages."""

    shown: Sequence[Person]
    there_are: int


async def people(ask: Ask, scope: Scope, wanted: Wanted, now_ms: int, most: int) -> People:
    """Who waits first, and of them who waits longest."""
    conditions, parameters = [scope.sql(Kind.SIGN_UPS)], dict(scope.parameters)
    if wanted.status:
        conditions.append("status = {status:String}")
        parameters["status"] = wanted.status
    for name, sign, days in zip(("least", "most_days"), ("<=", ">"), wanted.ages, strict=True):
        if days is not None:
            conditions.append(f"deferred_at {sign} fromUnixTimestamp64Milli({{{name}:Int64}})")
            parameters[name] = now_ms - days * DAY_MS
    if wanted.clicked:
        conditions.append(within("click_timestamp"))
    if wanted.search:
        texts = ("customer_name", "customer_email", "customer_external_id")
        found = " OR ".join(f"positionCaseInsensitiveUTF8({text}, {{search:String}}) > 0" for text in texts)
        conditions.append(f"({found})")
        parameters["search"] = wanted.search
    after = "1"
    if wanted.after:
        shown = "({after_status:String}, {after_at:Int64}, {after_id:String})"
        after = f"(toString(status), signed, customer_id) > {shown}"
        names = ("after_status", "after_at", "after_id")
        parameters |= dict(zip(names, wanted.after, strict=True))
    where = " AND ".join(conditions)
    sql = f"""
        SELECT {_PERSON}, (SELECT count() FROM customers WHERE {where})
        FROM customers WHERE {where} AND {after}
        ORDER BY toString(status), signed, customer_id LIMIT {{most:UInt32}}
        {"SETTINGS log_queries = 0" if wanted.search else ""}
    """
    rows = await ask(sql, {**parameters, "most": most})
    return People([Person(*row[:-1]) for row in rows], rows[0][-1] if rows else 0)


async def person(ask: Ask, workspace_id: str, external_id: str) -> Person | None:
    """By the id in the workspace's own system."""
    sql = f"""
        SELECT {_PERSON} FROM customers
        WHERE workspace_id = {{workspace:String}} AND customer_id = {{customer:String}}
    """
    rows = await ask(sql, {"workspace": workspace_id, "customer": customer_id(workspace_id, external_id)})
    return Person(*rows[0]) if rows else None


@dataclass(frozen=True)
class Revision:
    """A lead, as it was published at a time."""

    event_name: str
    revision: int
    emitted_ms: int
    at_ms: int
    click_id: str
    partner_id: str
    quantity: int


async def revisions(ask: Ask, workspace_id: str, external_id: str, most: int) -> Sequence[Revision]:
    """Of all leads of a customer, each in its order."""
    sql = """
        SELECT toString(event_name), revision, toUnixTimestamp64Milli(emitted_at),
            toUnixTimestamp64Milli(timestamp), click_id, partner_id, quantity
        FROM lead_revisions
        WHERE workspace_id = {workspace:String} AND customer_id = {customer:String}
        ORDER BY lead_id, revision LIMIT {most:UInt32}
    """
    ours = customer_id(workspace_id, external_id)
    parameters = {"workspace": workspace_id, "customer": ours, "most": most}
    return [Revision(*row) for row in await ask(sql, parameters)]
