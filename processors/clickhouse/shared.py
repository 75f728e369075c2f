"""ClickHouse, asked from an event loop."""

import asyncio
from contextlib import suppress
from typing import Final

# Not when the first question comes: it takes some tenths of a second.
from clickhouse_connect.driver.asyncclient import AsyncClient

from processors.clickhouse.connection import open_for_loop
from processors.settings import Settings

_CLOSE_S: Final = 0.5


class SharedClient:
    """One client for all tasks of a loop. Opens nothing before the first question; to be closed with
    :meth:`close`. ``patience_s``: so long may the server be silent.
    """

    def __init__(self, settings: Settings, patience_s: int) -> None:
        self._settings = settings
        self._patience_s = patience_s
        self._opening: asyncio.Task[AsyncClient] | None = None

    async def get(self) -> AsyncClient:
        """Raises ``NoClickHouse``; the next call then tries anew."""
        if self._opening is None:
            self._opening = asyncio.create_task(open_for_loop(self._settings, patience_s=self._patience_s))
            self._opening.add_done_callback(self._opened)
        # Several may wait for it, and one of them may go.
        return await asyncio.shield(self._opening)

    def _opened(self, task: "asyncio.Task[AsyncClient]") -> None:
        if task.cancelled() or task.exception() is not None:
            self._opening = None

    async def close(self) -> None:
        """Waits half a second for questions under way, and ends those that are left."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        if not opening.done():
            opening.cancel()
            await asyncio.wait([opening])
        if opening.cancelled() or opening.exception() is not None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await opening.result().close()
