"""What several ask of ClickHouse."""

from collections.abc import Mapping
from typing import Any, Final

from clickhouse_connect.driver.client import Client

TIME_SERIES: Final = """
    SELECT * FROM timeseries(
        workspace = {workspace:String}, start = {start:String}, end = {end:String},
        granularity = 'day', timezone = 'UTC')
"""
FUNNEL: Final = """
    SELECT * FROM funnel(
        workspace = {workspace:String}, start = {start:String}, end = {end:String}, timezone = 'UTC')
"""
NEWEST_EVENTS: Final = """
    SELECT * FROM (
        SELECT timestamp, 'lead' AS kind, event_name, customer_name, customer_external_id, key, country,
            '' AS paid
        FROM leads WHERE workspace_id = {workspace:String} AND timestamp < {end:String}
        UNION ALL
        SELECT timestamp, 'sale', event_name, customer_name, customer_external_id, key, country,
            toString(amount / 100) || ' ' || upper(currency)
        FROM sales WHERE workspace_id = {workspace:String} AND timestamp < {end:String}
    )
    ORDER BY timestamp DESC, customer_external_id LIMIT {newest:UInt32}
"""

_NAMING_WORKSPACES: Final = ("customers", "clicks", "unmatched")
"""Views in whose order the workspace comes first, so that one is found in no time. Of a workspace with events
one of them knows as soon as they are stored; only of such as wait for another event none does."""
_ENOUGH_NAMES: Final = 1_000
_NAMES_S: Final = 2


def rows(client: Client, sql: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
    """The answer, row by row, by column name."""
    return list(client.query(sql, parameters=dict(parameters or {})).named_results())


def has_workspace(client: Client, workspace_id: str) -> bool:
    """Is anything stored of it? By the order of the tables, however much they hold."""
    sql = " UNION ALL ".join(
        f"SELECT * FROM (SELECT 1 AS one FROM {view} WHERE workspace_id = {{workspace:String}} LIMIT 1)"  # noqa: S608 - names of ours
        for view in _NAMING_WORKSPACES
    )
    return bool(rows(client, sql, {"workspace": workspace_id}))


def some_workspaces(client: Client) -> set[str]:
    """Of which something is stored: as many as are found within some seconds, 3,000 at most."""
    sql = " UNION DISTINCT ".join(
        f"SELECT * FROM (SELECT DISTINCT workspace_id FROM {view} LIMIT {_ENOUGH_NAMES})"  # noqa: S608 - names of ours
        for view in _NAMING_WORKSPACES
    )
    limits = {"max_execution_time": _NAMES_S, "timeout_overflow_mode": "break"}
    return {str(row["workspace_id"]) for row in client.query(sql, settings=limits).named_results()}
