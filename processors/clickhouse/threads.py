"""ClickHouse, asked from an event loop: the driver blocks, so its calls are made in threads."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from clickhouse_connect.driver.client import Client

from processors.clickhouse.connection import open_clickhouse
from processors.settings import Settings

T = TypeVar("T")


class Threads:
    """One client in so many threads. Opens nothing before the first question; to be closed with
    :meth:`close`. ``patience_s``: so long may the server be silent.
    """

    def __init__(self, settings: Settings, count: int, patience_s: int) -> None:
        self._settings = settings
        self._patience_s = patience_s
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="clickhouse")
        self._opening = threading.Lock()
        self._client: Client | None = None

    async def call(self, ask: Callable[[Client], T]) -> T:
        """What ``ask`` returns; raises what it raises, and ``NoClickHouse``."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._called, ask)

    def close(self) -> None:
        """Does not wait for questions under way."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    def _called(self, ask: Callable[[Client], T]) -> T:
        with self._opening:
            if self._client is None:
                self._client = open_clickhouse(self._settings, patience_s=self._patience_s)
            client = self._client
        return ask(client)
