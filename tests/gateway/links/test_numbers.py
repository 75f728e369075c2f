"""Numbers of links, against the rows that a sink writes."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from deploy.local.clickhouse import LocalClickHouse
from processors.gateway.links.counters import NONE, Counters, LinkCounters
from tests.clickhouse.database import Database, fresh_database
from tests.gateway.stored import stored

pytestmark = pytest.mark.integration

_START = datetime(2026, 1, 1, tzinfo=UTC)
_START_MS = 1_767_225_600_000


@pytest.fixture
def database(clickhouse: LocalClickHouse) -> Iterator[Database]:
    with fresh_database(clickhouse.url) as database:
        yield database


def _add(database: Database, table: str, rows: Iterable[tuple[object, ...]], *columns: str) -> None:
    database.client.insert(table, [list(row) for row in rows], column_names=["workspace_id", *columns])


def _fill(database: Database) -> None:
    clicks = [
        ("acme", "c1", _START, "a", 1),
        ("acme", "c2", _START + timedelta(seconds=1), "a", 1),
        ("acme", "c2", _START + timedelta(seconds=1), "a", 1),  # delivered twice
        ("acme", "c3", _START, "b", 1),
        ("other", "c4", _START, "a", 1),
    ]
    _add(database, "clicks_raw", clicks, "click_id", "timestamp", "link_id", "version")
    leads = [
        ("acme", "l1", 2, "a", "cus_1"),
        ("acme", "l2", 1, "a", "cus_2"),
        ("acme", "l3", 1, "a", "cus_gone"),
        ("other", "l4", 1, "a", "cus_3"),
    ]
    _add(database, "leads_raw", leads, "lead_id", "quantity", "link_id", "customer_id")
    most = 2**63 - 1
    sales = [
        ("acme", "s1", 500, "a", "cus_1", 1),
        ("acme", "s1", 500, "a", "cus_1", 2),
        ("acme", "s2", 250, "a", "cus_1", 1),
        ("acme", "s3", most, "b", "cus_2", 1),
        ("acme", "s4", most, "b", "cus_2", 1),
    ]
    columns = ("sale_id", "amount", "link_id", "customer_id", "version")
    _add(database, "sales_raw", sales, *columns)
    database.client.insert("erased_raw", [["cus_gone", 1]], ["customer_id", "version"])


async def test_they_are_those_of_the_views(database: Database) -> None:
    _fill(database)
    async with stored(database.url) as store:
        counters = LinkCounters(store.rows)
        assert await counters.of("acme", ["a", "b", "c", "'); DROP TABLE clicks_raw; --"]) == {
            "a": Counters(2, _START_MS + 1_000, 3, 1, 2, 750),
            "b": Counters(1, _START_MS, 0, 1, 2, 2 * (2**63 - 1)),
            "c": NONE,
            "'); DROP TABLE clicks_raw; --": NONE,
        }
        assert (await counters.of("other", ["a"]))["a"] == Counters(1, _START_MS, 1, 0, 0, 0)


async def test_without_clickhouse_they_are_the_last_known_ones(database: Database) -> None:
    now = 0.0
    async with stored(database.url) as store:
        counters = LinkCounters(store.rows, lambda: now)
        _add(database, "clicks_raw", [("acme", "c1", _START, "a")], "click_id", "timestamp", "link_id")
        assert (await counters.of("acme", ["a"]))["a"].clicks == 1
        database.client.command(f"DROP DATABASE {database.name}")
        now = 11.0
        assert (await counters.of("acme", ["a"]))["a"].clicks == 1
