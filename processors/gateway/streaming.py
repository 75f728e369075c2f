"""Server-sent events: an answer that goes on, of what happens as it happens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from starlette.requests import Request

from processors.gateway.answers import Answer
from processors.gateway.bodies import until_gone
from processors.gateway.live import Lost, Watcher
from processors.gateway.live.positions import Position, read, written

HEARTBEAT_S: Final = 15.0
EVENT_STREAM: Final = "text/event-stream"
AT_ONCE: Final = 100
"""Records that are looked at before others get their turn."""
_HEADERS: Final = {
    "Content-Type": f"{EVENT_STREAM}; charset=utf-8",
    "Cache-Control": "no-store",
    # Some proxies would wait for the end.
    "X-Accel-Buffering": "no",
}
RETRY_MS: Final = 1_000
"""After which whoever was cut off comes back, at the earliest."""
_APART_MS: Final = 7
"""Whoever is cut off together does not come back together."""

Tell = Callable[[Watcher], bytes]
"""What the watcher is told of what is there, in the form of ``message``, with his position; empty: nothing.
It looks at ``AT_ONCE`` records at most. Raises ``Lost``."""


def since(request: Request) -> Position | None:
    """Where whoever asks has left off; None: he begins. What cannot be read is before everything: he is told
    that something is missing."""
    last = request.headers.get("last-event-id", "")
    return (read(last) or {}) if last else None


def message(data: bytes, position: Position | None = None, event: str = "") -> bytes:
    """One event. ``position``: where it is to be gone on after it."""
    head = f"event: {event}\n" if event else ""
    if position is not None:
        head += f"id: {written(position)}\n"
    return head.encode() + b"".join(b"data: %b\n" % line for line in data.splitlines()) + b"\n"


def stream(
    request: Request,
    watcher: Watcher,
    tell: Tell,
    allowed: Callable[[], bool],
) -> Answer:
    """``allowed``: may he still watch? Asked now and then."""
    return Answer(_parts(request, watcher, tell, allowed), headers=_HEADERS)


async def _parts(
    request: Request, watcher: Watcher, tell: Tell, allowed: Callable[[], bool]
) -> AsyncIterator[bytes]:
    clock = asyncio.get_running_loop().time
    gone = asyncio.create_task(until_gone(request.receive))
    gone.add_done_callback(lambda _: watcher.stir())
    away = False
    with watcher:
        try:
            # Whatever comes after the head was sent is told.
            while (begun := _begin(watcher)) is None and not (gone.done() or watcher.over or watcher.away):
                await watcher.wait(HEARTBEAT_S)
            yield b"retry: %d\n\n" % (RETRY_MS + watcher.number * _APART_MS % RETRY_MS) + (begun or b"")
            spoke = checked = clock()
            while not (gone.done() or watcher.over):
                if clock() - checked >= HEARTBEAT_S:
                    checked = clock()
                    if not allowed():
                        return
                part = b""
                if watcher.away is not away:
                    away = watcher.away
                    part = message(b"{}", event="away" if away else "back")
                begun = _begin(watcher)
                if begun is not None:
                    part += begun + tell(watcher)
                if not part and clock() - spoke >= HEARTBEAT_S:
                    part = _heartbeat(watcher.position)
                if part:
                    yield part
                    spoke = clock()
                elif watcher.waits:
                    await watcher.wait(max(0.0, spoke + HEARTBEAT_S - clock()))
                else:
                    await asyncio.sleep(0)
        except Lost:
            # Too slow: what it has not taken is not kept for it. It may come back, and is told so then.
            return
        finally:
            gone.cancel()


def _begin(watcher: Watcher) -> bytes | None:
    """None: reading has not begun. Else what is to be said of that."""
    try:
        return b"" if watcher.begin() else None
    except Lost:
        return message(b"{}", watcher.position, "reload")


def _heartbeat(position: Position | None) -> bytes:
    """Nothing has happened; browsers keep the position all the same."""
    return b":\n\n" if position is None else b"id: %b\n\n" % written(position).encode()
