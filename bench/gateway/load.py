"""Calls on kept connections, at a fixed rate or as fast as they are answered, from a process of its own.

Run as ``python -m bench.gateway.load FILE``: a pickled :class:`Load`.
"""

import asyncio
import os
import pickle
import re
import sys
import time
from array import array
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import uvloop

from bench.machine import busy_s
from processors.garbage import collect_rarely

_TICK_S: Final = 0.001
_length: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE).search
_STATUS: Final = slice(9, 12)
"""Of ``HTTP/1.1 200 OK``."""


@dataclass(frozen=True)
class Load:
    """``requests``: as they go over the wire. ``rate``: a second; None: each connection makes its next call
    when the last one was answered."""

    host: str
    port: int
    requests: Sequence[bytes]
    rate: float | None
    connections: int
    out: Path


@dataclass(frozen=True)
class Loaded:
    """``waited_ns``: from when a call was due to its answer, in the order of the answers. ``late_ns``: the
    part of it before the call was made, in their order: waiting for a free connection, and for the caller to
    get its turn. ``statuses``: how many answers of each. ``busy``: the share of the machine's time that
    everything on it used meanwhile. ``cpu_s``: what the caller itself used."""

    waited_ns: "array[int]"
    late_ns: "array[int]"
    statuses: "Counter[bytes]"
    seconds: float
    busy: float
    cpu_s: float


class _Caller(asyncio.Protocol):
    def __init__(self, round_: "_Round") -> None:
        self._round = round_
        self._due_ns = 0
        self._left = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none by its class.
        self._transport = cast(asyncio.Transport, transport)
        self._round.free(self)

    def call(self, request: bytes, due_ns: int) -> None:
        """Only while it is free."""
        self._due_ns = due_ns
        assert self._transport is not None  # noqa: S101 - narrows: free since it was connected
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        answer = self._left + data if self._left else data
        head = answer.find(b"\r\n\r\n")
        found = _length(answer, 0, head + 2) if head >= 0 else None
        if head < 0 or len(answer) < head + 4 + (int(found[1]) if found else 0):
            self._left = answer
            return
        self._left = b""
        self._round.answered(time.monotonic_ns() - self._due_ns, bytes(answer[_STATUS]))
        self._round.free(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._round.lost()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Round:
    """All calls of a load, until the last one is answered."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._next = 0
        self._idle: deque[_Caller] = deque()
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._began_ns = 0
        self._waited, self._late = array("q"), array("q")
        self._statuses: Counter[bytes] = Counter()

    async def run(self) -> Loaded:
        loop, load = asyncio.get_running_loop(), self._load
        loop.set_exception_handler(self._failed)
        for _ in range(load.connections):
            await loop.create_connection(lambda: _Caller(self), load.host, load.port)
        collect_rarely()
        used_s, own_s = busy_s(), time.process_time()
        self._began_ns = time.monotonic_ns()
        if load.rate is None:
            for caller in list(self._idle):
                self._give(caller, self._began_ns)
        while not self._done.done():
            if load.rate is not None:
                self._give_what_is_due(load.rate)
            await asyncio.wait([self._done], timeout=_TICK_S if load.rate else 1.0)
        self._done.result()
        seconds = (time.monotonic_ns() - self._began_ns) / 1e9
        busy = (busy_s() - used_s) / seconds / (os.cpu_count() or 1)
        own_s = time.process_time() - own_s
        for caller in self._idle:
            caller.close()
        return Loaded(self._waited, self._late, self._statuses, seconds, busy, own_s)

    def free(self, caller: _Caller) -> None:
        """It may be given a call."""
        self._idle.append(caller)
        if self._load.rate is None and self._began_ns:
            self._give(caller, time.monotonic_ns())

    def answered(self, waited_ns: int, status: bytes) -> None:
        """One more; the last one ends the round."""
        self._waited.append(waited_ns)
        self._statuses[status] += 1
        if len(self._waited) == len(self._load.requests) and not self._done.done():
            self._done.set_result(None)

    def lost(self) -> None:
        """Nobody closes a connection in the middle of a round."""
        if not self._done.done():
            self._done.set_exception(ConnectionResetError("the gateway closed a connection"))

    def _failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Nobody waits for an answer that cannot come."""
        if not self._done.done():
            self._done.set_exception(context.get("exception") or RuntimeError(context["message"]))

    def _give(self, caller: _Caller, due_ns: int) -> None:
        if self._next < len(self._load.requests):
            self._idle.remove(caller)
            request = self._load.requests[self._next]
            self._next += 1
            self._late.append(time.monotonic_ns() - due_ns)
            caller.call(request, due_ns)

    def _give_what_is_due(self, rate: float) -> None:
        due = min(len(self._load.requests), int((time.monotonic_ns() - self._began_ns) / 1e9 * rate) + 1)
        while self._next < due and self._idle:
            self._give(self._idle[0], self._began_ns + int(self._next / rate * 1e9))


def main() -> None:
    """Makes the calls and writes :class:`Loaded` to ``Load.out``."""
    load: Load = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301 - our own file
    loaded = uvloop.run(_run(load))
    load.out.write_bytes(pickle.dumps(loaded))


async def _run(load: Load) -> Loaded:
    return await _Round(load).run()


if __name__ == "__main__":
    # Pickled classes are found again by the module's own name.
    from bench.gateway import load

    load.main()
