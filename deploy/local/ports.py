"""Ports on loopback."""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

from deploy.local.errors import PortInUse

HOST = "127.0.0.1"
# Below the range from which operating systems serve outgoing connections: a port remembered from
# the last run is then still free, and nobody is handed it between our look and the server's bind.
_RANGE = range(20_000, 32_000)
# To this process itself its own locks are none.
_PROMISED: set[int] = set()


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


def free_port() -> int:
    """A port nobody listens on, and which no process of ours is given as long as this one lives.

    Between our look and the server's bind pass seconds, in which others look for ports, too.
    """
    return next(port for port in random.sample(_RANGE, len(_RANGE)) if _promise(port) and is_free(port))


def claim(requested: int, *wished: int | None) -> int:
    """The port requested (``PortInUse`` when taken), or with 0 the first that is wished and free, else any.

    No other process of ours is given it as long as this one lives.
    """
    if requested:
        if not is_free(requested):
            raise PortInUse(requested)
        _promise(requested)
        return requested
    for port in wished:
        if port and (port in _PROMISED or _promise(port)) and is_free(port):
            return port
    return free_port()


def is_taken(port: int) -> bool:
    """By a server that listens, or by another process of ours whose server will."""
    if not is_free(port):
        return True
    if port in _PROMISED:
        return False
    if not _lock(port):
        return True
    fcntl.lockf(_register(), fcntl.LOCK_UN, 1, port)
    return False


def _promise(port: int) -> bool:
    """Whether it was still to be had: by this process once, by others when this one has ended."""
    if port in _PROMISED or not _lock(port):
        return False
    _PROMISED.add(port)
    return True


def _lock(port: int) -> bool:
    try:
        fcntl.lockf(_register(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except (BlockingIOError, PermissionError):  # the system has its choice of the two
        return False
    return True


@cache
def _register() -> int:
    """A file of all processes of a user: whoever was given port N holds a lock on its byte N.

    Open until this process ends, since to close it would give up every lock.
    """
    path = Path(tempfile.gettempdir()) / f"leadstream-ports-{os.getuid()}"
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:  # somebody else's: then it is up to chance
        file, name = tempfile.mkstemp()
        Path(name).unlink()
        return file
