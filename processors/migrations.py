"""Brings a ClickHouse database to the current schema."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from importlib import resources
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from processors.exchange import GONE, Overtaken, exchange

_FILE: Final = re.compile(r"^(\d{3})_\w+\.sql$")
_ATTEMPTS: Final = 20
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)
_SUCCESSOR: Final = re.compile(r"CREATE TABLE ((\w+)_next)\s")


LEAST_CLICKHOUSE: Final = (26, 3)
"""The oldest release whose answers the views rely on. docs/operations.md names it, too."""


class ClickHouseTooOld(Exception):
    """The server is older than :data:`LEAST_CLICKHOUSE`."""

    exit_code = 78

    def __init__(self, version: str) -> None:
        least = ".".join(map(str, LEAST_CLICKHOUSE))
        super().__init__(
            f"ClickHouse {version} is older than {least}, the oldest that leadstream works with: upgrade it"
        )


class MigrationChanged(Exception):
    """A migration that was applied already is not what it was."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was changed after it was applied here: put it back as it was, and write what is new "
            "into a migration with the next number"
        )


@dataclass(frozen=True)
class Migration:
    """One file: statements that are applied together, and what tells its content."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Of the text as it is in the file."""
        return blake2b(self.text.encode(), digest_size=16).hexdigest()

    def statements(self) -> list[str]:
        """Without comments; a statement ends with a semicolon at the end of a line."""
        text = _COMMENT.sub("", self.text)
        return [one.strip() for one in re.split(r";\s*(?:\n|$)", text) if one.strip()]


def migrations() -> list[Migration]:
    """All of them, in order."""
    return sorted(_files(), key=lambda one: one.number)


def migrate(client: Client, database: str) -> list[str]:
    """Create the database if it is missing and apply what it lacks; returns the names of what was applied.

    Idempotent. ``client`` may be connected to any database. Raises :class:`MigrationChanged`, and
    :class:`ClickHouseTooOld` before anything is done.
    """
    check_version(client)
    before = client.database
    client.command(f"CREATE DATABASE IF NOT EXISTS `{database}` ENGINE = Atomic")
    client.database = database
    try:
        return _apply_missing(client)
    finally:
        client.database = before


def _apply_missing(client: Client) -> list[str]:
    client.command(
        "CREATE TABLE IF NOT EXISTS schema_migrations (number UInt16, name String, checksum String, "
        "applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ReplacingMergeTree ORDER BY number"
    )
    rows = client.query("SELECT number, checksum FROM schema_migrations FINAL").result_rows
    known: dict[int, str] = dict(rows)  # type: ignore[arg-type]
    applied = []
    for migration in migrations():
        if migration.number not in known:
            _apply(client, migration)
            applied.append(migration.name)
        elif known[migration.number] != migration.checksum:
            raise MigrationChanged(migration.name)
    return applied


def check_version(client: Client) -> None:
    """Raises :class:`ClickHouseTooOld`."""
    version = client.server_version or ""
    found = re.match(r"(\d+)\.(\d+)", version)
    if found and (int(found[1]), int(found[2])) < LEAST_CLICKHOUSE:
        raise ClickHouseTooOld(version)


def pending(client: Client) -> list[str]:
    """What :func:`migrate` would apply to the client's database."""
    if not client.command("EXISTS TABLE schema_migrations"):
        return [migration.name for migration in migrations()]
    known = {row[0] for row in client.query("SELECT number FROM schema_migrations FINAL").result_rows}
    return [migration.name for migration in migrations() if migration.number not in known]


def _apply(client: Client, migration: Migration) -> None:
    """ClickHouse has no transaction around DDL: what an interrupted run left behind is made anew."""
    for statement in migration.statements():
        if successor := _SUCCESSOR.match(statement):
            _exchange(client, statement, successor[2], successor[1])
        else:
            _command(client, _repeatable(statement))
    client.insert(
        "schema_migrations",
        [[migration.number, migration.name, migration.checksum]],
        column_names=["number", "name", "checksum"],
    )


def _command(client: Client, statement: str) -> None:
    """Again when another run was replacing the same view at that moment."""
    for _ in range(_ATTEMPTS):
        try:
            client.command(statement)
        except DatabaseError as error:
            if error.code not in GONE:
                raise
        else:
            return
    client.command(statement)


def _exchange(client: Client, statement: str, table: str, successor: str) -> None:
    """A table whose name ends in ``_next`` takes the place of the one without."""
    while True:
        client.command(_repeatable(statement))
        try:
            exchange(client, table, successor)
        except Overtaken:
            continue
        return


def _repeatable(statement: str) -> str:
    statement = re.sub(r"^CREATE VIEW ", "CREATE OR REPLACE VIEW ", statement)
    return re.sub(r"^CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", statement)


def _files() -> Iterator[Migration]:
    for file in resources.files("deploy.clickhouse").iterdir():
        if match := _FILE.match(file.name):
            yield Migration(int(match[1]), file.name, file.read_text())
