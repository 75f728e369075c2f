"""Rows → ClickHouse: one insert, and what becomes of it when it fails."""

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Iterable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.insert import InsertContext

from processors.sink.erasing import count_erased, delete_erased, erased_among
from processors.sink.error_codes import SMALLER
from processors.sink.failures import Verdict, cause, code_of, in_a_log, judge, kind, patience_s
from processors.sink.lost_clicks import Sent
from processors.sink.rows import Row
from processors.sink.tables import HARMLESS_ROW, LAST_UNMATCHED, Table
from processors.sink.undated_clicks import ClickKey, stored

log = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 30.0
_MOST_REFUSED = 1_000
# It would gather rows in the server's memory first; the default has moved between releases. No deduplication
# token: see the migration 007.
_SETTINGS = {"async_insert": 0}


def _always(_: Exception) -> float:
    return math.inf


def _no_longer(error: Exception, rows: int = 1) -> float:
    """Only what says for certain that the server has to be waited for is worth another try."""
    return math.inf if patience_s(error, rows) == math.inf else 0


class CannotStore(Exception):
    """Nothing can be stored before an operator acts; no offset has moved."""


class GivenUp(Exception):
    """Told to stop while ClickHouse took no rows."""


class Poison(NamedTuple):
    """A row that ClickHouse refuses: its place in the batch, and why."""

    place: int
    detail: str


class Writer:
    """Inserts batches, one at a time, in a thread of its own: the driver blocks.

    ``pausing`` is told when ClickHouse has to be waited for, and why, ``on_resumed`` that it no longer has,
    ``on_retry`` of the kind of each error that is tried again. When row after row is refused and none is
    stored, it is not the rows that are wrong: that raises :class:`CannotStore`. An error that says nothing of
    rows is blamed on one only while the server stores another one.
    """

    def __init__(
        self,
        client: Client,
        stopping: asyncio.Event,
        pausing: Callable[[str], None],
        *,
        on_retry: Callable[[str], None] = lambda _: None,
        on_resumed: Callable[[], None] = lambda: None,
        longest_pause_s: float = _LONGEST_PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._stopping = stopping
        self._pausing = pausing
        self._on_retry = on_retry
        self._on_resumed = on_resumed
        self._longest_pause_s = longest_pause_s
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "insert")
        self._contexts: dict[str, InsertContext] = {}
        self._refused = 0
        self._halved_at_once: set[int] = set()

    async def insert(self, table: Table, rows: Sequence[Row]) -> list[Poison]:
        """Store the rows, however long that takes; returns those that cannot be stored.

        Raises :class:`CannotStore`, and :class:`GivenUp` when told to stop while waiting; either way some of
        the rows may be there.
        """
        return await self._store(table, rows, patient=True)

    async def _store(self, table: Table, rows: Sequence[Row], *, patient: bool) -> list[Poison]:
        def worth_s(error: Exception) -> float:
            tried_enough = not patient or code_of(error) in self._halved_at_once
            return _no_longer(error, len(rows)) if tried_enough else patience_s(error, len(rows))

        try:
            await self._patiently(table.name, worth_s, self._insert, table, rows)
        except Exception as error:
            verdict = judge(error)
            if verdict is Verdict.BUG:
                raise
            poisoned = await self._bisect(table, rows, error)
            if patient and verdict is Verdict.RETRY:
                self._learn(code_of(error), poisoned, rows)
            return poisoned
        self._refused = 0
        return []

    def _learn(self, code: int | None, poisoned: Sequence[Poison], rows: Sequence[Row]) -> None:
        """An error that only some rows meet, or only many of them: the next time nobody waits any more."""
        if code is None or len(poisoned) == len(rows):
            self._halved_at_once -= {code}
        elif poisoned or code in SMALLER:
            self._halved_at_once.add(code)

    async def erased(self, persons: Set[str]) -> set[str]:
        """Those of these customers who were erased. Raises like :meth:`insert`."""
        return await self._patiently("erased_raw", _always, erased_among, self._client, sorted(persons))

    async def stored_clicks(self, keys: Iterable[ClickKey]) -> list[Sent]:
        """As ``undated_clicks.stored``. Raises like :meth:`insert`."""
        return await self._patiently("clicks_by_id", _always, stored, self._client, sorted(keys))

    async def count_erased(self) -> int:
        """How many customers were ever erased. Raises like :meth:`insert`."""
        return await self._patiently("erased_raw", _always, count_erased, self._client)

    async def delete_erased(self) -> bool:
        """As ``erasing.delete_erased``, in the writer's thread. Raises :class:`CannotStore`.

        Tried once: rows that can be stored need not wait for others to be deleted. False when that failed.
        """
        try:
            return await self._in_thread(delete_erased, self._client)
        except Exception as error:
            verdict = judge(error)
            if verdict is Verdict.STOP:
                raise CannotStore(f"cannot delete rows of erased customers: {in_a_log(error)}") from error
            if verdict is not Verdict.RETRY:
                raise
            self._on_retry(kind(error))
            log.warning("rows of erased customers are not deleted yet", extra={"error": in_a_log(error)})
            return False

    async def _patiently(
        self, name: str, worth_s: Callable[[Exception], float], work: Callable[..., T], *args: Any
    ) -> T:
        """Until it succeeds, unless trying again is of no use, or has been for longer than it is worth."""
        pause_s, since, waits = _FIRST_PAUSE_S, None, False
        try:
            while True:
                try:
                    return await self._in_thread(work, *args)
                except Exception as error:
                    verdict = judge(error)
                    if verdict is Verdict.STOP:
                        raise CannotStore(f"cannot write to {name}: {in_a_log(error)}") from error
                    worth = worth_s(error)
                    now = self._clock()
                    since = None if worth == math.inf else now if since is None else since
                    if verdict is not Verdict.RETRY or (since is not None and now - since >= worth):
                        raise
                    waits = True
                    self._on_retry(kind(error))
                    self._pausing(f"{name}: {in_a_log(error)}")
                    await self._pause(pause_s * random.uniform(0.5, 1.0))
                    pause_s = min(2 * pause_s, self._longest_pause_s)
        finally:
            if waits:
                self._on_resumed()

    async def check(self, tables: Iterable[Table]) -> bool:
        """Are they all there? False: the server is down for now.

        Raises :class:`CannotStore` when one is missing or lacks a column.
        """
        complete = True
        for table in tables:
            try:
                await self._in_thread(self._context, table)
            except ClickHouseError as error:
                if judge(error) is Verdict.STOP:
                    raise CannotStore(f"cannot write to {table.name}: {in_a_log(error)}") from error
                complete = False
        return complete

    async def close(self) -> None:
        """Wait for the insert under way."""
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
            raise GivenUp

    async def _bisect(self, table: Table, rows: Sequence[Row], error: Exception) -> list[Poison]:
        """An error names a column, never the row: halve until it stands alone."""
        if len(rows) == 1:
            return await self._refuse(table, rows, error)
        middle = len(rows) // 2
        first = await self._store(table, rows[:middle], patient=False)
        second = await self._store(table, rows[middle:], patient=False)
        return [*first, *(Poison(middle + one.place, one.detail) for one in second)]

    async def _refuse(self, table: Table, row: Sequence[Row], error: Exception) -> list[Poison]:
        """``row``: the one. Whatever a server that is sick says, it says of every row."""
        if judge(error) is Verdict.RETRY:
            await self._patiently(LAST_UNMATCHED.name, _always, self._insert, LAST_UNMATCHED, [HARMLESS_ROW])
            try:
                await self._patiently(table.name, _no_longer, self._insert, table, row)
            except Exception as again:
                if judge(again) is Verdict.BUG:
                    raise
                error = again
            else:
                self._refused = 0
                return []
        self._refused += 1
        if self._refused > _MOST_REFUSED:
            raise CannotStore(
                f"{table.name} refuses every row, {self._refused} by now: {in_a_log(error)}"
            ) from error
        log.error("ClickHouse refuses a row", extra={"table": table.name, "error": in_a_log(error)})
        return [Poison(0, cause(error))]

    def _insert(self, table: Table, rows: Sequence[Row]) -> None:
        context = self._context(table)
        try:
            self._client.insert(data=list(zip(*rows, strict=True)), context=context)
        finally:
            context.data = None  # the driver leaves it there when it fails early, and then takes no other

    def _context(self, table: Table) -> InsertContext:
        """One for all inserts into a table.

        It knows the columns' types, for which every insert would ask the server. And it refers to itself: one
        for each insert would leave every batch to the garbage collector, hundreds of MB until that comes.
        """
        context = self._contexts.get(table.name)
        if context is None:
            context = self._contexts[table.name] = self._client.create_insert_context(
                table.name, column_names=list(table.columns), column_oriented=True, settings=_SETTINGS
            )
        return context

    async def _in_thread(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *args))
