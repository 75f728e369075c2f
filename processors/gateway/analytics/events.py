"""The events themselves, page by page, newest or oldest first."""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

from processors.gateway.analytics.event import Event
from processors.gateway.analytics.filters import OF_WORKSPACE, Kind
from processors.gateway.analytics.scopes import Scope, within
from processors.gateway.asking import Ask
from processors.gateway.places import Place
from schemas.links import Link

_SHARED: Final = (
    "link_id, domain, key, url, partner_id, program_id, tenant_id, link_external_id,"
    " continent, country, region, city, device, browser, os, referer, referer_url, trigger, qr"
)
_PERSON: Final = (
    "customer_id, customer_external_id, customer_name, customer_email, customer_avatar,"
    " toUnixTimestamp64Milli(customer_first_seen_at)"
)
_AT: Final = "toUnixTimestamp64Milli(timestamp)"
_CONVERSION: Final = (
    f"{_AT}, click_id, toUnixTimestamp64Milli(click_timestamp), {_SHARED}, '', '', toString(event_name),"
    f" quantity, revision, metadata, {_PERSON}"
)
_COLUMNS: Final = {
    Kind.CLICKS: (
        f"{_AT}, click_id, {_AT}, {_SHARED}, ip, ua, '', 1, 1, '', '', '', '', '', '', 0, 0, '', '', ''"
    ),
    Kind.LEADS: f"{_CONVERSION}, 0, '', '', ''",
    Kind.SALES: f"{_CONVERSION}, amount, toString(currency), invoice_id, toString(payment_processor)",
}
_IDS: Final = {Kind.CLICKS: "click_id", Kind.LEADS: "lead_id", Kind.SALES: "sale_id"}


async def page(
    ask: Ask,
    scope: Scope,
    kind: Kind,
    most: int,
    *,
    skipped: int = 0,
    after: Place | None = None,
    newest_first: bool = True,
) -> Sequence[Event]:
    """``after``: those behind it, in the order that is asked for. Raises what ``ask`` raises."""
    name, direction = _IDS[kind], "DESC" if newest_first else "ASC"
    where, parameters = "", {**scope.parameters, "most": most, "skipped": skipped}
    if after is not None:
        place = "(fromUnixTimestamp64Milli({at:Int64}), {id:String})"
        where = f" AND (timestamp, {name}) {'<' if newest_first else '>'} {place}"
        parameters |= {"at": after.at_ms, "id": after.id}
    sql = f"""
        SELECT {name}, {_COLUMNS[kind]} FROM {kind}
        WHERE {scope.sql(kind)} AND {within("timestamp")}{where}
        ORDER BY timestamp {direction}, {name} {direction}
        LIMIT {{most:UInt32}} OFFSET {{skipped:UInt64}}
    """
    return [Event(*row) for row in await ask(sql, parameters)]


async def everything(
    ask: Ask, scope: Scope, kind: Kind, at_a_time: int, *, newest_first: bool = True
) -> AsyncIterator[Sequence[Event]]:
    """All of them, in pages, none of which is kept."""
    after = None
    while True:
        found = await page(ask, scope, kind, at_a_time, after=after, newest_first=newest_first)
        yield found
        if len(found) < at_a_time:
            return
        after = place_of(found[-1])


def place_of(event: Event) -> Place:
    """Where the next page goes on."""
    return Place(event.at_ms, event.id)


async def first_ms(ask: Ask, workspace_id: str) -> int | None:
    """When the first event of a workspace was; None: there is none."""
    first = f"WHERE {OF_WORKSPACE} ORDER BY timestamp LIMIT 1"
    firsts = " UNION ALL ".join(f"(SELECT {_AT} AS at FROM {kind} {first})" for kind in _IDS)
    rows = await ask(f"SELECT at FROM ({firsts}) ORDER BY at LIMIT 1", {"workspace": workspace_id})
    return int(rows[0][0]) if rows else None


def link_of(event: Event, workspace_id: str) -> Link:
    """What an event says of its link, where the registry does not have it."""
    return Link(
        id=event.link_id,
        workspace_id=workspace_id,
        domain=event.domain,
        key=event.key,
        url=event.url,
        created_at=event.clicked_ms,
        updated_at=event.clicked_ms,
        external_id=event.link_external_id or None,
        tenant_id=event.tenant_id or None,
        program_id=event.program_id or None,
        partner_id=event.partner_id or None,
    )


async def links(ask: Ask, scope: Scope, kinds: Iterable[Kind], ids: Sequence[str]) -> dict[str, Link]:
    """What the events of a scope say of these links."""
    selected = " UNION ALL ".join(
        f"""
        SELECT link_id, domain, key, url, partner_id, toUnixTimestamp64Milli(timestamp) AS at FROM {kind}
        WHERE {scope.sql(kind)} AND {within("timestamp")} AND link_id IN {{ids:Array(String)}}
        """
        for kind in kinds
    )
    sql = f"""
        SELECT link_id, any(domain), any(key), any(url), any(partner_id), min(at) FROM ({selected})
        GROUP BY link_id
    """
    return {
        row[0]: Link(
            id=row[0],
            workspace_id=scope.workspace_id,
            domain=row[1],
            key=row[2],
            url=row[3],
            partner_id=row[4] or None,
            created_at=row[5],
            updated_at=row[5],
        )
        for row in await ask(sql, {**scope.parameters, "ids": [*ids]})
    }
