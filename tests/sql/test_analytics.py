"""The parameterised views against tables computed by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.sql.database import Database

pytestmark = pytest.mark.integration


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def add(database: Database, table: str, rows: Iterable[tuple[object, ...]], *columns: str) -> None:
    database.client.insert(table, [list(row) for row in rows], column_names=list(columns))


def add_clicks(database: Database, *times: str, workspace: str = "w", link: str = "") -> None:
    rows = [(workspace, f"{link}{number}", at(time), link) for number, time in enumerate(times)]
    add(database, "clicks_raw", rows, "workspace_id", "click_id", "timestamp", "link_id")


def add_leads(database: Database, *times: str, workspace: str = "w", link: str = "") -> None:
    rows = [(workspace, f"{link}{number}", at(time), link) for number, time in enumerate(times)]
    add(database, "leads_raw", rows, "workspace_id", "lead_id", "timestamp", "link_id")


def add_sales(database: Database, *sales: tuple[str, int], workspace: str = "w", link: str = "") -> None:
    rows = [
        (workspace, f"{link}{number}", at(time), amount, link) for number, (time, amount) in enumerate(sales)
    ]
    add(database, "sales_raw", rows, "workspace_id", "sale_id", "timestamp", "amount", "link_id")


def series(
    database: Database, start: str, end: str, granularity: str, timezone: str = "UTC"
) -> list[tuple[object, ...]]:
    """Buckets as people of that timezone write them, without seconds."""
    return database.rows(
        "SELECT formatDateTime(bucket, '%Y-%m-%d %H:%i'), clicks, leads, sales, sale_amount "
        f"FROM timeseries(workspace = 'w', start = '{start}', end = '{end}', "
        f"granularity = '{granularity}', timezone = '{timezone}')"
    )


def test_timeseries_by_day(database: Database) -> None:
    add_clicks(
        database, "2026-01-01T00:00Z", "2026-01-01T23:59:59.999Z", "2026-01-04T00:00Z"
    )  # the last: too late
    add_leads(database, "2026-01-03T12:00Z", "2025-12-31T23:59:59.999Z")  # the last: too early
    add_sales(database, ("2026-01-03T00:00Z", 500), ("2026-01-03T01:00Z", 250))
    add_clicks(database, "2026-01-02T00:00Z", workspace="stranger")
    assert series(database, "2026-01-01", "2026-01-04", "day") == [
        ("2026-01-01 00:00", 2, 0, 0, 0),
        ("2026-01-02 00:00", 0, 0, 0, 0),
        ("2026-01-03 00:00", 0, 1, 2, 750),
    ]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-01", "2026-01-02"),
        ("2026-01-01 00:00:00", "2026-01-02 00:00:00"),
        ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00.000Z"),
        ("2026-01-01T02:00:00+02:00", "2026-01-02T00:00:00+00:00"),
    ],
)
def test_dates_and_times_may_be_written_in_any_usual_way(database: Database, start: str, end: str) -> None:
    add_clicks(database, "2026-01-01T00:00Z", "2026-01-01T23:59Z", "2026-01-02T00:00Z")
    assert series(database, start, end, "day") == [("2026-01-01 00:00", 2, 0, 0, 0)]


def test_a_day_is_that_of_the_timezone(database: Database) -> None:
    add_clicks(database, "2025-12-31T23:30Z", "2026-01-01T22:59Z", "2026-01-01T23:00Z")
    assert series(database, "2026-01-01", "2026-01-03", "day", "Europe/Berlin") == [
        ("2026-01-01 00:00", 2, 0, 0, 0),
        ("2026-01-02 00:00", 1, 0, 0, 0),
    ]


@pytest.mark.parametrize(
    ("timezone", "day", "next_day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", "2026-03-30", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-26", 25),
        ("America/New_York", "2026-03-08", "2026-03-09", 23),
        ("America/New_York", "2026-11-01", "2026-11-02", 25),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-05", 23),  # it begins at 01:00
        ("America/Sao_Paulo", "2018-11-03", "2018-11-04", 24),
        ("Africa/Cairo", "2026-04-24", "2026-04-25", 23),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-06", 25),  # clocks go back by half an hour
    ],
)
def test_days_on_which_clocks_change(
    database: Database, timezone: str, day: str, next_day: str, hours: int
) -> None:
    """A click every half hour: each counts once, in a bucket that is there without any click, too."""
    start = database.client.command(f"SELECT toUnixTimestamp(toDateTime(toDate('{day}'), '{timezone}'))")
    end = database.client.command(f"SELECT toUnixTimestamp(toDateTime(toDate('{next_day}'), '{timezone}'))")
    database.client.command(
        "INSERT INTO clicks_raw (workspace_id, click_id, timestamp) "
        f"SELECT 'w', toString(number), toDateTime64({start} + 1800 * number, 3) "
        f"FROM numbers(intDiv({end} - {start}, 1800))"
    )
    clicks = int(str(database.client.command("SELECT count() FROM clicks")))
    by_hour = series(database, day, next_day, "hour", timezone)
    by_day = series(database, day, next_day, "day", timezone)
    assert len(by_hour) == hours
    assert sum(int(str(row[1])) for row in by_hour) == clicks
    assert [row[1] for row in by_day] == [clicks]
    database.client.command("TRUNCATE TABLE clicks_raw")
    assert [row[0] for row in series(database, day, next_day, "hour", timezone)] == [
        row[0] for row in by_hour
    ]


def test_other_granularities(database: Database) -> None:
    add_clicks(database, "2026-01-31T12:00Z", "2026-02-28T23:59Z", "2026-03-01T00:00Z")
    assert series(database, "2026-01-15", "2026-03-02", "month") == [
        ("2026-01-01 00:00", 1, 0, 0, 0),
        ("2026-02-01 00:00", 1, 0, 0, 0),
        ("2026-03-01 00:00", 1, 0, 0, 0),
    ]
    assert series(database, "2026-01-29", "2026-02-03", "week") == [
        ("2026-01-26 00:00", 1, 0, 0, 0),
        ("2026-02-02 00:00", 0, 0, 0, 0),
    ]
    assert series(database, "2026-01-31 11:59", "2026-01-31 12:02", "minute") == [
        ("2026-01-31 11:59", 0, 0, 0, 0),
        ("2026-01-31 12:00", 1, 0, 0, 0),
        ("2026-01-31 12:01", 0, 0, 0, 0),
    ]
    assert series(database, "2026-01-31 13:00", "2026-02-01 00:00:01", "day") == [
        ("2026-01-31 00:00", 0, 0, 0, 0),
        ("2026-02-01 00:00", 0, 0, 0, 0),
    ]
    assert series(database, "2026-02-01", "2026-02-01", "day") == []
    assert series(database, "2026-02-02", "2026-02-01", "day") == []


@pytest.mark.parametrize("granularity", ["second", "fortnight", ""])
def test_an_unknown_granularity_is_refused(database: Database, granularity: str) -> None:
    with pytest.raises(DatabaseError, match=r"granularity|datepart"):
        series(database, "2026-01-01", "2026-01-02", granularity)


def funnel(database: Database) -> list[tuple[object, ...]]:
    return database.rows("SELECT * FROM funnel(workspace = 'w', start = '2026-01-01', end = '2026-02-01')")


def test_funnel(database: Database) -> None:
    add_clicks(database, *(f"2026-01-01T00:00:{second:02}Z" for second in range(10)), "2026-02-01T00:00Z")
    add_leads(database, *(f"2026-01-02T00:00:{second:02}Z" for second in range(4)))
    add_sales(database, ("2026-01-03T00:00Z", 100))
    assert funnel(database) == [
        ("clicks", 10, 1.0, 0.0),
        ("leads", 4, 0.4, 0.6),
        ("sales", 1, 0.25, 0.75),
    ]


def test_funnel_of_nothing_and_of_more_than_before(database: Database) -> None:
    assert funnel(database) == [("clicks", 0, 1.0, 0.0), ("leads", 0, 0.0, 0.0), ("sales", 0, 0.0, 0.0)]
    add_leads(database, "2026-01-02T00:00Z")
    add_sales(database, ("2026-01-03T00:00Z", 100), ("2026-01-04T00:00Z", 100))
    assert funnel(database) == [("clicks", 0, 1.0, 0.0), ("leads", 1, 0.0, 0.0), ("sales", 2, 2.0, 0.0)]


def test_top_links(database: Database) -> None:
    add_clicks(database, "2026-01-01T00:00Z", "2026-01-01T00:01Z", link="busy")
    add_clicks(database, "2026-01-01T00:00Z", link="good")
    add_leads(database, "2026-01-02T00:00Z", link="good")
    add_sales(database, ("2026-01-02T00:00Z", 900), ("2026-03-02T00:00Z", 900), link="good")
    found = database.rows(
        "SELECT link_id, clicks, leads, sales, sale_amount "
        "FROM top_links(workspace = 'w', start = '2026-01-01', end = '2026-02-01')"
    )
    assert found == [("good", 1, 1, 1, 900), ("busy", 2, 0, 0, 0)]


def test_time_to_lead(database: Database) -> None:
    clicked = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    rows = [
        (
            "w",
            str(number),
            datetime.fromtimestamp(clicked, UTC),
            datetime.fromtimestamp(clicked + number, UTC),
            datetime.fromtimestamp(clicked + 11 * number, UTC),
        )
        for number in range(1, 102)
    ]
    add(
        database,
        "leads_raw",
        rows,
        *("workspace_id", "lead_id", "click_timestamp", "deferred_at", "timestamp"),
    )
    found = database.rows(
        "SELECT stage, leads, p50, p90, p99 "
        "FROM time_to_lead(workspace = 'w', start = '2026-01-01', end = '2026-02-01')"
    )
    assert found == [
        ("click to deferred", 101, 51, 91, 100),
        ("deferred to lead", 101, 510, 910, 1000),
        ("click to lead", 101, 561, 1001, 1100),
    ]
