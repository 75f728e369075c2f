"""aiokafka on uvloop, when a broker resets its connections."""

import asyncio
import socket
import struct

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from processors.engine.kafka import private


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer ApiVersions (v0: Metadata 0 to 5), then hang up as a process that is killed."""
    size = int.from_bytes(await reader.readexactly(4), "big")
    request = await reader.readexactly(size)
    answer = request[4:8] + struct.pack(">hihhh", 0, 1, 3, 0, 5)
    writer.write(struct.pack(">i", len(answer)) + answer)
    await writer.drain()
    await reader.read(1)
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _send_until_it_fails() -> None:
    server = await asyncio.start_server(_reset, "127.0.0.1")
    try:
        for _ in range(20):
            port = server.sockets[0].getsockname()[1]
            connection = AIOKafkaConnection("127.0.0.1", port, request_timeout_ms=2_000)
            await connection.connect()
            with pytest.raises(KafkaConnectionError):
                await _keep_sending(connection)
            assert not connection.connected()
    finally:
        server.close()


async def _keep_sending(connection: AIOKafkaConnection) -> None:
    """Without waiting for answers: the reset arrives between two requests."""
    while True:
        asyncio.ensure_future(connection.send(MetadataRequest([]))).add_done_callback(_seen)
        await asyncio.sleep(0)


def _seen(answer: "asyncio.Future[object]") -> None:
    if not answer.cancelled():
        answer.exception()


def test_a_reset_connection_is_a_lost_one() -> None:
    """Not a RuntimeError, which nobody expects."""
    private.notice_lost_connections()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_send_until_it_fails())
