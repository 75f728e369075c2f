import re
import subprocess
import sys
import uuid
from pathlib import Path
from unittest.mock import Mock

import pytest

from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import NoClickHouse, connect
from processors.clickhouse.migrations import (
    ANALYTICS,
    VIEWS,
    ClickHouseTooOld,
    Migration,
    MigrationChanged,
    Script,
    check_version,
    migrate,
    migrations,
    pending,
    views,
)
from processors.sink.tables import TABLES
from tests.clickhouse.database import Database

EVERYTHING = [*(one.name for one in migrations()), *(f"view {name}" for name in (*VIEWS, *ANALYTICS))]


def test_numbers_have_no_twin() -> None:
    numbers = [one.number for one in migrations()]
    assert numbers == sorted(set(numbers))


def test_no_script_lies_where_nobody_reads_it() -> None:
    home = Path(__file__).parents[2] / "deploy" / "clickhouse"
    read = {f"tables/{one.name}" for one in migrations()} | {f"views/{one.name}.sql" for one in views()}
    there = {str(path.relative_to(home)) for path in home.rglob("*.sql")}
    assert there == read | {"views/window.sql"}


_STATEMENT = r"(CREATE (TABLE|(MATERIALIZED |OR REPLACE )?VIEW)|ALTER TABLE|INSERT INTO) \w+"


def test_statements_are_split_outside_of_comments() -> None:
    for script in (*migrations(), *views()):
        for statement in script.statements():
            assert re.match(_STATEMENT, statement), statement
            assert not statement.endswith(";")


@pytest.mark.parametrize(
    ("version", "too_old"),
    [("26.2.9.1", True), ("25.12.1", True), ("26.3.1.1", False), ("27.1", False), ("head", False)],
)
def test_a_server_that_is_too_old_is_refused(version: str, *, too_old: bool) -> None:
    client = Mock(server_version=version)
    if not too_old:
        check_version(client)
        return
    with pytest.raises(ClickHouseTooOld, match=r"older than 26\.3.*upgrade"):
        migrate(client, "db")
    client.command.assert_not_called()


@pytest.mark.integration
class TestOnAServer:
    def test_no_insert_is_taken_for_a_duplicate(self, database: Database) -> None:
        """Killed between the note of an insert and its part, a server would drop the retry as known."""
        tables = [str(name) for (name,) in database.rows("SHOW TABLES LIKE '%_raw'")]
        assert {table.name for table in TABLES} < set(tables)
        for table in tables:
            database.client.command(f"SYSTEM STOP MERGES {table}")
            for _ in range(2):
                database.client.command(f"INSERT INTO {table} (version) VALUES (1)")
            assert database.rows(f"SELECT count() FROM {table}") == [(2,)], table

    def test_creates_everything_once(self, clickhouse: LocalClickHouse) -> None:
        name = f"test_{uuid.uuid4().hex[:12]}"
        url = f"{clickhouse.url.rsplit('/', 1)[0]}/{name}"
        with pytest.raises(NoClickHouse, match="leadstream migrate") as missing:
            connect(url)
        assert missing.value.exit_code == 78
        client = connect(url, database="default")
        try:
            assert migrate(client, name) == EVERYTHING
            assert migrate(client, name) == []
            assert client.database == "default"
            client.command(f"CREATE DATABASE {name}_empty")
            client.database = f"{name}_empty"
            assert pending(client) == EVERYTHING
            client.database = name
            assert pending(client) == []
            engine = client.command(f"SELECT engine FROM system.databases WHERE name = '{name}'")
            assert engine == "Atomic"
        finally:
            client.command(f"DROP DATABASE IF EXISTS {name}_empty")
            client.command(f"DROP DATABASE {name}")
            client.close()

    def test_databases_of_tests_are_what_migrations_make(self, database: Database) -> None:
        name = f"test_{uuid.uuid4().hex[:12]}"
        migrate(database.client, name)
        try:
            made, copied = (
                database.rows(
                    "SELECT name, replaceAll(create_table_query, database, '') FROM system.tables "
                    f"WHERE database = '{one}' ORDER BY name"
                )
                for one in (name, database.name)
            )
            assert len(made) > len(EVERYTHING) / 2
            assert copied == made
            assert pending(database.client) == []
            assert migrate(database.client, database.name) == []
        finally:
            database.client.command(f"DROP DATABASE {name}")

    def test_refuses_what_was_changed_after_it_was_applied(self, database: Database) -> None:
        first = migrations()[0]
        database.client.command(
            "INSERT INTO schema_migrations (number, name, checksum) VALUES (1, 'was', 'another')"
        )
        with pytest.raises(MigrationChanged, match=first.name):
            migrate(database.client, database.name)

    def test_an_interrupted_run_is_taken_up_and_keeps_the_rows(self, database: Database) -> None:
        database.client.command("INSERT INTO leads_raw (workspace_id, lead_id) VALUES ('w', 'ld_1')")
        database.client.command("TRUNCATE TABLE schema_migrations")
        database.client.command("DROP VIEW timeseries")
        assert pending(database.client) == EVERYTHING
        migrate(database.client, database.name)
        assert database.rows("SELECT lead_id FROM leads") == [("ld_1",)]
        assert database.rows("EXISTS VIEW timeseries") == [(1,)]
        database.client.command("DROP VIEW timeseries")
        assert migrate(database.client, database.name) == ["view timeseries"]
        invoker = (
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' "
            "AND create_table_query NOT LIKE '%SQL SECURITY DEFINER%'"
        )
        assert database.rows(invoker) == []

    def test_views_are_renewed_when_their_text_or_what_lies_under_them_has_changed(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = database.client
        renewed = {one.name: one for one in views()}
        renewed["leads"] = Script("leads", renewed["leads"].text.replace("Grows when", "Grows whenever"))
        with monkeypatch.context() as patch:
            patch.setattr("processors.clickhouse.migrations.views", lambda: list(renewed.values()))
            assert pending(client) == ["view leads"]
            assert migrate(client, database.name) == ["view leads"]
            comment = (
                "SELECT comment FROM system.columns WHERE database = currentDatabase() AND table = 'leads'"
            )
            assert ("Grows whenever a late event changes the lead",) in database.rows(comment)
            assert pending(client) == []
        last = Migration("999_more.sql", "ALTER TABLE links_raw ADD COLUMN note String;\n", 999)
        everything = [*migrations(), last]
        monkeypatch.setattr("processors.clickhouse.migrations.migrations", lambda: everything)
        assert migrate(client, database.name) == ["999_more.sql", *EVERYTHING[-len(views()) :]]
        assert database.rows("SELECT note FROM links") == []

    def test_views_of_a_user_who_may_leave_are_taken_over(self, database: Database) -> None:
        database.client.command(
            "INSERT INTO schema_views SELECT name, checksum, 'gone', now64(3) FROM schema_views"
        )
        assert pending(database.client) == []
        assert len(migrate(database.client, database.name)) == len(views())
        assert migrate(database.client, database.name) == []

    def test_the_views_are_there_and_explain_themselves(self, database: Database) -> None:
        for view in VIEWS:
            assert database.rows(f"SELECT * FROM {view}") == []
        commented = database.rows(
            "SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND comment != ''"
        )
        for view in ("leads", "sales", "customers", "unmatched", "dead_letters"):
            assert (view,) in commented

    def test_every_column_that_the_sink_writes_exists(self, database: Database) -> None:
        for table in TABLES:
            database.client.create_insert_context(table.name, column_names=list(table.columns))


@pytest.mark.integration
def test_works_embedded(tmp_path: Path) -> None:
    """In a process of its own: an engine is one per process."""
    program = f"""
from processors.clickhouse.migrations import migrate
from processors.clickhouse.connection import connect
from processors.clickhouse.url import ClickHouseUrl
url = "chdb://{tmp_path}/store"
client = connect(url, database="default")
assert migrate(client, ClickHouseUrl.parse(url).database) == {EVERYTHING}
client.close()
client = connect(url)
client.command("INSERT INTO leads_raw (workspace_id, timestamp) VALUES ('w', '2026-01-01 12:00')")
rows = client.query(
    "SELECT * FROM timeseries(workspace = 'w', start = '2026-01-01', end = '2026-01-03', "
    "granularity = 'day', timezone = 'UTC')"
).result_rows
assert [row[2] for row in rows] == [1, 0], rows
client.close()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.integration
@pytest.mark.parametrize(
    ("url", "exit_code", "says"),
    [
        ("http://default:@127.0.0.1:1/leadstream", 69, "cannot be reached"),
        ("http://default:wrong@{host}/leadstream", 78, "user or the password"),
        ("postgres://127.0.0.1/leadstream", 78, "not a ClickHouse URL"),
        ("http://127.0.0.1:port/leadstream", 78, "not a ClickHouse URL"),
        ("{own}/no_such_database", 78, "no_such_database"),
    ],
)
def test_a_connection_that_fails_says_what_to_do(
    clickhouse: LocalClickHouse, url: str, exit_code: int, says: str
) -> None:
    own, _, _ = clickhouse.url.rpartition("/")
    with pytest.raises(NoClickHouse, match=says) as failure:
        connect(url.format(host=own.rpartition("@")[2], own=own))
    assert failure.value.exit_code == exit_code
    assert "wrong" not in str(failure.value)
