"""ClickHouse, asked from an event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from processors.clickhouse.connection import NoClickHouse, open_clickhouse
from processors.gateway.answers import TryAgain
from processors.settings import Settings

Row = Sequence[Any]
Ask = Callable[[str, Mapping[str, object]], Awaitable[Sequence[Row]]]
_THREADS: Final = 2
_LONGEST_S: Final = 10
_SETTINGS: Final = {"max_threads": 2, "max_execution_time": _LONGEST_S}
NO_ANSWER: Final = "The store of past events does not answer. Try again in a moment."


class Stored:
    """For questions that read much, a few at once: apart from those that others wait for at every turn.

    Opens nothing before the first question. To be closed with :meth:`close`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._opening = threading.Lock()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="clickhouse")

    async def rows(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        """Raises ``TryAgain`` when ClickHouse cannot be reached, or takes longer than 10 s."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._rows, sql, parameters)
        except (NoClickHouse, ClickHouseError, OSError) as error:
            raise TryAgain(NO_ANSWER) from error

    def close(self) -> None:
        """Does not wait for questions under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _rows(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        with self._opening:
            if self._client is None:
                self._client = open_clickhouse(self._settings, patience_s=_LONGEST_S)
            client = self._client
        return client.query(sql, parameters=dict(parameters), settings=_SETTINGS).result_rows


def within(seconds: float, ask: Ask) -> Ask:
    """The same for callers who wait no longer: then it raises ``TryAgain``."""

    async def asked(sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        try:
            async with asyncio.timeout(seconds):
                return await ask(sql, parameters)
        except TimeoutError:
            raise TryAgain(NO_ANSWER) from None

    return asked
