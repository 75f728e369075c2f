"""Who gets into the embedded ClickHouse, and how far: strangers of this machine, web pages, its own user."""

import base64
import http.client
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.clickhouse import LocalClickHouse
from processors.files import OTHERS

pytestmark = pytest.mark.integration

SECRET = "read me if you can"  # noqa: S105 - what must not be read


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClickHouse]:
    """As ``leadstream up`` starts it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADSTREAM_PLANTED", SECRET)
        with LocalClickHouse(tmp_path_factory.mktemp("access"), databases="leadstream*") as server:
            yield server


def ask(
    server: LocalClickHouse, sql: str, *, path: str = "/", method: str = "POST", **headers: str
) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers of what anybody may send. Underscores in names of headers are dashes."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, sql.encode(), named)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def own(server: LocalClickHouse) -> str:
    """The header of whoever has the URL."""
    parts = urlsplit(server.url)
    return basic(parts.username or "", parts.password or "")


def test_the_owner_gets_in(server: LocalClickHouse) -> None:
    parts = urlsplit(server.url)
    said = ask(server, "SELECT currentUser()", Authorization=own(server))
    assert said[:2] == (200, f"{parts.username}\n")
    keys = {"X_ClickHouse_User": parts.username or "", "X_ClickHouse_Key": parts.password or ""}
    assert ask(server, "SELECT currentUser()", **keys)[:2] == (200, f"{parts.username}\n")
    assert re.fullmatch(r"[\w-]{20,}", parts.password or "")


@pytest.mark.parametrize("sql", ["SELECT 1", "SYSTEM STOP LISTEN HTTP", "SELECT file('/etc/passwd')"])
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/?user=default", {}),
        ("/?user=default&password=", {}),
        ("/?user=leadstream", {}),
        ("/", {"X_ClickHouse_User": "default"}),
        ("/", {"X_ClickHouse_User": "leadstream"}),
        ("/", {"X_ClickHouse_User": "leadstream", "X_ClickHouse_Key": "leadstream"}),
        ("/", {"Authorization": basic("default", "")}),
        ("/", {"Authorization": basic("leadstream", "")}),
        ("/", {"Authorization": basic("leadstream", "wrong")}),
        ("/", {"Authorization": "never"}),
        ("/play", {}),
    ],
)
def test_a_stranger_does_not(server: LocalClickHouse, path: str, headers: dict[str, str], sql: str) -> None:
    status, body, _ = ask(server, sql, path=path, **headers)
    assert (status, "AUTHENTICATION_FAILED" in body) == (403, True)
    assert server.process_alive


def test_a_web_page_reads_nothing(server: LocalClickHouse) -> None:
    """Neither with the password nor without, and no browser is told that it may ask."""
    for method in ("POST", "GET", "OPTIONS"):
        for headers in ({}, {"Authorization": own(server)}):
            *_, answered = ask(server, "SELECT 1", method=method, Origin="http://evil.example", **headers)
            assert not [name for name in answered if name.lower() == "access-control-allow-origin"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.1@x", ""]
)
def test_it_answers_to_no_other_name(server: LocalClickHouse, host: str) -> None:
    """A page whose name was made to point here is of another host than it says."""
    status, body, _ = ask(server, "SELECT 1", Host=host, Authorization=own(server))
    assert status in (400, 404)
    assert body != "1\n"


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_it_answers_to_its_own(server: LocalClickHouse, name: str) -> None:
    said = ask(server, "SELECT 1", Host=f"{name}:{server.port}", Authorization=own(server))
    assert said[:2] == (200, "1\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can shut a process in")
def test_its_user_reaches_no_file_and_no_other_server(server: LocalClickHouse, tmp_path: Path) -> None:
    secret, stolen = tmp_path / "secret", tmp_path / "stolen"
    secret.write_text(SECRET)
    ours = "leadstream_files"
    table = f"CREATE TABLE {ours}.t (a String) ENGINE = MergeTree ORDER BY a"
    for statement in (f"CREATE DATABASE {ours}", table):
        assert ask(server, statement, Authorization=own(server))[0] == 200
    for attempt in (
        f"SELECT file('{secret}')",
        f"SELECT * FROM file('{secret}', 'LineAsString')",
        f"SELECT * FROM filesystem('{tmp_path}')",
        f"SELECT * FROM sqlite('{stolen}', 'a')",
        f"INSERT INTO FUNCTION file('{stolen}', 'CSV', 'a String') SELECT 'a'",
        f"INSERT INTO {ours}.t FROM INFILE '{secret}' FORMAT LineAsString",
        f"SELECT 1 INTO OUTFILE '{stolen}'",
        f"CREATE TABLE {ours}.f (a String) ENGINE = File(LineAsString, '{secret}')",
        "CREATE TEMPORARY TABLE f (a String) ENGINE = File(LineAsString, '/etc/passwd')",
        table.replace(".t", ".d") + f" SETTINGS disk = disk(type = local, path = '{stolen}/')",
        f"ATTACH TABLE {ours}.a FROM '{tmp_path}' (a String) ENGINE = MergeTree ORDER BY a",
        f"CREATE DATABASE {ours}_f ENGINE = Filesystem('{tmp_path}')",
        f"CREATE DICTIONARY {ours}.d (a String) PRIMARY KEY a SOURCE(FILE(path '{secret}'))",
        f"BACKUP DATABASE {ours} TO File('{stolen}')",
        "SELECT * FROM executable('id', 'TSV', 'a String')",
        "SELECT * FROM python(secret)",
        f"SELECT * FROM url('http://127.0.0.1:{server.port}/', 'LineAsString')",
        f"SELECT * FROM remote('127.0.0.1:{server.port}', system.one)",
        f"SELECT * FROM s3('http://127.0.0.1:{server.port}/bucket/a', 'CSV', 'a String')",
        f"CREATE TABLE {ours}.u (a String) ENGINE = URL('http://127.0.0.1:{server.port}/', 'CSV')",
        "CREATE DATABASE other",
        "CREATE USER other",
        "SYSTEM STOP LISTEN HTTP",
        "SYSTEM SHUTDOWN",
    ):
        status, body, _ = ask(server, attempt, Authorization=own(server))
        assert status != 200, f"{attempt} → {body}"
        assert SECRET not in body
    # The server's own user, which has no password, is of no more use to whoever has ours.
    inside = ask(server, f"SELECT file('{secret}')", path="/?user=default", Authorization=own(server))
    assert inside[0] != 200
    assert not stolen.exists()
    environment = ask(server, "SELECT file('/proc/self/environ')", Authorization=own(server))[1]
    assert "PLANTED" not in environment
    assert server.process_alive


def test_the_password_stays_and_is_the_owners_to_read(tmp_path: Path) -> None:
    with LocalClickHouse(tmp_path / "one") as server:
        url = server.url
    with LocalClickHouse(tmp_path / "one") as again, LocalClickHouse(tmp_path / "two") as other:
        assert again.url == url
        assert urlsplit(other.url).password != urlsplit(url).password
        kept = (tmp_path / "one" / "password").read_text()
        assert kept == urlsplit(url).password
    for path in (tmp_path / "one").rglob("*"):
        assert not stat.S_IMODE(path.lstat().st_mode) & OTHERS or path.is_symlink(), path
