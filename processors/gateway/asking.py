"""ClickHouse, asked from an event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from processors.clickhouse.query_limits import QueryTooLarge, too_large
from processors.clickhouse.shared import SharedClient, Unanswered, answers
from processors.gateway.answers import ApiError, Code, TryAgain
from processors.gateway.turns import Turns
from processors.settings import Settings
from schemas.times import rfc3339

Row = Sequence[Any]
Ask = Callable[[str, Mapping[str, object]], Awaitable[Sequence[Row]]]
_MOST_AT_ONCE: Final = 3
_MOST_OF_A_WORKSPACE: Final = 2
LONGEST_S: Final = 10
"""What one question may take."""
PAGE_S: Final = 5
"""How long a page waits for the answer to one of its questions, from its turn on."""
WHOLE_PAGE_S: Final = 15
"""How long it waits for one of its numbers in all, turns included: they are the fault of others."""
TELLING_S: Final = 1
"""So much longer is an answer waited for than its question may take: what is too much is told as such."""
NO_ANSWER: Final = "The store of past events does not answer. Try again in a moment."


class Stored:
    """For questions that read much, a few at once: apart from those that others wait for at every turn. The
    workspaces (parameter ``workspace``) come in turn, whatever one of them asks.

    Opens nothing before the first question. To be closed with :meth:`aclose`.
    """

    def __init__(self, settings: Settings) -> None:
        self._client = SharedClient(settings, LONGEST_S)
        self._turns = Turns(_MOST_AT_ONCE, _MOST_OF_A_WORKSPACE)

    async def rows(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        """Raises ``TryAgain`` when ClickHouse cannot be reached, ``QueryTooLarge`` for more than it does for
        one question: it takes longer than 10 s, for instance."""
        return await self._rows(sql, parameters, LONGEST_S)

    async def rows_of_page(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        """The same for a page, which waits ``PAGE_S``."""
        return await self._rows_of_page(sql, parameters)

    async def rows_of_shared(self, sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        """The same for a page that strangers see: they take turns of their own, none of the workspace's."""
        return await self._rows_of_page(sql, parameters, "shared:")

    async def _rows_of_page(
        self, sql: str, parameters: Mapping[str, object], whose: str = ""
    ) -> Sequence[Row]:
        return await self._rows(sql, parameters, PAGE_S - TELLING_S, whose, PAGE_S)

    async def _rows(
        self,
        sql: str,
        parameters: Mapping[str, object],
        longest_s: int,
        whose: str = "",
        patience_s: float | None = None,
    ) -> Sequence[Row]:
        """``longest_s``: what the question may take; ``patience_s``: how long it is waited for from its turn
        on; None: as long as that is."""
        settings = {"max_threads": 2, "max_execution_time": longest_s}
        try:
            async with self._turns.turn(f"{whose}{parameters.get('workspace', '')}"):
                with answers():
                    async with asyncio.timeout(patience_s):
                        client = await self._client.get()
                        answer = await client.query(sql, parameters=dict(parameters), settings=settings)
        except Unanswered as error:
            large = too_large(error.__cause__) if isinstance(error.__cause__, Exception) else None
            raise large or TryAgain(NO_ANSWER) from error.__cause__
        return answer.result_rows

    async def aclose(self) -> None:
        """Waits half a second for questions under way, at most."""
        await self._client.close()


def within(seconds: float, ask: Ask) -> Ask:
    """The same for callers who wait no longer: then it raises ``TryAgain``."""

    async def asked(sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        try:
            async with asyncio.timeout(seconds):
                return await ask(sql, parameters)
        except TimeoutError:
            raise TryAgain(NO_ANSWER) from None

    return asked


def telling_limits(ask: Ask) -> Ask:
    """The same, for callers who can ask for less. Raises ``ApiError`` for what is too much at once."""

    async def asked(sql: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        try:
            return await ask(sql, parameters)
        except QueryTooLarge as error:
            shorter = _half(parameters)
            raise ApiError(
                Code.UNPROCESSABLE_ENTITY,
                f"This takes more {error.limit} than one question may have. Ask for a shorter time{shorter}.",
            ) from None

    return asked


def _half(parameters: Mapping[str, object]) -> str:
    start, end = parameters.get("start"), parameters.get("end")
    if not (isinstance(start, int) and isinstance(end, int)):
        return ""
    return f", such as start={rfc3339(start + (end - start) // 2)[:10]}"
