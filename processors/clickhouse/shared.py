"""ClickHouse, asked from an event loop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

from processors.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.asyncclient import AsyncClient

_DRIVER: Final = ("clickhouse_connect.driver.asyncclient", "processors.clickhouse.connection")
_CLOSE_S: Final = 0.5


class Unanswered(Exception):
    """ClickHouse cannot be reached, or does not do what was asked: ``__cause__`` says why."""


@contextmanager
def answers() -> Iterator[None]:
    """Raises :class:`Unanswered` for whatever opening a connection and asking raise."""
    try:
        yield
    except OSError as error:
        raise Unanswered from error
    except Exception as error:
        # Whoever raises one of these has loaded them; and whoever starts need not wait for that.
        from clickhouse_connect.driver.exceptions import ClickHouseError

        from processors.clickhouse.connection import NoClickHouse

        if isinstance(error, ClickHouseError | NoClickHouse):
            raise Unanswered from error
        raise


async def load_driver() -> None:
    """Imports what a question needs, in some tenths of a second of a thread: for whoever wants to be ready
    before that, and yet nobody to wait for it."""
    for module in _DRIVER:
        await asyncio.to_thread(import_module, module)


class SharedClient:
    """One client for all tasks of a loop. Opens nothing before the first question; to be closed with
    :meth:`close`. ``patience_s``: so long may the server be silent.
    """

    def __init__(self, settings: Settings, patience_s: int) -> None:
        self._settings = settings
        self._patience_s = patience_s
        self._opening: asyncio.Task[AsyncClient] | None = None

    async def get(self) -> "AsyncClient":
        """Raises ``NoClickHouse``; the next call then tries anew."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
            self._opening.add_done_callback(self._opened)
        # Several may wait for it, and one of them may go.
        return await asyncio.shield(self._opening)

    async def _open(self) -> "AsyncClient":
        await load_driver()
        from processors.clickhouse.connection import open_for_loop

        return await open_for_loop(self._settings, patience_s=self._patience_s)

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
