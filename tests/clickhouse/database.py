"""A database of its own for each test."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from processors.clickhouse.connection import connect
from processors.clickhouse.migrations import VIEWS, migrate, views


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


@dataclass(frozen=True)
class Template:
    """What a migrated database consists of: made anew in a fraction of the time that migrations take.

    ``name``: that of the database, as the statements have it. ``rows``: of what was applied, by table.
    """

    name: str
    statements: Sequence[str]
    rows: Mapping[str, tuple[Sequence[str], Sequence[Sequence[object]]]]

    def copy(self, admin: Client, name: str) -> None:
        """A database of that name."""
        admin.command(f"CREATE DATABASE {name} ENGINE = Atomic")
        for statement in self.statements:
            admin.command(statement.replace(self.name, name))
        for table, (columns, rows) in self.rows.items():
            admin.insert(table, rows, columns, name)


_TEMPLATES: list[Template] = []
"""Of this process, at most one: every server is of the same release, and has the same user."""


def template(admin: Client) -> Template:
    """Taken from a database that was migrated for it, and dropped again."""
    if not _TEMPLATES:
        name = _unused_name()
        migrate(admin, name)
        _TEMPLATES.append(_read(admin, name))
        admin.command(f"DROP DATABASE {name}")
    return _TEMPLATES[0]


def _read(admin: Client, name: str) -> Template:
    # Views may rest on one another, and are migrated in the order in which they do.
    order = {view.name: place for place, view in enumerate(views(), 1)}
    found = admin.query(
        "SELECT name, create_table_query FROM system.tables WHERE database = {name:String}",
        parameters={"name": name},
    ).result_rows
    statements = [str(made) for _, made in sorted(found, key=lambda row: order.get(row[0], 0))]
    applied = {
        table: admin.query(f"SELECT * FROM {name}.{table}") for table in ("schema_migrations", "schema_views")
    }
    rows = {table: (one.column_names, one.result_rows) for table, one in applied.items()}
    return Template(name, statements, rows)


def _unused_name() -> str:
    return f"test_{uuid.uuid4().hex[:12]}"


@contextmanager
def fresh_database(server_url: str) -> Iterator[Database]:
    """As migrations make it, and dropped in the end."""
    name = _unused_name()
    url = f"{server_url.rsplit('/', 1)[0]}/{name}"
    admin = connect(url, database="default")
    try:
        template(admin).copy(admin, name)
        client = connect(url)
        try:
            yield Database(name, url, client)
        finally:
            client.close()
            admin.command(f"DROP DATABASE IF EXISTS {name}")
    finally:
        admin.close()
