"""On a socket: what a parser lets through, and what comes slowly, endlessly, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from processors.gateway import protocol
from processors.gateway.listening import CannotListen, address_of, listen, serve
from processors.gateway.routing import Call
from tests.gateway.doors import SECRET, Door

HEAD = f"Host: api.test\r\nx-from: 192.0.2.1\r\nAuthorization: Bearer {SECRET.text}\r\n".encode()


class Served:
    """A door on a port, and clients that are no libraries."""

    def __init__(self, port: int, stopping: asyncio.Event) -> None:
        self.port = port
        self.stopping = stopping

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def says(self, *parts: bytes) -> bytes:
        """All that it answers until it hangs up."""
        reader, writer = await self.connect()
        for part in parts:
            writer.write(part)
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def served(door: Door) -> AsyncIterator[Served]:
    stopping, listening = asyncio.Event(), listen("127.0.0.1", 0)
    task = asyncio.create_task(serve(door.app, listening, stopping))
    yield Served(listening.getsockname()[1], stopping)
    stopping.set()
    await task


def test_a_port_that_is_taken_is_named() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert address_of(taken) == f"http://127.0.0.1:{port}"
        with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1:{port}: .*in use") as caught:
            listen("127.0.0.1", port)
    assert "LEADSTREAM_GATEWAY_PORT" in caught.value.remedy


async def test_requests_one_after_the_other_on_one_connection() -> None:
    door = Door()
    body = b'{"itemName":"tea"}'
    post = b"POST /orders HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    get = b"GET /orders?text=%C3%A4 HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n"
    async with served(door) as there:
        answers = await there.says(post + b"HEAD /orders HTTP/1.1\r\n" + HEAD + b"\r\n" + get)
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    assert answers.count(b'{"ok":true}') == 2
    assert [call.query and call.query.text for call in door.calls] == [None, None, "ä"]
    assert b"uvicorn" not in answers.lower()


async def test_a_body_in_chunks() -> None:
    door = Door()
    head = b"POST /orders HTTP/1.1\r\n" + HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with served(door) as there:
        answer = await there.says(head + b'5\r\n{"ite\r\n', b'd\r\nmName":"tea"}\r\n0\r\n\r\n')
    assert b"200 OK" in answer
    assert door.calls[0].body.item_name == "tea"


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: api.test\r\nBad Name: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
)
async def test_what_is_no_request(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with served(Door()) as there:
        answer = await there.says(sent)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert "nonsense" not in caplog.text


@pytest.mark.parametrize(
    "more",
    [
        b"x: " + b"y" * protocol.HEAD_BYTES,
        b"x: y\r\n" * (protocol.HEAD_BYTES // 6),
    ],
)
async def test_endless_headers(more: bytes) -> None:
    door = Door()
    async with served(door) as there:
        answer = await there.says(b"GET /orders HTTP/1.1\r\n" + HEAD, more)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert not door.calls


async def test_an_endless_path() -> None:
    async with served(Door()) as there:
        answer = await there.says(b"GET /" + b"x" * protocol.HEAD_BYTES)
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_headers_that_are_whole_and_too_large_are_told_so_in_json() -> None:
    async with served(Door()) as there:
        more = b"x: " + b"y" * 16_384 + b"\r\nConnection: close\r\n\r\n"
        answer = await there.says(b"GET /orders HTTP/1.1\r\n" + HEAD + more)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"code":"headers_too_large"' in answer


@pytest.mark.parametrize(
    ("sent", "answer"), [(b"GET /orders HTTP/1.1\r\nHost: a", b"HTTP/1.1 408 "), (b"", b"")]
)
async def test_slow_headers(monkeypatch: pytest.MonkeyPatch, sent: bytes, answer: bytes) -> None:
    monkeypatch.setattr(protocol, "SEND_S", 0.05)
    async with served(Door()) as there:
        assert (await there.says(sent)).partition(b"Request")[0] == answer


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
async def test_a_slow_body(monkeypatch: pytest.MonkeyPatch, framing: bytes) -> None:
    monkeypatch.setattr(protocol, "SEND_S", 0.05)
    door = Door()
    async with served(door) as there:
        answer = await there.says(b"POST /orders HTTP/1.1\r\n" + HEAD + framing + b"\r\n\r\n2\r\n{")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert door.stats.requests == {("POST /orders", "0"): 1}


async def pour(writer: asyncio.StreamWriter, part: bytes, most: int) -> None:
    """Send a part again and again, until ``most`` bytes are gone."""
    sent = 0
    while sent < most:
        writer.write(part)
        sent += len(part)
        await writer.drain()


@pytest.mark.parametrize("path", ["/orders", "/nowhere", "/orders/count"])
async def test_an_endless_body_ends_the_connection(path: str) -> None:
    door = Door()
    async with served(door) as there:
        _, writer = await there.connect()
        writer.write(f"POST {path} HTTP/1.1\r\n".encode() + HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(ConnectionError):
            await pour(writer, b"8000\r\n" + b" " * 0x8000 + b"\r\n", 256 * 1024 * 1024)
        writer.close()
    ((_, status),) = door.stats.requests
    assert status in ("413", "404", "405")


async def test_a_body_that_is_announced_as_too_large_is_not_waited_for() -> None:
    async with served(Door()) as there:
        answer = await there.says(b"POST /orders HTTP/1.1\r\n" + HEAD + b"Content-Length: 9999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_endless_trailers_end_the_connection() -> None:
    head = b"POST /orders HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    async with served(Door()) as there:
        _, writer = await there.connect()
        writer.write(head)
        with pytest.raises(ConnectionError):
            await pour(writer, b"x: " + b"y" * 1000 + b"\r\n", 256 * 1024 * 1024)
        writer.close()


async def test_who_asks_and_never_reads_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """And keeps no place among the requests under way."""
    monkeypatch.setattr(protocol, "TAKE_S", 0.05)
    door = Door()
    object.__setattr__(door.route("/orders/count"), "handle", _much)
    async with served(door) as there:
        reader, writer = await there.connect()
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write((b"GET /orders/count HTTP/1.1\r\n" + HEAD + b"\r\n") * 100)
        await until(lambda: door.stats.requests["GET /orders/count", "200"] >= 2 and not door.stats.under_way)
        assert door.stats.requests.total() < 100
        writer.close()


async def until(condition: Callable[[], bool]) -> None:
    """At most 20 s."""
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


async def _much(call: Call) -> bytes:
    return b"x" * 4_000_000


async def test_a_request_under_way_is_answered_before_the_end() -> None:
    door, begun, release = Door(), asyncio.Event(), asyncio.Event()

    async def slowly(call: Call) -> dict[str, bool]:
        begun.set()
        await release.wait()
        return {"late": True}

    object.__setattr__(door.route("/orders/count"), "handle", slowly)
    async with served(door) as there, httpx.AsyncClient(base_url=f"http://127.0.0.1:{there.port}") as client:
        headers = {"x-from": "192.0.2.1", "Authorization": f"Bearer {SECRET.text}"}
        assert (await client.get("/orders", headers=headers)).status_code == 200
        under_way = asyncio.create_task(client.get("/orders/count", headers=headers))
        await begun.wait()
        there.stopping.set()
        while True:
            try:
                _, writer = await there.connect()
            except ConnectionError:
                break
            writer.close()
        release.set()
        assert (await under_way).json() == {"late": True}
