"""ClickHouse, asked from an event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from processors.clickhouse.connection import NoClickHouse
from processors.clickhouse.threads import Threads
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
        self._threads = Threads(settings, _THREADS, _LONGEST_S)

    async def rows(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        """Raises ``TryAgain`` when ClickHouse cannot be reached, or takes longer than 10 s."""

        def asked(client: Client) -> Sequence[Row]:
            return client.query(sql, parameters=dict(parameters), settings=_SETTINGS).result_rows

        try:
            return await self._threads.call(asked)
        except (NoClickHouse, ClickHouseError, OSError) as error:
            raise TryAgain(NO_ANSWER) from error

    def close(self) -> None:
        """Does not wait for questions under way."""
        self._threads.close()


def within(seconds: float, ask: Ask) -> Ask:
    """The same for callers who wait no longer: then it raises ``TryAgain``."""

    async def asked(sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        try:
            async with asyncio.timeout(seconds):
                return await ask(sql, parameters)
        except TimeoutError:
            raise TryAgain(NO_ANSWER) from None

    return asked
