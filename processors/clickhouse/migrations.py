"""Brings a ClickHouse database to the current schema.

Tables are made by numbered migrations, each applied once. Views hold no data: their files say what they are
today, and a view is made anew when its file has changed, or when a migration has changed what lies under it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from importlib import resources
from string import Template
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from processors.clickhouse.connection import open_clickhouse
from processors.clickhouse.content_hashes import add_content_hashes
from processors.clickhouse.exchange import GONE, Overtaken, exchange, inserts_under_way_end
from processors.errors import Misconfigured
from processors.settings import Settings

_FILE: Final = re.compile(r"^(\d{3})_\w+\.sql$")
_ATTEMPTS: Final = 20
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)
_COPYING_VIEW: Final = re.compile(r"CREATE MATERIALIZED VIEW .*FROM (\w+)$", re.DOTALL)
_SUCCESSOR: Final = re.compile(r"CREATE TABLE ((\w+)_next)\s")

VIEWS: Final = (
    *("clicks", "leads", "lead_revisions", "sales", "customers"),
    *("unmatched", "dead_letters", "links", "rewards", "reward_refusals"),
)
"""One row per thing."""
ANALYTICS: Final = (
    *("timeseries", "funnel", "top_links", "time_to_lead"),
    *("funnel_steps", "funnel_cohort", "pending_by_age", "time_to_qualify", "partner_cohorts"),
    *("sales_kinds", "attribution_shares", "attribution_models", "revisions", "late_events", "not_counted"),
    *("partner_earnings", "reward_statement"),
)
"""Views that take parameters; they read those of VIEWS, and those before them."""


LEAST_CLICKHOUSE: Final = (26, 3)
"""The oldest release whose answers the views rely on. docs/operations.md names it, too."""


class ClickHouseTooOld(Misconfigured):
    """The server is older than :data:`LEAST_CLICKHOUSE`."""

    def __init__(self, version: str) -> None:
        least = ".".join(map(str, LEAST_CLICKHOUSE))
        super().__init__(
            f"ClickHouse {version} is older than {least}, the oldest that leadstream works with: upgrade it"
        )


class MigrationChanged(Misconfigured):
    """A migration that was applied already is not what it was."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was changed after it was applied here: put it back as it was, and write what is new "
            "into a migration with the next number"
        )


@dataclass(frozen=True)
class Script:
    """Statements that are applied together, and what tells their content."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Of the text as it is."""
        return blake2b(self.text.encode(), digest_size=16).hexdigest()

    def statements(self) -> list[str]:
        """Without comments; a statement ends with a semicolon at the end of a line."""
        text = _COMMENT.sub("", self.text)
        return [one.strip() for one in re.split(r";\s*(?:\n|$)", text) if one.strip()]


@dataclass(frozen=True)
class Migration(Script):
    """A change of tables; ``number`` gives its place among the others."""

    number: int


def migrations() -> list[Migration]:
    """All of them, in order."""
    return sorted(_files(), key=lambda one: one.number)


def views() -> list[Script]:
    """All of them, by name, in the order in which they can be created."""
    files = resources.files("deploy.clickhouse")
    window = files.joinpath("views", "window.sql").read_text().rstrip()
    return [
        *(Script(name, files.joinpath("views", f"{name}.sql").read_text()) for name in VIEWS),
        *(
            Script(
                name,
                Template(files.joinpath("views", f"{name}.sql").read_text()).substitute(window=window),
            )
            for name in ANALYTICS
        ),
    ]


def migrate(client: Client, database: str) -> list[str]:
    """Create the database if it is missing and apply what it lacks; returns the names of what was applied.

    Idempotent. Whoever migrates defines the views: readers see through them what this user may read.
    ``client`` may be connected to any database. Raises :class:`MigrationChanged`, and
    :class:`ClickHouseTooOld` before anything is done.
    """
    check_version(client)
    before = client.database
    client.command(f"CREATE DATABASE IF NOT EXISTS `{database}` ENGINE = Atomic")
    client.database = database
    try:
        applied = list(_migrate_tables(client))
        # Migrations of before replaced views, too: one that is applied again has put back what was.
        return [*applied, *_renew_views(client, every=bool(applied))]
    finally:
        client.database = before


def bring_up_to_date(settings: Settings) -> list[str]:
    """Create the database when it is missing, and apply what it lacks; returns the names of that.

    Rows as well: sinks of a release before may have written some since the last time. Raises
    ``NoClickHouse``, ``ClickHouseTooOld`` and ``MigrationChanged``.
    """
    client = open_clickhouse(settings, database="default")
    try:
        applied = migrate(client, settings.clickhouse_address.database)
        client.database = settings.clickhouse_address.database
        if count := add_content_hashes(client):
            applied.append(f"content hashes of clicks ({count:,})")
        return applied
    finally:
        client.close()


def pending(client: Client) -> list[str]:
    """What :func:`migrate` would apply to the client's database."""
    applied = _applied_migrations(client)
    lacks = [migration.name for migration in migrations() if migration.number not in applied]
    return [*lacks, *(f"view {view.name}" for view in (views() if lacks else _outdated_views(client)))]


def _migrate_tables(client: Client) -> Iterator[str]:
    client.command(
        "CREATE TABLE IF NOT EXISTS schema_migrations (number UInt16, name String, checksum String, "
        "applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ReplacingMergeTree ORDER BY number"
    )
    known = _applied_migrations(client)
    for migration in migrations():
        if migration.number not in known:
            _apply(client, migration)
            row = [migration.number, migration.name, migration.checksum]
            client.insert("schema_migrations", [row], column_names=["number", "name", "checksum"])
            yield migration.name
        elif known[migration.number] != migration.checksum:
            raise MigrationChanged(migration.name)


def check_version(client: Client) -> None:
    """Raises :class:`ClickHouseTooOld`."""
    version = client.server_version or ""
    found = re.match(r"(\d+)\.(\d+)", version)
    if found and (int(found[1]), int(found[2])) < LEAST_CLICKHOUSE:
        raise ClickHouseTooOld(version)


def _renew_views(client: Client, *, every: bool) -> Iterator[str]:
    client.command(
        "CREATE TABLE IF NOT EXISTS schema_views (name String, checksum String, definer String, "
        "applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) "
        "ENGINE = ReplacingMergeTree(applied_at) ORDER BY name"
    )
    user = str(client.command("SELECT currentUser()"))
    for view in views() if every else _outdated_views(client, user):
        _apply(client, view)
        row = [view.name, _state(view), user]
        client.insert("schema_views", [row], column_names=["name", "checksum", "definer"])
        yield f"view {view.name}"


def _applied_migrations(client: Client) -> Mapping[int, str]:
    """Number → checksum."""
    if not client.command("EXISTS TABLE schema_migrations"):
        return {}
    rows = client.query("SELECT number, checksum FROM schema_migrations FINAL").result_rows
    return dict(rows)  # type: ignore[arg-type]


def _outdated_views(client: Client, definer: str | None = None) -> list[Script]:
    """Those that are missing, are not what they should be, or have another ``definer``, who may leave."""
    current: set[tuple[str, str]] = set()
    if client.command("EXISTS TABLE schema_views"):
        rows = client.query(
            "SELECT name, checksum FROM schema_views FINAL WHERE name IN "
            "(SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View') "
            "AND definer = ifNull({definer:Nullable(String)}, definer)",
            parameters={"definer": definer},
        ).result_rows
        current = {(str(name), str(checksum)) for name, checksum in rows}
    return [view for view in views() if (view.name, _state(view)) not in current]


def _state(view: Script) -> str:
    """A view has the columns that its table had when it was created: another table is another view."""
    return f"{view.checksum} on {migrations()[-1].number}"


def _apply(client: Client, script: Script) -> None:
    """ClickHouse has no transaction around DDL: what an interrupted run left behind is made anew."""
    for statement in script.statements():
        if successor := _SUCCESSOR.match(statement):
            _exchange(client, statement, successor[2], successor[1])
        else:
            _command(client, _repeatable(statement))
        if copied := _COPYING_VIEW.match(statement):
            # Whatever the view has not seen is there for the statements after it.
            inserts_under_way_end(client, copied[1])


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
    return re.sub(r"^CREATE (TABLE|MATERIALIZED VIEW) ", r"CREATE \1 IF NOT EXISTS ", statement)


def _files() -> Iterator[Migration]:
    for file in resources.files("deploy.clickhouse").joinpath("tables").iterdir():
        if match := _FILE.match(file.name):
            yield Migration(file.name, file.read_text(), int(match[1]))
