"""Ports on loopback."""

import random
import socket

from deploy.local.errors import PortInUse

HOST = "127.0.0.1"
# Below the range from which operating systems serve outgoing connections: a port remembered from
# the last run is then still free, and nobody is handed it between our look and the server's bind.
_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket() as listener:
        # Servers set this too: connections of the last run that linger in TIME_WAIT are no hindrance.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen()
        except OSError:
            return False
    return True


def free_port(*, besides: int | None = None) -> int:
    """A port nobody listens on, and another one than ``besides``."""
    candidates = random.sample(_RANGE, len(_RANGE))
    return next(port for port in candidates if port != besides and is_free(port))


def claim(requested: int, remembered: int | None) -> int:
    """The port requested (``PortInUse`` when taken), or with 0 the remembered one when free, else any."""
    if requested:
        if not is_free(requested):
            raise PortInUse(requested)
        return requested
    if remembered is not None and is_free(remembered):
        return remembered
    return free_port()
