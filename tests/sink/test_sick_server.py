"""A server that is sick says of every row what it would say of a bad one."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from processors.sink.rows import Row
from processors.sink.tables import HARMLESS_ROW, LAST_UNMATCHED, TABLES
from processors.sink.writer import Writer

SALES = next(table for table in TABLES if table.name == "sales_raw")
UNKNOWN, MEMORY = 9999, 241


class Server:
    """``says`` raises what it has against rows of a table."""

    def __init__(self, says: Callable[[str, list[Row]], None]) -> None:
        self.says = says
        self.tables: dict[str, list[Row]] = {}
        self.inserts = 0

    def create_insert_context(self, table: str, **_: Any) -> Any:
        context = type("Context", (), {"data": None})()
        context.table = table
        return context

    def insert(self, data: list[tuple[object, ...]], context: Any) -> None:
        rows = list(zip(*data, strict=True))
        self.inserts += 1
        self.says(context.table, rows)
        self.tables.setdefault(context.table, []).extend(rows)


def writer(server: Server) -> tuple[Writer, asyncio.Event]:
    """Every look at the clock takes a minute. The event: it had to wait."""
    minutes, paused = count(), asyncio.Event()
    return (
        Writer(
            server,  # type: ignore[arg-type]
            asyncio.Event(),
            lambda _: paused.set(),
            longest_pause_s=0.001,
            clock=lambda: 60.0 * next(minutes),
        ),
        paused,
    )


ROWS: list[Row] = [(number,) for number in range(8)]


async def test_a_sick_server_costs_no_row_however_long_it_is_sick() -> None:
    sick = 100

    def says(_table: str, _rows: list[Row]) -> None:
        nonlocal sick
        sick -= 1
        if sick > 0:
            raise DatabaseError("who knows", code=UNKNOWN)

    server = Server(says)
    storing, paused = writer(server)
    for rows in (ROWS, ROWS[:1]):
        sick = 100
        assert await storing.insert(SALES, rows) == []
    assert paused.is_set()
    assert set(server.tables[SALES.name]) == set(ROWS)
    await storing.close()


async def test_a_row_that_alone_meets_an_unknown_error_is_to_blame_though_no_other_is_there() -> None:
    def says(table: str, _rows: list[Row]) -> None:
        if table == SALES.name:
            raise DatabaseError("who knows", code=UNKNOWN)

    server = Server(says)
    storing, _ = writer(server)
    assert [one.place for one in await storing.insert(SALES, ROWS[:1])] == [0]
    assert server.tables == {LAST_UNMATCHED.name: [HARMLESS_ROW]}
    await storing.close()


async def test_a_row_is_not_blamed_for_a_server_that_goes_away_meanwhile() -> None:
    answers = iter([UNKNOWN] * 6 + [0] + [None] * 3)

    def says(_table: str, _rows: list[Row]) -> None:
        code = next(answers, 0)
        if code is None:
            raise OperationalError("refused")
        if code:
            raise DatabaseError("who knows", code=code)

    server = Server(says)
    storing, _ = writer(server)
    assert await storing.insert(SALES, ROWS[:1]) == []
    assert next(answers, "all asked") == "all asked"
    assert server.tables[SALES.name] == ROWS[:1]
    await storing.close()


async def test_what_is_too_much_at_once_is_halved_at_once_the_next_time() -> None:
    def says(_table: str, rows: list[Row]) -> None:
        if len(rows) > 4:
            raise DatabaseError("memory", code=MEMORY)

    server = Server(says)
    storing, paused = writer(server)
    assert await storing.insert(SALES, ROWS) == []
    assert paused.is_set()
    paused.clear()
    server.inserts = 0
    assert await storing.insert(SALES, ROWS) == []
    assert (server.inserts, paused.is_set()) == (3, False)
    await storing.close()


async def test_waiting_is_over_whatever_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet sink asks who was erased, and stores nothing afterwards."""
    told: list[str] = []
    answers: Iterator[Exception | int] = iter([OperationalError("away"), OperationalError("away"), 7])

    def count_erased(_: object) -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("processors.sink.writer.count_erased", count_erased)
    store = Writer(
        Server(lambda *_: None),  # type: ignore[arg-type]
        asyncio.Event(),
        lambda _: told.append("waits"),
        on_resumed=lambda: told.append("resumed"),
        longest_pause_s=0.001,
    )
    assert await store.count_erased() == 7
    assert told == ["waits", "waits", "resumed"]
    await store.close()
