"""``leadstream sql`` on a real server."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator

import pytest

from deploy.local.clickhouse import LocalClickHouse
from processors.cli.main import main
from tests.clickhouse.database import Database, fresh_database
from tests.conftest import eventually

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def database(clickhouse: LocalClickHouse) -> Iterator[Database]:
    with fresh_database(clickhouse.url) as database:
        columns = "workspace_id, lead_id, customer_external_id, timestamp, quantity"
        database.client.command(
            f"INSERT INTO leads_raw ({columns}) VALUES ('acme', '1', 'a, \"b\"', '2026-11-02 10:00:00', 2)"
        )
        yield database


@pytest.fixture(autouse=True)
def address(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL", database.url)


Output = pytest.CaptureFixture[bytes]
QUERY = "SELECT customer_external_id, quantity, NULL AS nothing FROM leads"


@pytest.mark.parametrize(
    ("options", "out"),
    [
        (["--json"], b'{"customer_external_id":"a, \\"b\\"","quantity":2,"nothing":null}\n'),
        (["--csv"], b'"customer_external_id","quantity","nothing"\n"a, ""b""",2,\\N\n'),
        ([], b'"customer_external_id","quantity","nothing"\n"a, ""b""",2,\\N\n'),
    ],
)
def test_a_pipe_gets_all_of_it(options: list[str], out: bytes, capfdbinary: Output) -> None:
    assert main(["sql", *options, QUERY]) == 0
    assert capfdbinary.readouterr().out == out


def test_a_format_of_its_own_counts_and_statements_follow_each_other(capfdbinary: Output) -> None:
    assert main(["sql", "SELECT 1 AS a FORMAT TSV; SELECT ';' AS b"]) == 0
    assert capfdbinary.readouterr().out == b'1\n"b"\n";"\n'


@pytest.mark.parametrize(
    "statement",
    [
        "DROP VIEW leads",
        "INSERT INTO leads_raw (workspace_id) VALUES ('a')",
        "SELECT 1 SETTINGS readonly = 0",
    ],
)
def test_it_only_reads(statement: str, database: Database, capfdbinary: Output) -> None:
    assert main(["sql", statement]) == 1
    assert b"--write" in capfdbinary.readouterr().err
    assert database.rows("SELECT count() FROM leads") == [(1,)]


def test_unless_it_may_write(database: Database, capfdbinary: Output) -> None:
    assert main(["sql", "--write", "CREATE TABLE mine (a Int8) ENGINE = Memory; DROP TABLE mine"]) == 0


def test_a_failure_in_the_middle_is_one(capfdbinary: Output) -> None:
    assert main(["sql", "SELECT number, throwIf(number = 300000, 'there') FROM numbers(400000)"]) == 1
    out, err = capfdbinary.readouterr()
    assert b"__exception__" not in out
    assert err.startswith(b"error: ClickHouse: there")


def test_an_unknown_view_names_those_there_are(capfdbinary: Output) -> None:
    assert main(["sql", "SELECT * FROM lead"]) == 1
    assert b"Did you mean leads? Views: clicks, leads" in capfdbinary.readouterr().err


def test_ctrl_c_ends_the_query_on_the_server(database: Database) -> None:
    mark = uuid.uuid4().hex
    running = (
        f"SELECT count() FROM system.processes WHERE query LIKE '%{mark}%' AND query NOT LIKE '%processes%'"
    )
    query = f"SELECT count() FROM numbers(100000000000000) -- {mark}"
    with subprocess.Popen(
        [sys.executable, "-m", "processors.cli.main", "sql", query],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ,
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        eventually(lambda: database.rows(running) == [(1,)], 30)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        watchdog.cancel()
    assert (process.returncode, err.split()) == (130, [b"interrupted"])
    eventually(lambda: database.rows(running) == [(0,)], 10)
