"""What refuses a client, and what it leaves behind."""

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.httpclient import HttpClient

from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import NoClickHouse, connect
from processors.errors import ExitCode


@pytest.mark.integration
def test_connections_end_with_their_client(clickhouse: LocalClickHouse) -> None:
    """A server that stops waits for those that are idle."""
    client, other = connect(clickhouse.url), connect(clickhouse.url)
    assert isinstance(client, HttpClient)
    assert isinstance(other, HttpClient)
    assert client.command("SELECT 1") == other.command("SELECT 1") == 1
    assert (len(client.http.pools), len(other.http.pools)) == (1, 1)
    client.close()
    assert (len(client.http.pools), len(other.http.pools)) == (0, 1)
    other.close()


@pytest.mark.parametrize(
    ("code", "named", "exit_code"),
    [
        (81, "run leadstream migrate", ExitCode.MISCONFIGURED),
        (516, "refuses the user or the password", ExitCode.MISCONFIGURED),
        (497, "not enough privileges", ExitCode.MISCONFIGURED),
        (None, "cannot be reached", ExitCode.UNAVAILABLE),
    ],
)
def test_refusals_are_told_apart(
    code: int | None, named: str, exit_code: ExitCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        error = DatabaseError("not enough privileges")
        error.code = code
        raise error

    monkeypatch.setattr(clickhouse_connect, "get_client", refuse)
    with pytest.raises(NoClickHouse, match=named) as refused:
        connect("http://reader:secret@clickhouse:8123/leadstream")
    assert refused.value.exit_code is exit_code
    assert "secret" not in str(refused.value)
