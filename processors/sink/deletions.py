"""When the rows of erased customers are deleted: soon, but not for each of them anew.

A deletion reads whole tables. So there is at most one round of them every :data:`PAUSE_S`, for all who were
erased meanwhile, and less often where a round takes long. Until then the views hide the rows.

Nothing of this has to be remembered: who was erased is in ClickHouse. A sink that starts begins with a round;
and any sink sees when another one has heard of an erasure, should that one not live to delete anything.
"""

import time
from collections.abc import Callable
from typing import Final

from processors.sink.writer import Writer

PAUSE_S: Final = 10.0
_SHARE: Final = 10
"""A round may take one part in so many of the time."""


class Deletions:
    """The rounds of one sink."""

    def __init__(self, writer: Writer, clock: Callable[[], float] = time.monotonic) -> None:
        self._writer = writer
        self._clock = clock
        self._next_at = clock()
        self._known = 0
        self._wanted = False

    def want(self) -> None:
        """Somebody was erased, or rows of somebody who was erased may have been stored."""
        self._wanted = True

    def due(self) -> bool:
        """It is time to look."""
        return self._clock() >= self._next_at

    async def look(self) -> None:
        """Delete what is to be deleted, if anything. Raises like ``Writer.insert``."""
        began = self._clock()
        known = await self._writer.count_erased()
        if self._wanted or known > self._known:
            self._wanted = not await self._writer.delete_erased()
            self._known = known
        self._next_at = self._clock() + max(PAUSE_S, _SHARE * (self._clock() - began))

    async def finish(self) -> None:
        """Before the sink ends: leave nothing to the next one that can be done now."""
        if self._wanted:
            await self.look()
