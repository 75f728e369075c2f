"""TLS in front of a server on loopback that speaks none itself."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress

from tests.authority import Authority, Identity

HOST = "127.0.0.1"


@contextmanager
def tls_proxy(port: int, identity: Identity, clients: Authority | None = None) -> Iterator[int]:
    """The port where TLS is spoken. ``clients``: who has to have issued the certificate of a client."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(identity.cert, identity.key)
    if clients is not None:
        context.load_verify_locations(clients.file)
        context.verify_mode = ssl.CERT_REQUIRED
    ready: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(port, context, ready)))
    thread.start()
    listening, loop, stopping = ready.result(30)
    try:
        yield listening
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(30)


async def _serve(
    port: int, context: ssl.SSLContext, ready: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]]
) -> None:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection(HOST, port)
        with suppress(OSError):
            await asyncio.gather(_copy(reader, before), _copy(behind, writer))

    stopping = asyncio.Event()
    server = await asyncio.start_server(forward, HOST, ssl=context)
    ready.set_result((server.sockets[0].getsockname()[1], asyncio.get_running_loop(), stopping))
    await stopping.wait()
    server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
