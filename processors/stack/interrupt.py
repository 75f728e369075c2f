"""Ctrl-C and SIGTERM, for a program that first works through steps and then serves."""

import asyncio
import signal
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupt:
    """While it is entered, a signal ends :meth:`wait` if somebody waits, else raises KeyboardInterrupt.

    Python's own handler knows SIGINT only, and an event loop's would leave a gap after the loop is gone.
    For the main thread.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = asyncio.Event()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for one in (signal.SIGINT, signal.SIGTERM):
            self._before[one] = signal.signal(one, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    async def wait(self) -> None:
        """Returns when the process is asked to end."""
        self._loop = asyncio.get_running_loop()
        try:
            await self._asked.wait()
        finally:
            self._loop = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._asked.set)
            return
        before = self._before[signal.Signals(number)]
        if callable(before):
            before(number, frame)
        raise KeyboardInterrupt
