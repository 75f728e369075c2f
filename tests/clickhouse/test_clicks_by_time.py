"""Clicks come to be kept by time as well while sinks go on, and under kills."""

import threading

import pytest

from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import connect
from processors.clickhouse.migrations import migrate
from tests.clickhouse.test_exchange import (
    BEFORE,
    as_the_release_before_left_it,
    clicks,
    migrated_under_kills,
)
from tests.conftest import eventually

pytestmark = pytest.mark.integration

_RIVALS = 60_000
_OF_THE_SAME_CLICKS = f"""
    INSERT INTO clicks_raw (workspace_id, click_id, timestamp, version)
    SELECT 'w', 'r' || toString(number),
        toDateTime64('2026-01-01 00:00:00', 3, 'UTC') + number * 60 + {{0}} AS at,
        bitShiftLeft(17592186044415 - toUnixTimestamp64Milli(at), 20)
    FROM numbers({_RIVALS})
"""
_SLOWLY = """
    INSERT INTO clicks_raw (workspace_id, click_id)
    SELECT 'w', 'slow' || toString(number) FROM numbers(30) WHERE sleepEachRow(0.1) = 0
"""


@pytest.mark.parametrize("after", [False, True])
def test_it_may_be_killed_anywhere(
    clickhouse: LocalClickHouse, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    """Each life sees one command more than the one before."""
    with as_the_release_before_left_it(clickhouse, monkeypatch, 13) as (client, name):
        expected = migrated_under_kills(client, 13, after=after)
        migrate(client, name)
        assert clicks(client) == sorted(expected)


def test_the_numbers_are_the_same_before_during_and_after(
    clickhouse: LocalClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of clicks of which the table by id holds another event that is not merged away."""
    question = "SELECT count(), sum(toUnixTimestamp64Milli(timestamp)) FROM clicks"
    with as_the_release_before_left_it(clickhouse, monkeypatch, 13) as (client, name):
        client.command("SYSTEM STOP MERGES clicks_raw")
        for later_s in (86_400 * 40, 0, 7):
            client.command(_OF_THE_SAME_CLICKS.format(later_s))
        asking, seen, done = (
            connect(f"{clickhouse.url.rsplit('/', 1)[0]}/{name}"),
            set[tuple[object, ...]](),
            threading.Event(),
        )

        def ask() -> None:
            while not done.is_set():
                seen.update(map(tuple, asking.query(question).result_rows))

        before = client.query(question).result_rows
        thread = threading.Thread(target=ask)
        thread.start()
        try:
            migrate(client, name)
        finally:
            done.set()
            thread.join()
            asking.close()
        assert client.query(question).result_rows == before == list(seen)
        assert before[0][0] == len(BEFORE) + _RIVALS


def test_an_insert_that_began_before_it_is_not_missed(
    clickhouse: LocalClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows nothing of the new table, and ends when that was filled, unless it is waited for."""
    with as_the_release_before_left_it(clickhouse, monkeypatch, 13) as (client, name):
        inserting = connect(f"{clickhouse.url.rsplit('/', 1)[0]}/{name}")
        slow = threading.Thread(
            target=inserting.command,
            args=(_SLOWLY,),
        )
        slow.start()
        under_way = (
            "SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%' AND query_kind = 'Insert'"
        )
        eventually(lambda: client.command(under_way) == 1)
        migrate(client, name)
        slow.join()
        inserting.close()
        assert clicks(client) == sorted([*BEFORE, *(f"slow{number}" for number in range(30))])
