"""Calls of the bench: what they wait for is told apart."""

import asyncio
from pathlib import Path

from bench.gateway.load import Load, _run
from deploy.local.ports import HOST

_ANSWER = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"
_REQUEST = b"GET / HTTP/1.1\r\n\r\n"
_CALLS = 5


async def test_calls_for_which_no_connection_is_free_are_made_late(tmp_path: Path) -> None:
    async def answer_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(len(_REQUEST)):
            await asyncio.sleep(0.02)
            writer.write(_ANSWER)
        writer.close()

    async with await asyncio.start_server(answer_slowly, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        loaded = await _run(Load(HOST, port, [_REQUEST] * _CALLS, 1_000.0, 1, tmp_path / "out"))
    assert loaded.statuses == {b"204": _CALLS}
    assert list(loaded.late_ns) == sorted(loaded.late_ns), "each waits for all before it"
    assert all(late < waited for late, waited in zip(loaded.late_ns, loaded.waited_ns, strict=True))
    assert loaded.late_ns[-1] > loaded.late_ns[1] > 0
