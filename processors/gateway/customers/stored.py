"""Customers as ClickHouse has them.

Whom a question is about is asked for by our own id or a checksum, and a search is not logged: the server's
log is to name nobody.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal
from zlib import crc32

from msgspec import Meta, Struct

from processors.gateway.answers import ApiError, Code
from processors.gateway.asking import Ask, Row, within
from processors.gateway.customers.document import Found
from processors.gateway.findings import broken
from processors.gateway.paging import (
    PAGE,
    Cursor,
    Page,
    PageSize,
    check_paging,
    cursor_of,
    no_such_cursor,
    skipped,
)
from processors.settings.durations import parse_duration_ms
from schemas.ids import customer_id
from schemas.texts import EMAIL, ID

Id = Annotated[str, Meta(max_length=ID)]

PATIENCE_S: Final = 4.0
"""Python's SDK gives up after 5."""

_SQL: Final = """
    SELECT
        customer_id, customer_external_id, customer_name, customer_email, customer_avatar, country,
        toUnixTimestamp64Milli(customer_first_seen_at) AS created, status = 'qualified',
        toUnixTimestamp64Milli(deferred_at), toUnixTimestamp64Milli(qualified_at),
        link_id, domain, key, short_link, url, program_id,
        sold, earned, if(sold = 0, NULL, toUnixTimestamp64Milli(first_sale))
    FROM
    (
        SELECT * FROM customers WHERE workspace_id = {workspace:String} AND $filter
    ) AS customer
    LEFT JOIN
    (
        SELECT customer_id, count() AS sold, sum(toInt128(amount)) AS earned, min(timestamp) AS first_sale
        FROM sales WHERE workspace_id = {workspace:String} GROUP BY customer_id
    ) AS sale USING customer_id
    WHERE $after
    ORDER BY $order
    LIMIT {size:UInt32} OFFSET {skipped:UInt32}
"""
_ORDERS: Final = {"createdAt": "created", "saleAmount": "earned", "firstSaleAt": "first_sale"}
_PLACE: Final = """
    SELECT toUnixTimestamp64Milli(customer_first_seen_at) FROM customers
    WHERE workspace_id = {workspace:String} AND customer_id = {id:String}
"""

_BETWEEN: Final = (
    "toUnixTimestamp64Milli(deferred_at) BETWEEN {signed_up_from:Int64} AND {signed_up_until:Int64}"
)


class CustomersQuery(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which customers, and in which order. ``email`` counts before ``external_id``, that before ``search``,
    which looks into name, e-mail address and external id, without case, and takes our id, too.
    """

    status: Literal["pending", "qualified"] | None = None
    email: Annotated[str, Meta(max_length=EMAIL)] | None = None
    external_id: Id | None = None
    search: Id | None = None
    country: Id | None = None
    link_id: Id | None = None
    program_id: Id | None = None
    partner_id: Id | None = None
    min_age: Annotated[
        str,
        Meta(
            max_length=20,
            description="Only customers who signed up at least so long ago, and have not qualified.",
            examples=["30d", "12h"],
        ),
    ] = ""
    expires_within: Annotated[
        str,
        Meta(
            max_length=20,
            description="Only customers who have not qualified, and after this time can do so no longer: the"
            " qualification window of their sign-up is over then. Not those of whom it is over by now.",
            examples=["30d", "24h"],
        ),
    ] = ""
    include_expanded_fields: bool = False
    sort_by: Literal["createdAt", "saleAmount", "firstSaleAt"] = "createdAt"
    sort_order: Literal["asc", "desc"] = "desc"
    page: Page | None = None
    page_size: PageSize = PAGE
    starting_after: Cursor | None = None
    ending_before: Cursor | None = None


class StoredCustomers:
    """``ask``: as ``Stored.rows``; every method raises what it raises. ``qualification_window_ms``: how long
    after the sign-up a customer may qualify."""

    def __init__(self, ask: Ask, qualification_window_ms: int, patience_s: float = PATIENCE_S) -> None:
        self._ask = within(patience_s, ask)
        self._window_ms = qualification_window_ms

    async def one(self, workspace_id: str, our_id: str) -> Found | None:
        """``our_id``: ``cus_…``."""
        rows = await self._rows(workspace_id, "customer_id = {id:String}", {"id": our_id})
        return _found(rows[0]) if rows else None

    async def page(self, workspace_id: str, query: CustomersQuery, now_ms: int) -> list[Found]:
        """Raises ``ApiError`` also for a page that cannot be."""
        check_paging(query)
        conditions, parameters = _conditions(workspace_id, query)
        if spans := _signed_up(query, now_ms, self._window_ms):
            conditions += ["status = 'pending'", _BETWEEN]
            parameters |= spans
        descending = query.sort_order == "desc"
        cursor, after = cursor_of(query), "1"
        backwards = bool(query.ending_before)
        if cursor:
            if query.sort_by != "createdAt":
                raise ApiError(
                    Code.UNPROCESSABLE_ENTITY, "startingAfter and endingBefore need sortBy=createdAt."
                )
            parameters["cursor"] = cursor
            parameters["place"] = await self._place(workspace_id, cursor)
            sign = "<" if descending != backwards else ">"
            after = f"(created, customer_id) {sign} ({{place:Int64}}, {{cursor:String}})"
            descending ^= backwards
        direction = "DESC" if descending else "ASC"
        order = f"{_ORDERS[query.sort_by]} {direction}, customer_id {direction}"
        rows = await self._rows(
            workspace_id,
            " AND ".join(conditions) or "1",
            {**parameters, "size": query.page_size, "skipped": skipped(query)},
            after=after,
            order=order,
        )
        found = [_found(row) for row in rows]
        if query.email:
            found = [one for one in found if one.email == query.email]
        return found[::-1] if backwards else found

    async def _place(self, workspace_id: str, our_id: str) -> int:
        rows = await self._ask(_PLACE, {"workspace": workspace_id, "id": our_id})
        if not rows:
            raise no_such_cursor()
        return int(rows[0][0])

    async def _rows(
        self,
        workspace_id: str,
        condition: str,
        parameters: Mapping[str, object],
        *,
        after: str = "1",
        order: str = "customer_id",
    ) -> Sequence[Row]:
        sql = _SQL.replace("$filter", condition).replace("$after", after).replace("$order", order)
        if "search" in parameters:
            sql += "SETTINGS log_queries = 0"
        return await self._ask(sql, {"size": 1, "skipped": 0, **parameters, "workspace": workspace_id})


def _conditions(workspace_id: str, query: CustomersQuery) -> tuple[list[str], dict[str, object]]:
    conditions: list[str] = []
    parameters: dict[str, object] = {}
    equal = {
        "status": query.status,
        "country": query.country,
        "link_id": query.link_id,
        "program_id": query.program_id,
        "partner_id": query.partner_id,
    }
    if query.email:
        conditions.append("CRC32(customer_email) = {checksum:UInt32}")
        parameters["checksum"] = crc32(query.email.encode())
    elif query.external_id:
        equal["customer_id"] = customer_id(workspace_id, query.external_id)
    elif query.search:
        columns = ("customer_name", "customer_email", "customer_external_id")
        matches = [f"positionCaseInsensitiveUTF8({column}, {{search:String}}) > 0" for column in columns]
        conditions.append(f"({' OR '.join([*matches, 'customer_id = {search:String}'])})")
        parameters["search"] = query.search
    for column, value in equal.items():
        if value:
            conditions.append(f"{column} = {{{column}:String}}")
            parameters[column] = value
    return conditions, parameters


def _signed_up(query: CustomersQuery, now_ms: int, window_ms: int) -> Mapping[str, int]:
    """When those signed up who are asked for by how long that was ago; nothing: they are not."""
    if not (query.min_age or query.expires_within):
        return {}
    since_ms, until_ms = 0, now_ms
    if query.min_age:
        until_ms = now_ms - _span_ms("minAge", query.min_age)
    if query.expires_within:
        # At its last moment one can still qualify.
        since_ms = now_ms - window_ms
        until_ms = min(until_ms, since_ms + _span_ms("expiresWithin", query.expires_within))
    return {"signed_up_from": since_ms, "signed_up_until": until_ms}


def _span_ms(name: str, text: str) -> int:
    try:
        return int(str(parse_duration_ms(text)))
    except ValueError as error:
        raise broken(name, str(error)) from None


def _found(row: Row) -> Found:
    texts = [str(one) for one in row[:6]]
    created, qualified, deferred_at, qualified_at = row[6:10]
    link = [str(one) for one in row[10:16]]
    sales, amount, first_sale_at = row[16:]
    return Found(
        id=texts[0],
        external_id=texts[1],
        name=texts[2],
        email=texts[3],
        avatar=texts[4],
        country=texts[5],
        created_at=int(created),
        qualified=bool(qualified),
        deferred_at=int(deferred_at),
        qualified_at=None if qualified_at is None else int(qualified_at),
        link_id=link[0],
        domain=link[1],
        key=link[2],
        short_link=link[3],
        url=link[4],
        program_id=link[5],
        sales=int(sales),
        sale_amount=int(amount),
        first_sale_at=None if first_sale_at is None else int(first_sale_at),
    )
