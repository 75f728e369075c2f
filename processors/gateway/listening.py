"""The application on a port, until it is told to stop."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from processors.errors import Misconfigured
from processors.gateway.protocol import BoundedProtocol

_BACKLOG: Final = 2_048
_KEEP_ALIVE_S: Final = 75
"""Longer than load balancers keep idle connections (60 s): else they would send requests into closed ones."""
_THIS_MACHINE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - of what listens everywhere
_GRACE_S: Final = 15
"""Less than the 30 s that orchestrators give a process to end: requests take 3 s, and events are drained
after them."""


class CannotListen(Misconfigured):
    """Nothing can listen at this address."""


def listen(host: str, port: int) -> socket.socket:
    """Connections wait from now on. Raises :class:`CannotListen`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise CannotListen(
            f"the gateway cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}",
            "Set LEADSTREAM_GATEWAY_PORT and LEADSTREAM_GATEWAY_HOST to what is free and ours.",
        ) from error


def address_of(listening: socket.socket) -> str:
    """As one on this machine writes it."""
    host, port = listening.getsockname()[:2]
    host = _THIS_MACHINE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Signals are handled by whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(app: ASGIApp, listening: socket.socket, stopping: asyncio.Event) -> None:
    """Until ``stopping`` is set; then requests under way are answered, and no others are taken."""
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        server.should_exit = True
        await serving
