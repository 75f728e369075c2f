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


def rows(client: Client, sql: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
    """The answer, row by row, by column name."""
    return list(client.query(sql, parameters=dict(parameters or {})).named_results())
