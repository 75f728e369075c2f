"""A database of its own for each test."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from processors.clickhouse.connection import connect
from processors.clickhouse.migrations import VIEWS, migrate


@dataclass(frozen=True)
class Database:
    """``url`` names the database; ``client`` is connected to it."""

    name: str
    url: str
    client: Client

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """The answer, with text as bytes where it is no UTF-8."""
        return [tuple(row) for row in self.client.query(sql).result_rows]

    def snapshot(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every view."""
        return {view: self.rows(f"SELECT * FROM {view} ORDER BY ALL") for view in VIEWS}


@contextmanager
def fresh_database(server_url: str) -> Iterator[Database]:
    """Migrated, and dropped in the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = f"{server_url.rsplit('/', 1)[0]}/{name}"
    admin = connect(url, database="default")
    try:
        migrate(admin, name)
        client = connect(url)
        try:
            yield Database(name, url, client)
        finally:
            client.close()
            admin.command(f"DROP DATABASE IF EXISTS {name}")
    finally:
        admin.close()
