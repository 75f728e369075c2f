"""ClickHouse for the commands: what goes wrong is told as theirs."""

from collections.abc import Mapping
from typing import Any

from clickhouse_connect.driver.client import Client

from processors.grants import grant
from processors.migrations import migrate
from processors.settings import Settings
from processors.sink.client import connect, database_of


def open_clickhouse(settings: Settings) -> Client:
    """A client for the database of the settings. Raises ``NoClickHouse``."""
    return connect(settings.clickhouse_url.get_secret_value())


def bring_up_to_date(settings: Settings) -> list[str]:
    """Create the database when it is missing, and apply what it lacks; returns the names of that.

    Raises ``NoClickHouse``, ``ClickHouseTooOld`` and ``MigrationChanged``.
    """
    url = settings.clickhouse_url.get_secret_value()
    client = connect(url, database="default")
    try:
        return migrate(client, database_of(url))
    finally:
        client.close()


def write_grants(settings: Settings) -> None:
    """Make the roles of the database what they should be. Raises ``NoClickHouse`` and ``GrantsRefused``."""
    url = settings.clickhouse_url.get_secret_value()
    client = connect(url)
    try:
        grant(client, database_of(url))
    finally:
        client.close()


def rows(client: Client, sql: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
    """The answer, row by row, by column name."""
    return list(client.query(sql, parameters=dict(parameters or {})).named_results())


def count_leads(client: Client) -> int:
    """Leads of all workspaces."""
    return int(client.command("SELECT count() FROM leads"))  # type: ignore[arg-type]
