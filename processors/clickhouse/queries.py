"""What several ask of ClickHouse."""

from collections.abc import Mapping
from typing import Any

from clickhouse_connect.driver.client import Client


def rows(client: Client, sql: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
    """The answer, row by row, by column name."""
    return list(client.query(sql, parameters=dict(parameters or {})).named_results())


def count_leads(client: Client) -> int:
    """Leads of all workspaces."""
    return int(client.command("SELECT count() FROM leads"))  # type: ignore[arg-type]
