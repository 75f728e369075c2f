"""As much of a broker as a client needs to connect: it answers ApiVersions and Metadata, and nothing else."""

import itertools
import socket
import ssl
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

HOST = "127.0.0.1"
_API_VERSIONS, _METADATA = 18, 3
_NOBODY = 1
"""A port on which nobody listens."""
_VERSIONS = struct.pack(">hihhh", 0, 1, _METADATA, 1, 1)


@contextmanager
def broker(tls: ssl.SSLContext | None = None, unnamed: int = 0, gone: int = 0) -> Iterator[str]:
    """Its address. It never says good-bye: whoever waits for that waits long.

    ``unnamed``: so many of its first answers name no broker, as before it was let into its cluster. ``gone``:
    so many others are named beside it, of which nobody knows yet that they are away.
    """
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        port = listener.getsockname()[1]
        held: list[socket.socket] = []
        whole = _metadata([port, *[_NOBODY] * gone])
        metadata = itertools.chain([_metadata([])] * unnamed, itertools.repeat(whole))
        threading.Thread(target=_accept, args=(listener, tls, held, metadata), daemon=True).start()
        yield f"{HOST}:{port}"
        for connection in held:
            connection.close()


@contextmanager
def mute() -> Iterator[str]:
    """The address of one that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield f"{HOST}:{listener.getsockname()[1]}"


def _accept(
    listener: socket.socket, tls: ssl.SSLContext | None, held: list[socket.socket], metadata: Iterator[bytes]
) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, tls, held, metadata), daemon=True).start()


def _serve(
    connection: socket.socket,
    tls: ssl.SSLContext | None,
    held: list[socket.socket],
    metadata: Iterator[bytes],
) -> None:
    """What the client has closed stays open here, without an answer to its good-bye."""
    held.append(connection)
    with suppress(OSError):
        if tls:
            connection = tls.wrap_socket(connection, server_side=True)
            held.append(connection)
        while True:
            (size,) = struct.unpack(">i", _exactly(connection, 4))
            request = _exactly(connection, size)
            api, _version, correlation = struct.unpack(">hhi", request[:8])
            answer = struct.pack(">i", correlation)
            answer += _VERSIONS if api == _API_VERSIONS else next(metadata)
            connection.sendall(struct.pack(">i", len(answer)) + answer)


def _metadata(ports: Iterable[int]) -> bytes:
    """Brokers at these ports, and no topic."""
    host = HOST.encode()
    brokers = [
        struct.pack(f">ih{len(host)}sih", number, len(host), host, port, -1)
        for number, port in enumerate(ports, start=1)
    ]
    return struct.pack(">i", len(brokers)) + b"".join(brokers) + struct.pack(">ii", 1, 0)


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise OSError
        parts += part
    return parts
