"""The gateway of ``leadstream up``: its port, and whether it answers."""

import asyncio
import socket
from pathlib import Path
from typing import Final

from processors.settings import Settings, variable
from processors.settings.gateway import GATEWAY_PORT

_POLL_S: Final = 0.1
_HOST: Final = "127.0.0.1"


def gateway_port(settings: Settings, data: Path) -> int:
    """The one that is set, which has to be free; else that of the last run in ``data``, or the usual one, or
    any other. It is kept for the next run. Raises ``PortInUse``.
    """
    from deploy.local.errors import PortInUse
    from deploy.local.ports import claim

    kept = data / "gateway-port"
    try:
        last = int(kept.read_text())
    except (FileNotFoundError, ValueError):
        last = None
    try:
        port = claim(settings.gateway_port if is_set(settings) else 0, last, GATEWAY_PORT)
    except PortInUse as error:
        raise PortInUse(error.port, variable("gateway_port")) from None
    kept.write_text(f"{port}\n")
    return port


def is_set(settings: Settings) -> bool:
    """Whether somebody has chosen the port."""
    return "gateway_port" in settings.model_fields_set and settings.gateway_port > 0


def held(port: int) -> socket.socket:
    """Until this is closed, nobody else listens there: the gateway will do so seconds after it was chosen.

    Raises ``PortInUse``.
    """
    from deploy.local.errors import PortInUse

    try:
        return socket.create_server((_HOST, port))
    except OSError:
        raise PortInUse(port) from None


def url_of(settings: Settings) -> str:
    """Of the gateway of this ``up``."""
    return f"http://{_HOST}:{settings.gateway_port}"


async def until_answering(settings: Settings) -> None:
    """Returns when it serves."""
    while True:
        if await _answers(settings.gateway_port):
            return
        await asyncio.sleep(_POLL_S)


async def _answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(_HOST, port)
    except OSError:
        return False
    try:
        writer.write(b"HEAD /openapi.json HTTP/1.0\r\n\r\n")
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()
