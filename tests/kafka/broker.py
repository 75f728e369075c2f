"""As much of a broker as a client needs to connect: it answers ApiVersions and Metadata, and nothing else."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HOST = "127.0.0.1"
_API_VERSIONS, _METADATA = 18, 3


@contextmanager
def broker(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Its address. It never says good-bye: whoever waits for that waits long."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        port = listener.getsockname()[1]
        held: list[socket.socket] = []
        threading.Thread(target=_accept, args=(listener, tls, held), daemon=True).start()
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


def _accept(listener: socket.socket, tls: ssl.SSLContext | None, held: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, tls, held), daemon=True).start()


def _serve(connection: socket.socket, tls: ssl.SSLContext | None, held: list[socket.socket]) -> None:
    """What the client has closed stays open here, without an answer to its good-bye."""
    port = connection.getsockname()[1]
    held.append(connection)
    with suppress(OSError):
        if tls:
            connection = tls.wrap_socket(connection, server_side=True)
            held.append(connection)
        while True:
            (size,) = struct.unpack(">i", _exactly(connection, 4))
            request = _exactly(connection, size)
            api, _version, correlation = struct.unpack(">hhi", request[:8])
            answer = struct.pack(">i", correlation) + _answer(api, port)
            connection.sendall(struct.pack(">i", len(answer)) + answer)


def _answer(api: int, port: int) -> bytes:
    if api == _API_VERSIONS:
        return struct.pack(">hihhh", 0, 1, _METADATA, 1, 1)
    host = HOST.encode()
    brokers = struct.pack(f">iih{len(host)}sih", 1, 1, len(host), host, port, -1)
    return brokers + struct.pack(">ii", 1, 0)


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise OSError
        parts += part
    return parts
