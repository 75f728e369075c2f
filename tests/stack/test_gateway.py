"""Where the gateway of `leadstream up` listens: where it did the last time, if that can be."""

import asyncio
import socket
from pathlib import Path

import pytest

from deploy.local.errors import PortInUse
from deploy.local.ports import free_port, is_free
from processors.settings import Settings
from processors.stack.gateway import gateway_port, held, until_answering, url_of


def test_a_port_that_is_set_is_the_one(tmp_path: Path) -> None:
    port = free_port()
    assert gateway_port(Settings(gateway_port=port), tmp_path) == port
    assert gateway_port(Settings(), tmp_path) == port, "and is kept"


def test_one_that_is_set_and_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"{port} \(LEADSTREAM_GATEWAY_PORT\)"):
            gateway_port(Settings(gateway_port=port), tmp_path)


def test_nobody_takes_it_before_the_gateway_does(tmp_path: Path) -> None:
    """Neither a server of our own, nor another `up`."""
    port = gateway_port(Settings(), tmp_path)
    with held(port):
        assert not is_free(port)
        with pytest.raises(PortInUse):
            held(port)
    assert is_free(port)


@pytest.mark.parametrize("kept", ["", "8787 or so", "\n"])
def test_another_one_where_the_last_is_taken(tmp_path: Path, kept: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        last = taken.getsockname()[1]
        (tmp_path / "gateway-port").write_text(f"{last}\n")
        port = gateway_port(Settings(), tmp_path)
    assert port != last
    assert gateway_port(Settings(), tmp_path) == port
    (tmp_path / "gateway-port").write_text(kept)
    assert gateway_port(Settings(), tmp_path) > 0


async def test_it_is_waited_for_until_it_answers() -> None:
    answers = [b"HTTP/1.0 503 Service Unavailable\r\n\r\n", b"", b"HTTP/1.0 200 OK\r\n\r\n"]
    settings = Settings(gateway_port=free_port())

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop(0))
        writer.close()

    waiting = asyncio.create_task(until_answering(settings))
    await asyncio.sleep(0)
    async with await asyncio.start_server(answer, "127.0.0.1", settings.gateway_port):
        await waiting
    assert answers == []
    assert url_of(settings) == f"http://127.0.0.1:{settings.gateway_port}"
