"""TLS in front of a server on loopback that speaks none itself."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
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
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind, before = await asyncio.open_connection(HOST, port)
            with suppress(OSError):
                await asyncio.gather(_copy(reader, before), _copy(behind, writer))
        finally:
            writer.close()

    starting = asyncio.start_server(forward, HOST, ssl=context)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(30)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()
