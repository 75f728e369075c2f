"""What the documentation shows to analysts works as it stands there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clickhouse.database import Database

ROOT = Path(__file__).parent.parent.parent
PAGES = ("README.md", "docs/querying.md", "docs/operations.md")
_BLOCK = re.compile(r"^```sql\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LEAD_COLUMNS = "workspace_id, lead_id, customer_external_id, timestamp, metadata, quantity"
_LEAD = f"INSERT INTO leads_raw ({_LEAD_COLUMNS}) VALUES"
_SALE = "INSERT INTO sales_raw (workspace_id, sale_id, timestamp, amount, currency, metadata) VALUES"


def queries(page: str) -> Iterator[str]:
    for block in _BLOCK.findall((ROOT / page).read_text()):
        for statement in block.split(";"):
            if statement.strip().startswith("SELECT"):
                yield statement.strip()


QUERIES = [(page, query) for page in PAGES for query in queries(page)]


def test_every_page_has_some() -> None:
    assert {page for page, _ in QUERIES} == set(PAGES)
    assert sum("metadata" in query for _, query in QUERIES) >= 4


@pytest.mark.integration
def test_every_query_of_the_documentation_runs(database: Database) -> None:
    for row in (
        "('acme', '1', 'u1', '2026-11-02 10:00:00', '{\"plan\":\"pro\",\"seats\":5}', 2)",
        "('acme', '2', 'u2', '2026-11-02 10:00:00', '', 1)",
        "('acme', '3', 'u3', '2026-11-02 10:00:00', '{\"plan\":{\"name\":null},\"seats\":[1e300,\"x\"]}', 1)",
    ):
        database.client.command(f"{_LEAD} {row}")
    for row in (
        "('acme', '1', '2026-11-02 10:00:00', 4900, 'usd', '{\"campaign\":{\"source\":\"news\"}}')",
        "('acme', '2', '2026-11-02 10:00:00', 500, 'jpy', '')",
    ):
        database.client.command(f"{_SALE} {row}")
    answers = {query: database.rows(query) for _, query in QUERIES}
    [by_plan] = [rows for query, rows in answers.items() if "GROUP BY plan" in query]
    assert ("pro", 2) in by_plan
    [by_currency] = [
        rows for query, rows in answers.items() if "sum(toInt128(amount)) AS amount, count()" in query
    ]
    assert sorted(by_currency) == [("jpy", 500, 1), ("usd", 4900, 1)]
    [seats] = [rows for query, rows in answers.items() if "'seats') > 3" in query]
    assert seats == [("u1", 5)]
    [paths] = [rows for query, rows in answers.items() if "JSONAllPaths" in query]
    assert ("plan", 1) in paths
