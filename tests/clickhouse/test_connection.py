"""What a client leaves behind."""

import pytest
from clickhouse_connect.driver.httpclient import HttpClient

from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import connect


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
