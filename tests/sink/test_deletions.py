"""How often rows of erased customers are deleted, and how much is asked for that."""

import asyncio
from collections.abc import Sequence

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from processors.sink import erasing
from processors.sink.deletions import PAUSE_S, Deletions
from processors.sink.erasing import ERASED_ROWS, delete_erased, erased_among
from processors.sink.persons import persons_in
from processors.sink.writer import Writer
from schemas.ids import customer_id
from tests.clickhouse.database import Database
from tests.sink.records import T0


class Counting:
    """A writer that notes what is asked of it."""

    def __init__(self) -> None:
        self.erased, self.rounds, self.complete = 0, 0, True

    async def count_erased(self) -> int:
        return self.erased

    async def delete_erased(self) -> bool:
        self.rounds += 1
        return self.complete


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def deletions() -> tuple[Deletions, Counting, Clock]:
    writer, clock = Counting(), Clock()
    return Deletions(writer, clock), writer, clock  # type: ignore[arg-type]


async def live(rounds: Deletions, clock: Clock, seconds: int) -> None:
    """Batch after batch, each a second."""
    for _ in range(seconds):
        if rounds.due():
            await rounds.look()
        clock.now += 1


async def test_a_thousand_batches_of_erasures_are_a_hundred_rounds() -> None:
    rounds, writer, clock = deletions()
    for _ in range(1_000):
        writer.erased += 100
        rounds.want()
        await live(rounds, clock, 1)
    assert writer.rounds <= 1_000 / PAUSE_S
    await rounds.finish()
    assert writer.rounds <= 1_000 / PAUSE_S + 1


async def test_nobody_new_no_round() -> None:
    rounds, writer, clock = deletions()
    await live(rounds, clock, 100)
    assert writer.rounds == 0
    await rounds.finish()
    assert writer.rounds == 0


async def test_it_begins_with_a_round_and_hears_of_others_erasures() -> None:
    rounds, writer, clock = deletions()
    writer.erased = 7
    await live(rounds, clock, 100)
    assert writer.rounds == 1, "as of a life that ended before its round"
    writer.erased = 8
    await live(rounds, clock, 100)
    assert writer.rounds == 2, "as another sink has heard of"


async def test_what_could_not_be_done_is_done_later() -> None:
    rounds, writer, clock = deletions()
    writer.erased, writer.complete = 1, False
    await live(rounds, clock, 25)
    assert writer.rounds == 3
    writer.complete = True
    await live(rounds, clock, 100)
    assert writer.rounds == 4


async def test_a_slow_round_takes_a_tenth_of_the_time_at_most() -> None:
    rounds, writer, clock = deletions()

    async def slowly() -> bool:
        writer.rounds += 1
        clock.now += 30
        return True

    writer.delete_erased = slowly  # type: ignore[method-assign]
    while clock.now < 3_600:
        writer.erased += 1
        await live(rounds, clock, 1)
    assert writer.rounds * 30 <= 3_600 / 10 + 30


async def test_a_deletion_that_fails_keeps_no_row_waiting() -> None:
    class Full:
        def query(self, *_: object, **__: object) -> None:
            raise DatabaseError("no space left", code=243)

    writer = Writer(Full(), asyncio.Event(), lambda why: pytest.fail(why))  # type: ignore[arg-type]
    assert not await writer.delete_erased()
    await writer.close()


def add(database: Database, customers: Sequence[str]) -> None:
    rows = [["w", f"ld_{customer}", customer_id("w", customer), T0] for customer in customers]
    database.client.insert("leads_raw", rows, ["workspace_id", "lead_id", "customer_id", "version"])


def erase(database: Database, customers: Sequence[str]) -> None:
    rows = [[customer_id("w", customer), 1] for customer in customers]
    database.client.insert("erased_raw", rows, ["customer_id", "version"])


@pytest.mark.integration
class TestOnAServer:
    async def test_those_who_were_erased_are_found_among_many(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(erasing, "_ASKED", 1_000)
        names = [f"c{number}" for number in range(2_500)]
        erase(database, names[::5])
        writer = Writer(database.client, asyncio.Event(), lambda why: pytest.fail(why))
        found = await writer.erased({customer_id("w", name) for name in names})
        assert found == {customer_id("w", name) for name in names[::5]}
        assert erased_among(database.client, []) == set()
        await writer.close()

    def test_only_tables_that_hold_rows_of_them_are_touched(self, database: Database) -> None:
        def commands() -> list[tuple[object, ...]]:
            return database.rows(
                "SELECT table FROM system.mutations"
                " WHERE database = currentDatabase() AND command LIKE '%DELETE%' ORDER BY table"
            )

        erase(database, ["ann"])
        assert delete_erased(database.client)
        assert commands() == []
        add(database, ["ann", "bob"])
        assert delete_erased(database.client)
        assert commands() == [("lead_revisions_raw",), ("leads_raw",)]

    def test_a_table_gets_no_deletion_while_it_is_at_work_on_one(self, database: Database) -> None:
        erase(database, ["ann"])
        add(database, ["ann"])
        database.client.command("SYSTEM STOP MERGES leads_raw")
        assert delete_erased(database.client)
        assert not delete_erased(database.client)
        assert len(ERASED_ROWS) > len(database.rows("SELECT * FROM system.mutations WHERE NOT is_done")) > 0
        database.client.command("SYSTEM START MERGES leads_raw")


def test_of_a_record_full_of_words_no_more_is_read_than_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []

    def counting(workspace_id: str, customer: str) -> str:
        hashed.append(customer)
        return customer_id(workspace_id, customer)

    monkeypatch.setattr("processors.sink.persons.customer_id", counting)
    words = b" ".join(b"w%d" % number for number in range(9_000))
    many = b",".join(b'"workspaceId":"w%d"' % number for number in range(1_000))
    assert len(persons_in(b"w:k", words)) == 100
    assert len(persons_in(b"w:k", many + words)) == 100
    assert len(hashed) <= 2 * 101
