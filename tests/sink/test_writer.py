"""Inserts that fail, against the real server."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from clickhouse_connect.driver.insert import InsertContext

from deploy.local.clickhouse import LocalClickHouse
from processors.sink.batch import Batch, TableBatch
from processors.sink.tables import TABLES, Table
from processors.sink.writer import CannotStore, GivenUp, Writer
from schemas.times import DAY_MS, EARLIEST_MS
from tests.clickhouse.database import Database, fresh_database
from tests.sink.records import T0, click, record, sale

pytestmark = pytest.mark.integration

BY_NAME = {table.name: table for table in TABLES}
CLICKS, SALES = BY_NAME["clicks_raw"], BY_NAME["sales_raw"]
TOO_MUCH = 2**63
"""JSON can say it, an Int64 cannot hold it."""


def batch_of(table: Table, records: Sequence[ConsumerRecord]) -> TableBatch:
    batch = Batch()
    batch.add(TopicPartition(table.topic, 0), [table], records)
    assert not batch.refused
    return batch.tables[table.name]


def sales(amounts: Sequence[int]) -> TableBatch:
    values = [sale("c", f"i{number:03}", amount) for number, amount in enumerate(amounts)]
    return batch_of(SALES, [record("sales", value, offset=place) for place, value in enumerate(values)])


def clicks(tag: str, count: int = 10) -> TableBatch:
    values = [click(f"{tag}{number}", T0 + number) for number in range(count)]
    return batch_of(CLICKS, [record("clicks", value, offset=place) for place, value in enumerate(values)])


@asynccontextmanager
async def writing(
    database: Database, paused: asyncio.Event | None = None, stopping: asyncio.Event | None = None
) -> AsyncIterator[Writer]:
    """``paused`` hears of it; without it there may be none."""

    def pausing(why: str) -> None:
        assert paused is not None, why
        paused.set()

    writer = Writer(database.client, stopping or asyncio.Event(), pausing, longest_pause_s=0.2)
    try:
        yield writer
    finally:
        await writer.close()


async def test_a_row_that_the_driver_cannot_encode_is_found(database: Database) -> None:
    amounts = [100] * 50
    amounts[0] = amounts[17] = amounts[18] = amounts[49] = TOO_MUCH
    batch = sales(amounts)
    async with writing(database) as writer:
        poisoned = await writer.insert(SALES, batch.rows)
    assert [one.place for one in poisoned] == [0, 17, 18, 49]
    assert all(one.detail for one in poisoned)
    stored = database.rows("SELECT invoice_id FROM sales ORDER BY invoice_id")
    assert stored == [(f"i{number:03}",) for number in range(50) if number not in (0, 17, 18, 49)]


async def test_a_row_that_the_server_refuses_is_found(database: Database) -> None:
    database.client.command("ALTER TABLE sales_raw ADD CONSTRAINT small CHECK amount < 1000")
    async with writing(database) as writer:
        poisoned = await writer.insert(SALES, sales([1, 2, 5000, 4]).rows)
    assert [one.place for one in poisoned] == [2]
    assert "small" in poisoned[0].detail
    assert database.rows("SELECT amount FROM sales ORDER BY amount") == [(1,), (2,), (4,)]


@asynccontextmanager
async def unknown_errors(database: Database, *, limit: int) -> AsyncIterator[tuple[Writer, asyncio.Event]]:
    """Rows of a greater amount meet an error that says nothing of rows: BAD_ARGUMENTS, 36."""
    odd = f"parseTimeDelta(if(amount < {limit}, '1s', 'odd')) > 0"
    database.client.command(f"ALTER TABLE sales_raw ADD CONSTRAINT odd CHECK {odd}")
    minutes, paused = count(), asyncio.Event()
    writer = Writer(
        database.client,
        asyncio.Event(),
        lambda _: paused.set(),
        longest_pause_s=0.01,
        clock=lambda: 60.0 * next(minutes),
    )
    try:
        yield writer, paused
    finally:
        await writer.close()


async def test_an_unknown_error_is_retried_for_a_while_and_then_split_down_to_the_row(
    database: Database,
) -> None:
    async with unknown_errors(database, limit=1000) as (writer, paused):
        poisoned = await writer.insert(SALES, sales([1, 2, 5000, 4]).rows)
        assert [one.place for one in poisoned] == [2]
        assert paused.is_set()
        assert database.rows("SELECT amount FROM sales ORDER BY amount") == [(1,), (2,), (4,)]

        paused.clear()
        assert len(await writer.insert(SALES, sales([1, 5000]).rows)) == 1
        assert not paused.is_set(), "what only some rows meet is theirs"


async def test_an_unknown_error_that_goes_away_in_time_costs_no_row(database: Database) -> None:
    async with unknown_errors(database, limit=1) as (writer, paused):
        writer._clock = lambda: 0.0
        inserting = asyncio.create_task(writer.insert(SALES, sales([1, 2]).rows))
        await paused.wait()
        database.client.command("ALTER TABLE sales_raw DROP CONSTRAINT odd")
        assert await inserting == []
    assert database.rows("SELECT count() FROM sales") == [(2,)]


async def test_an_unknown_error_of_every_row_stops_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.sink.writer._MOST_REFUSED", 20)
    async with unknown_errors(database, limit=0) as (writer, _):
        assert len(await writer.insert(SALES, sales([1] * 15).rows)) == 15
        with pytest.raises(CannotStore, match="refuses every row"):
            await writer.insert(SALES, sales([1] * 15).rows)


async def test_clicks_of_any_number_of_months_are_stored(database: Database) -> None:
    values = [click(f"k{n}", EARLIEST_MS + n * 31 * DAY_MS) for n in range(120)]
    batch = batch_of(CLICKS, [record("clicks", value, offset=place) for place, value in enumerate(values)])
    async with writing(database) as writer:
        assert await writer.insert(CLICKS, batch.rows) == []
        assert database.rows("SELECT count() FROM clicks") == [(120,)]

        columns = ", ".join(CLICKS.columns)
        database.client.command(
            "CREATE OR REPLACE TABLE clicks_raw ENGINE = ReplacingMergeTree(version) "
            "PARTITION BY toYYYYMM(timestamp) ORDER BY (workspace_id, click_id) "
            f"AS SELECT {columns}, precedence FROM clicks_raw LIMIT 0"
        )
        assert await writer.insert(CLICKS, batch.rows) == [], "as the operator's own partitions have it"
        assert database.rows("SELECT count() FROM clicks_raw") == [(120,)]


async def test_when_every_row_is_refused_it_stops_instead_of_draining_the_topic(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processors.sink.writer._MOST_REFUSED", 20)
    database.client.command("ALTER TABLE sales_raw ADD CONSTRAINT nothing CHECK amount < 0")
    async with writing(database) as writer:
        assert len(await writer.insert(SALES, sales([1] * 15).rows)) == 15
        with pytest.raises(CannotStore, match="refuses every row"):
            await writer.insert(SALES, sales([1] * 15).rows)


async def test_an_insert_leaves_nothing_to_the_garbage_collector(database: Database) -> None:
    """It comes rarely: a batch that it has to free stays for minutes, and the next ones with it."""
    rows = clicks("c").rows

    def batches() -> int:
        return sum(isinstance(one, InsertContext) for one in gc.get_objects())

    async with writing(database) as writer:
        await writer.insert(CLICKS, rows)
        gc.collect()
        before = batches()
        gc.disable()
        try:
            for _ in range(5):
                await writer.insert(CLICKS, rows)
            assert batches() == before
        finally:
            gc.enable()


async def test_a_topic_made_anew_loses_no_row(database: Database) -> None:
    """Its offsets begin at 0 again; nothing that was stored under the old ones may stand in for them."""
    async with writing(database) as writer:
        for tag in ("old", "new"):
            await writer.insert(CLICKS, clicks(tag).rows)
    assert database.rows("SELECT count() FROM clicks") == [(20,)]


@pytest.mark.parametrize(
    "damage", ["DROP TABLE sales_raw", "ALTER TABLE sales_raw DROP COLUMN city", "DROP DATABASE {name}"]
)
async def test_a_schema_that_does_not_fit_stops_the_sink(database: Database, damage: str) -> None:
    database.client.command(damage.format(name=database.name))
    async with writing(database) as writer:
        with pytest.raises(CannotStore, match="sales_raw"):
            await writer.check([SALES])
        with pytest.raises(CannotStore, match="sales_raw"):
            await writer.insert(SALES, sales([1]).rows)


async def test_a_schema_that_changes_while_it_writes_stops_it_too(database: Database) -> None:
    async with writing(database) as writer:
        await writer.insert(SALES, sales([1]).rows)
        database.client.command("ALTER TABLE sales_raw DROP COLUMN city")
        with pytest.raises(CannotStore, match="a column is missing"):
            await writer.insert(SALES, sales([2]).rows)


async def test_it_waits_for_a_server_that_is_away(tmp_path: Path) -> None:
    with LocalClickHouse(tmp_path / "clickhouse") as server, fresh_database(server.url) as database:
        paused, stopping = asyncio.Event(), asyncio.Event()
        async with writing(database, paused, stopping) as writer:
            await writer.insert(CLICKS, clicks("a").rows)
            server.kill()
            inserting = asyncio.create_task(writer.insert(CLICKS, clicks("b").rows))
            await paused.wait()
            assert not inserting.done()
            await asyncio.to_thread(server.start)
            assert await inserting == []
            assert database.rows("SELECT count() FROM clicks") == [(20,)]

            server.kill()
            inserting = asyncio.create_task(writer.insert(CLICKS, clicks("c").rows))
            paused.clear()
            await paused.wait()
            stopping.set()
            with pytest.raises(GivenUp):
                await inserting
        server.start()
