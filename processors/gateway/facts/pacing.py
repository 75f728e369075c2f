"""How soon the topics are fetched again. A fetch takes most of a millisecond of CPU, whatever it brings."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

SOON_S: Final = 0.02
"""Least time between two fetches while somebody waits for what others write."""
LEISURE_S: Final = 0.1
"""The same while nobody does: its own events a gateway knows before it reads them."""


class Pace:
    """Of one reader, which rests between two fetches."""

    def __init__(self, soon_s: float = SOON_S, leisure_s: float = LEISURE_S) -> None:
        self._soon_s, self._leisure_s = soon_s, leisure_s
        self._waiting = 0
        self._wanted = asyncio.Event()

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Within it somebody waits: a rest that is being taken ends, those after it are short."""
        self._waiting += 1
        self._wanted.set()
        try:
            yield
        finally:
            self._waiting -= 1

    async def rest(self) -> None:
        """Returns when it is time for the next fetch."""
        await asyncio.sleep(self._soon_s)
        if self._waiting:
            return
        self._wanted.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._leisure_s - self._soon_s):
                await self._wanted.wait()
