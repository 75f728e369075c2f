"""What the documentation shows to analysts works as it stands there."""

from collections.abc import Iterator

import pytest

from tests.clickhouse.database import Database
from tests.docs.blocks import BLOCKS, Block, why_not

_LEAD_COLUMNS = "workspace_id, lead_id, customer_external_id, timestamp, metadata, quantity"
_LEAD = f"INSERT INTO leads_raw ({_LEAD_COLUMNS}) VALUES"
_SALE = "INSERT INTO sales_raw (workspace_id, sale_id, timestamp, amount, currency, metadata) VALUES"


def statements(block: Block) -> Iterator[str]:
    yield from (one.strip() for one in block.text.split(";") if one.strip())


SQL = [block for block in BLOCKS if block.language == "sql"]
QUERIES = [one for block in SQL if why_not(block) is None for one in statements(block)]
NOT_RUN = [one for block in SQL if why_not(block) for one in statements(block)]


def test_there_are_some() -> None:
    assert {"README.md", "docs/querying.md", "docs/operations.md"} <= {block.page for block in SQL}
    assert [one for one in QUERIES if not one.startswith("SELECT")] == []
    assert sum("metadata" in query for query in QUERIES) >= 4


@pytest.mark.integration
def test_what_is_not_run_is_sql(database: Database) -> None:
    for one in NOT_RUN:
        assert database.rows(f"EXPLAIN AST {one}")


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
    answers = {query: database.rows(query) for query in QUERIES}
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
