"""One client for all tasks of a loop, and what becomes of it when there is no server."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from clickhouse_connect.driver.exceptions import DatabaseError
from pydantic import SecretStr

from processors.clickhouse.connection import NoClickHouse
from processors.clickhouse.shared import SharedClient, Unanswered, answers
from processors.errors import ExitCode
from processors.settings import Settings


class _Driver:
    """``away``: so many more times it cannot be opened."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.opened = 0
        self.closed = False

    async def open(self, *_: object, **__: object) -> "_Driver":
        self.opened += 1
        await asyncio.sleep(0)
        if self.opened <= self.away:
            raise NoClickHouse("it is away", ExitCode.UNAVAILABLE)
        return self

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> _Driver:
    found = _Driver(away=0)
    monkeypatch.setattr("processors.clickhouse.connection.open_for_loop", found.open)
    return found


@pytest.mark.parametrize(
    "error", [DatabaseError("Code: 60"), NoClickHouse("it is away", ExitCode.UNAVAILABLE), TimeoutError()]
)
def test_whatever_driver_and_server_raise_is_no_answer(error: Exception) -> None:
    with pytest.raises(Unanswered) as failed, answers():
        raise error
    assert failed.value.__cause__ is error


def test_a_bug_is_no_missing_answer() -> None:
    with pytest.raises(ZeroDivisionError), answers():
        _ = 1 / 0


async def test_those_who_meet_share_it_and_one_of_them_may_go(driver: _Driver) -> None:
    client = SharedClient(Settings(), 1)
    gone = asyncio.create_task(client.get())
    waiting = asyncio.create_task(client.get())
    await asyncio.sleep(0)
    gone.cancel()
    assert await waiting is await client.get()
    assert driver.opened == 1
    await client.close()
    assert driver.closed


async def test_a_server_that_was_away_is_asked_again(driver: _Driver) -> None:
    driver.away = 1
    client = SharedClient(Settings(), 1)
    tried = await asyncio.gather(client.get(), client.get(), return_exceptions=True)
    assert [type(one) for one in tried] == [NoClickHouse, NoClickHouse]
    await client.get()
    assert driver.opened == 2
    await client.close()


async def test_without_a_question_nothing_is_opened(driver: _Driver) -> None:
    await SharedClient(Settings(), 1).close()
    assert driver.opened == 0


async def test_an_embedded_engine_is_none_to_share() -> None:
    settings = Settings(clickhouse_url=SecretStr("chdb:///nowhere"))
    with pytest.raises(NoClickHouse, match="has to name a server"):
        await SharedClient(settings, 1).get()


async def test_whom_we_do_not_trust_is_told_as_that() -> None:
    """The driver's library for event loops wraps what TLS says."""
    theirs, trusted = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.issue_cert("127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    with trusted.cert_pem.tempfile() as file:
        settings = Settings(
            clickhouse_url=SecretStr(f"https://127.0.0.1:{port}"), clickhouse_ca_file=Path(file)
        )
        with pytest.raises(NoClickHouse, match=r"TLS with ClickHouse .* fails: .*issuer certificate"):
            await SharedClient(settings, 1).get()
    server.close()
