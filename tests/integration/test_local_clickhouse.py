"""The embedded ClickHouse as its users meet it: over HTTP, across restarts."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.errors import DataDirectoryInUse, PortInUse
from tests.conftest import eventually

pytestmark = pytest.mark.integration


@contextmanager
def connected(server: LocalClickHouse, username: str | None = None, password: str = "") -> Iterator[Client]:
    """As its own user, or as another one."""
    url = server.url if username is None else f"http://{username}:{password}@127.0.0.1:{server.port}"
    client = clickhouse_connect.get_client(dsn=url, autogenerate_session_id=False)
    try:
        yield client
    finally:
        client.close_connections()


@pytest.fixture
def own_clickhouse(tmp_path: Path) -> Iterator[LocalClickHouse]:
    """A ClickHouse that the test may stop and kill."""
    with LocalClickHouse(tmp_path / "own") as server:
        yield server


def make_table(server: LocalClickHouse) -> None:
    with connected(server) as client:
        client.command("CREATE DATABASE app ENGINE = Atomic")
        client.command("CREATE TABLE app.numbers (n UInt64) ENGINE = MergeTree ORDER BY n")


def insert(server: LocalClickHouse, *numbers: int) -> None:
    with connected(server) as client:
        client.insert("app.numbers", [[number] for number in numbers], column_names=["n"])


def stored(server: LocalClickHouse) -> list[int]:
    with connected(server) as client:
        return [n for (n,) in client.query("SELECT n FROM app.numbers ORDER BY n").result_rows]


def test_rows_are_there_after_a_restart(own_clickhouse: LocalClickHouse) -> None:
    make_table(own_clickhouse)
    insert(own_clickhouse, 1, 2)
    url = own_clickhouse.url
    own_clickhouse.stop()
    own_clickhouse.start()
    assert own_clickhouse.url == url
    insert(own_clickhouse, 3)
    assert stored(own_clickhouse) == [1, 2, 3]


def test_acknowledged_rows_survive_kill_9(own_clickhouse: LocalClickHouse) -> None:
    make_table(own_clickhouse)
    for number in range(3):
        insert(own_clickhouse, number)
        own_clickhouse.kill()
        own_clickhouse.start()
    assert stored(own_clickhouse) == [0, 1, 2]


def test_stop_lets_a_request_finish(own_clickhouse: LocalClickHouse) -> None:
    make_table(own_clickhouse)
    with connected(own_clickhouse) as client, connected(own_clickhouse) as watcher:
        slow = threading.Thread(
            target=client.command, args=("INSERT INTO app.numbers SELECT number + sleep(1) FROM numbers(1)",)
        )
        slow.start()
        running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'"
        eventually(lambda: watcher.command(running) == 1)
        own_clickhouse.stop()
        slow.join()
    own_clickhouse.start()
    assert stored(own_clickhouse) == [0]


def test_it_is_in_utc_and_knows_only_its_own_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with LocalClickHouse(tmp_path) as server:
        with connected(server) as client:
            assert client.command("SELECT timezone()") == "UTC"
            assert client.command("SELECT toString(toDateTime(0))") == "1970-01-01 00:00:00"
            assert client.command("SELECT currentUser()") == "leadstream"
        for login in (("root",), ("default",), ("leadstream", "x")):
            with pytest.raises(DatabaseError, match="AUTHENTICATION_FAILED"), connected(server, *login):
                pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a table of sockets to read")
def test_it_listens_on_loopback_only(clickhouse: LocalClickHouse) -> None:
    tables = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    sockets = [line.split() for line in tables.splitlines()]
    port, listening = f":{clickhouse.port:04X}", "0A"
    assert [local for _, local, _, state, *_ in sockets if local.endswith(port) and state == listening] == [
        "0100007F" + port
    ]


def test_two_side_by_side_are_strangers(clickhouse: LocalClickHouse, own_clickhouse: LocalClickHouse) -> None:
    make_table(own_clickhouse)
    with connected(clickhouse) as client:
        assert client.command("EXISTS DATABASE app") == 0


def test_its_port_and_its_directory_are_its_own(clickhouse: LocalClickHouse, tmp_path: Path) -> None:
    with pytest.raises(PortInUse, match=str(clickhouse.port)):
        LocalClickHouse(tmp_path, clickhouse.port).start()
    with pytest.raises(DataDirectoryInUse, match=f"process {os.getpid()}"):
        LocalClickHouse(clickhouse.data_dir).start()
    assert clickhouse.process_alive


def test_any_directory_name_will_do(tmp_path: Path) -> None:
    with LocalClickHouse(tmp_path / "a, b=ć <&>' \\n") as server, connected(server) as client:
        assert client.command("SELECT 1") == 1


PARENT = """
import sys
from pathlib import Path
from deploy.local.clickhouse import LocalClickHouse
server = LocalClickHouse(Path(sys.argv[1]))
server.start()
print(server.port, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent's life")
def test_kill_9_of_its_owner_ends_it_and_the_next_owner_finds_the_data(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        port = int(owner.stdout.readline())
        owner.kill()
    with LocalClickHouse(tmp_path) as heir, connected(heir) as client:
        assert heir.port == port
        assert client.command("SELECT 1") == 1
