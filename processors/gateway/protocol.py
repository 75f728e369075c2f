"""Bytes → requests: uvicorn's protocol, and bounds on what may come, and how slowly.

Without them headers may be endless, in size and in time: the parser keeps all of them. How large a body may
be, the application says.
"""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

Bytes = bytes | bytearray | memoryview
HEAD_BYTES: Final = 32 * 1024
"""Of a request whose headers are not there yet. Complete ones the application judges, and says so in JSON."""
SEND_S: Final = 10.0
"""So long may a client take to send headers, and then a body."""
TAKE_S: Final = 30.0
"""So long may a client take to receive anything of what waits for it. Else whoever asks and never reads would
hold a place among the requests under way for ever."""
MESSAGE_BYTES: Final = 4 * 1024 * 1024
"""Above the largest body, with all that frames it: a client that goes on is not told any more."""
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
)
_MALFORMED: Final = (
    b'{"error":{"code":"bad_request","message":"This is no HTTP request that can be read: it is malformed,'
    b' or its first line has more than 64 KiB.","doc_url":"/docs#bad-request"}}'
)
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class JoiningTransport(Transport):
    """Another transport, with what is written within one turn of the event loop sent at once.

    A head and its body are two writes of uvicorn: each would be a call of the system, and wake the client.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._parts: list[Bytes] = []

    def write(self, data: Bytes) -> None:
        """Soon."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        """After what was written."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """At once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """As of the other."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As of the other."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """As of the other."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """As of the other."""
        self._transport.resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._received = 0
        self._patience: TimerHandle | None = None
        self._untaken: TimerHandle | None = None
        self._running: RequestResponseCycle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """From now on a request is waited for."""
        super().connection_made(JoiningTransport(transport, self.loop))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        self._taken()
        if self._running is not None:
            # Uvicorn tells it to the request that came last; this one may be some before that.
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words, which say less
        """No application ever hears of it; the answer has the shape of all others."""
        head = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\n"
        length = b"content-length: %d\r\n\r\n" % len(_MALFORMED)
        self.transport.write(head + length + _MALFORMED)
        self.transport.close()

    def pause_writing(self) -> None:
        """The client takes less than it asks for."""
        super().pause_writing()
        self._untaken = self.loop.call_later(TAKE_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken what waited."""
        self._taken()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """More of a message, or several of them."""
        self._received += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._received > HEAD_BYTES:
            self._end(_TOO_LARGE)
        elif self._received > MESSAGE_BYTES:
            self.transport.abort()
        elif self._received and self._patience is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """A body may follow."""
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes now is another one."""
        self._in_head, self._received = True, 0
        self._stop_waiting()
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: "ASGI3Application") -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(SEND_S, self._end, _TOO_SLOW)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _taken(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def _end(self, answer: bytes) -> None:
        # Nothing is said into an answer that has begun or is worked on, or to whoever has only connected.
        idle = self.cycle is None or self.cycle.response_complete
        waiting = not self._in_head and not idle and not self.cycle.response_started
        if self._received and (waiting or (self._in_head and idle)):
            self.transport.write(answer)
        self.transport.close()
