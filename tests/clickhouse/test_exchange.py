"""Tables that take another's place under the sinks of the release before, and under kills."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse import migrations
from processors.clickhouse.connection import connect
from processors.clickhouse.migrations import migrate

pytestmark = pytest.mark.integration

CLICKS = 40
BEFORE = [f"c{number}" for number in range(CLICKS)]


@contextmanager
def as_the_release_before_left_it(
    server: LocalClickHouse, monkeypatch: pytest.MonkeyPatch, number: int = 8
) -> Iterator[tuple[Client, str]]:
    """Its schema, with rows in many months. The database, and its name.

    Before the migration of that ``number``. Its views were made by its migrations.
    """
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = connect(server.url)
    everything = migrations.migrations()
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "migrations", lambda: [one for one in everything if one.number < number])
        patch.setattr(migrations, "views", list)
        migrate(admin, name)
    client = connect(f"{server.url.rsplit('/', 1)[0]}/{name}")
    add_clicks(client, BEFORE)
    for revision, version in ((1, 1_790_000_000_300 << 22), (2, 1_790_000_000_000 << 22)):
        client.insert(
            "leads_raw", [["w", "ld", revision, version]], ["workspace_id", "lead_id", "revision", "version"]
        )
    try:
        yield client, name
    finally:
        client.close()
        admin.command(f"DROP DATABASE {name}")
        admin.close()


def add_clicks(client: Client, names: list[str]) -> None:
    rows = [["w", name, f"20{10 + place % 15}-0{1 + place % 3}-01", 7] for place, name in enumerate(names)]
    client.insert(
        "clicks_raw",
        rows,
        ["workspace_id", "click_id", "timestamp", "version"],
        column_type_names=["LowCardinality(String)", "String", "String", "UInt64"],
        settings={"max_partitions_per_insert_block": 0, "async_insert": 0},
    )


def clicks(client: Client) -> list[str]:
    return [str(row[0]) for row in client.query("SELECT click_id FROM clicks ORDER BY click_id").result_rows]


def tables(client: Client) -> list[str]:
    found = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE '%_next%'"
    )
    return [str(row[0]) for row in found.result_rows]


def test_the_rows_stay_and_the_revision_decides(
    clickhouse: LocalClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_the_release_before_left_it(clickhouse, monkeypatch) as (client, name):
        assert client.query("SELECT revision FROM leads").result_rows == [(1,)]
        assert migrate(client, name)[:1] == ["008_what_wins.sql"]
        assert clicks(client) == sorted(BEFORE)
        assert client.query("SELECT revision FROM leads").result_rows == [(2,)]
        assert tables(client) == []


class Killed(BaseException):
    pass


class Mortal:
    """A client whose process is killed before its ``life``-th command is sent, or after it was done."""

    def __init__(self, client: Client, life: int, after: bool) -> None:
        self._client, self._left, self._after = client, life, after

    def command(self, *args: Any, **more: Any) -> Any:
        self._left -= 1
        if not self._left and not self._after:
            raise Killed
        answer = self._client.command(*args, **more)
        if not self._left:
            raise Killed
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def migrated_under_kills(client: Client, number: int, *, after: bool) -> list[str]:
    """The migration of this number, tried until a life is long enough for it; each sees one command more than
    the one before, and clicks come in between. All clicks there are to be. ``after``: killed after a command,
    else before it."""
    [migration] = [one for one in migrations.migrations() if one.number == number]
    expected, life, finished = list(BEFORE), 0, False
    while not finished:
        life += 1
        try:
            migrations._apply(Mortal(client, life, after), migration)  # type: ignore[arg-type]
            finished = True
        except Killed:
            pass
        fresh = [f"d{life}-{number}" for number in range(3)]
        add_clicks(client, fresh)
        expected += fresh
    assert life > len(migration.statements())
    return expected


@pytest.mark.parametrize("after", [False, True])
def test_it_may_be_killed_anywhere(
    clickhouse: LocalClickHouse, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    """Each life sees one command more than the one before, with sinks of both kinds writing in between."""
    with as_the_release_before_left_it(clickhouse, monkeypatch) as (client, _):
        expected = migrated_under_kills(client, 8, after=after)
        assert clicks(client) == sorted(expected)
        assert client.query("SELECT revision FROM leads").result_rows == [(2,)]
        assert tables(client) == []


def test_nothing_is_lost_that_is_inserted_meanwhile(
    clickhouse: LocalClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_the_release_before_left_it(clickhouse, monkeypatch) as (client, name):
        acknowledged, done = list(BEFORE), threading.Event()

        def write() -> None:
            number = 0
            while not done.is_set():
                number += 1
                add_clicks(client, [f"m{number}"])
                acknowledged.append(f"m{number}")

        writers = [threading.Thread(target=write) for _ in range(1)]
        for writer in writers:
            writer.start()
        try:
            migrators = [
                threading.Thread(target=migrate, args=(connect(clickhouse.url), name)) for _ in range(3)
            ]
            for migrator in migrators:
                migrator.start()
            for migrator in migrators:
                migrator.join()
        finally:
            done.set()
            for writer in writers:
                writer.join()
        assert clicks(client) == sorted(acknowledged)
        assert tables(client) == []


def test_few_partitions_follow_from_what_a_producer_writes(
    clickhouse: LocalClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_the_release_before_left_it(clickhouse, monkeypatch) as (client, name):
        migrate(client, name)
        partitioned = client.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND partition_key != ''"
        )
        assert partitioned.result_rows == [("clicks_by_time_raw",)]
        client.command(
            "INSERT INTO clicks_raw (workspace_id, click_id, timestamp) "
            "SELECT 'all', toString(number), addMonths(toDateTime64('2000-01-15', 3, 'UTC'), number) "
            "FROM numbers(12 * 26)"
        )
        partitions = client.command(
            "SELECT uniqExact(partition) FROM system.parts "
            "WHERE database = currentDatabase() AND table = 'clicks_by_time_raw' AND active"
        )
        assert partitions == 1 + 12
        assert client.command("SELECT count() FROM clicks WHERE workspace_id = 'all'") == 12 * 26
