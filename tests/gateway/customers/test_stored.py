"""Customers, against the rows that a sink writes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import convert

from deploy.local.clickhouse import LocalClickHouse
from processors.gateway.answers import ApiError, TryAgain
from processors.gateway.customers.stored import CustomersQuery, StoredCustomers
from schemas.ids import customer_id
from tests.clickhouse.database import Database, fresh_database
from tests.gateway.stored import stored

pytestmark = pytest.mark.integration

_START = datetime(2026, 1, 1, tzinfo=UTC)
_START_MS = 1_767_225_600_000
_WINDOW_MS = 600_000
_NOW_MS = _START_MS + _WINDOW_MS
"""Who signed up before `_START` can qualify no longer."""
_COLUMNS = (
    *("workspace_id", "status", "deferred_at", "qualified_at", "customer_id", "customer_external_id"),
    *("customer_name", "customer_email", "customer_avatar", "customer_first_seen_at", "country", "link_id"),
    *("partner_id", "program_id", "domain", "key", "short_link", "url", "version"),
)
_PEOPLE = ("ada", "ben", "cyd", "dan", "eve")
"""One minute after the other; the first two have qualified; ada and cyd came from Germany."""


@pytest.fixture(scope="module")
def database(clickhouse: LocalClickHouse) -> Iterator[Database]:
    """One for all tests of this module, which read only."""
    with fresh_database(clickhouse.url) as database:
        database.client.insert("customers_raw", [*map(_row, range(len(_PEOPLE)))], _COLUMNS)
        database.client.insert("customers_raw", [_row(0, workspace="other")], _COLUMNS)
        sales = [
            ["acme", f"s{number}", customer_id("acme", person), amount, _START + timedelta(days=number)]
            for number, (person, amount) in enumerate([("ada", 500), ("ben", 900), ("ada", 250)])
        ]
        columns = ["workspace_id", "sale_id", "customer_id", "amount", "timestamp"]
        database.client.insert("sales_raw", sales, columns)
        database.client.insert("erased_raw", [[customer_id("acme", "eve"), 1]], ["customer_id", "version"])
        yield database


def _row(number: int, workspace: str = "acme") -> list[object]:
    person, seen_at = _PEOPLE[number], _START + timedelta(minutes=number)
    return [
        *(workspace, "qualified" if number < 2 else "pending", seen_at, seen_at if number < 2 else None),
        *(customer_id(workspace, person), person, person.title(), f"{person}@example.com", ""),
        *(seen_at, "DE" if number % 2 == 0 else "FR", f"link_{number}", "p" if number else "", "prog"),
        *("go.example", f"k{number}", f"https://go.example/k{number}", "https://example.com/", 1),
    ]


async def _found(database: Database, **sent: Any) -> list[str]:
    async with stored(database.url) as store:
        query = convert(sent, CustomersQuery, strict=False)
        return [
            one.external_id
            for one in await StoredCustomers(store.rows, _WINDOW_MS).page("acme", query, _NOW_MS)
        ]


@pytest.mark.parametrize(
    ("sent", "people"),
    [
        ({}, "dan cyd ben ada"),
        ({"sortOrder": "asc"}, "ada ben cyd dan"),
        ({"status": "pending"}, "dan cyd"),
        ({"status": "qualified"}, "ben ada"),
        ({"email": "cyd@example.com"}, "cyd"),
        ({"email": "cyd"}, ""),
        ({"externalId": "cyd"}, "cyd"),
        ({"externalId": "eve"}, ""),
        ({"search": "DA"}, "dan ada"),
        ({"search": "@EXAMPLE.com"}, "dan cyd ben ada"),
        ({"search": "%"}, ""),
        ({"search": "' OR 1 --"}, ""),
        ({"search": customer_id("acme", "ben")}, "ben"),
        ({"email": "ben@example.com", "externalId": "cyd", "search": "dan"}, "ben"),
        ({"externalId": "cyd", "search": "dan"}, "cyd"),
        ({"country": "DE"}, "cyd ada"),
        ({"linkId": "link_3"}, "dan"),
        ({"partnerId": "p"}, "dan cyd ben"),
        ({"programId": "other"}, ""),
        ({"sortBy": "saleAmount", "pageSize": 2}, "ben ada"),
        ({"sortBy": "firstSaleAt", "pageSize": 2}, "ben ada"),
        ({"minAge": "8m"}, "cyd"),
        ({"minAge": "420s"}, "dan cyd"),
        ({"minAge": "9m"}, ""),
        ({"minAge": "1d"}, ""),
        ({"minAge": "0", "status": "qualified"}, ""),
        ({"expiresWithin": "0"}, ""),
        ({"expiresWithin": "2m"}, "cyd"),
        ({"expiresWithin": "3m"}, "dan cyd"),
        ({"expiresWithin": "3m", "minAge": "450s"}, "cyd"),
        ({"pageSize": 3}, "dan cyd ben"),
        ({"pageSize": 3, "page": 2}, "ada"),
        ({"startingAfter": customer_id("acme", "cyd")}, "ben ada"),
        ({"endingBefore": customer_id("acme", "ada"), "pageSize": 2}, "cyd ben"),
        ({"startingAfter": customer_id("acme", "ben"), "sortOrder": "asc", "pageSize": 1}, "cyd"),
        ({"endingBefore": customer_id("acme", "dan"), "sortOrder": "asc", "pageSize": 2}, "ben cyd"),
    ],
)
async def test_who_is_asked_for(database: Database, sent: dict[str, Any], people: str) -> None:
    assert await _found(database, **sent) == people.split()


@pytest.mark.parametrize(
    "sent",
    [
        {"startingAfter": "cus_nobody"},
        {"startingAfter": customer_id("other", "ada")},
        {"startingAfter": customer_id("acme", "ada"), "sortBy": "saleAmount"},
        {"startingAfter": "a", "endingBefore": "b"},
    ],
)
async def test_pages_that_cannot_be(database: Database, sent: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        await _found(database, **sent)


async def test_what_is_known_of_one(database: Database) -> None:
    async with stored(database.url) as store:
        customers = StoredCustomers(store.rows, _WINDOW_MS)
        ada = await customers.one("acme", customer_id("acme", "ada"))
        cyd = await customers.one("acme", customer_id("acme", "cyd"))
        assert await customers.one("other", customer_id("acme", "ada")) is None
        assert await customers.one("acme", customer_id("acme", "eve")) is None
    assert ada is not None
    assert cyd is not None
    assert (ada.sales, ada.sale_amount, ada.first_sale_at) == (2, 750, _START_MS)
    assert (ada.qualified, ada.qualified_at, ada.created_at) == (True, _START_MS, _START_MS)
    assert (cyd.sales, cyd.sale_amount, cyd.first_sale_at, cyd.qualified_at) == (0, 0, None, None)
    assert (cyd.link_id, cyd.short_link, cyd.program_id) == ("link_2", "https://go.example/k2", "prog")


async def test_without_clickhouse(clickhouse: LocalClickHouse) -> None:
    async with stored(f"{clickhouse.url.rsplit('/', 1)[0]}/no_such_database") as store:
        with pytest.raises(TryAgain):
            await StoredCustomers(store.rows, _WINDOW_MS).one("acme", "cus_1")
