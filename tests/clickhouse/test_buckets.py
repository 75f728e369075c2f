"""The buckets of a time series: where they begin, how they are written, and which there are."""

from zoneinfo import ZoneInfo

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from schemas.times import rfc3339
from tests.clickhouse.database import Database
from tests.clickhouse.test_analytics import add_clicks, at, series

pytestmark = pytest.mark.integration


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
    database.client.command("TRUNCATE TABLE clicks_by_time_raw")
    assert [row[0] for row in series(database, day, next_day, "hour", timezone)] == [
        row[0] for row in by_hour
    ]


@pytest.mark.parametrize("granularity", ["second", "fortnight", ""])
def test_an_unknown_granularity_is_refused(empty_database: Database, granularity: str) -> None:
    with pytest.raises(
        DatabaseError, match="granularity: expected minute, hour, day, week, month, quarter or"
    ):
        series(empty_database, "2026-01-01", "2026-01-02", granularity)


def labels(database: Database, start: str, end: str, granularity: str, timezone: str) -> list[str]:
    return [
        str(label)
        for (label,) in database.rows(
            f"SELECT label FROM timeseries(workspace = 'w', start = '{start}', end = '{end}', "
            f"granularity = '{granularity}', timezone = '{timezone}')"
        )
    ]


@pytest.mark.parametrize(
    ("timezone", "start", "end", "expected"),
    [
        (  # back by half an hour: the half that comes twice is a bucket of its own
            "Australia/Lord_Howe",
            *("2026-04-05 00:30", "2026-04-05 03:30"),
            ["00:00:00+11:00", "01:00:00+11:00", "01:30:00+10:30", "02:00:00+10:30", "03:00:00+10:30"],
        ),
        (  # forth by half an hour: nothing lies between 02:00 and 02:30
            "Australia/Lord_Howe",
            *("2026-10-04 00:30", "2026-10-04 04:30"),
            ["00:00:00+10:30", "01:00:00+10:30", "02:30:00+11:00", "03:00:00+11:00", "04:00:00+11:00"],
        ),
        ("Asia/Kathmandu", "2026-01-01", "2026-01-01 02:01", [f"0{n}:00:00+05:45" for n in range(3)]),
    ],
)
def test_an_hour_begins_on_the_hour_of_the_clock(
    empty_database: Database, timezone: str, start: str, end: str, expected: list[str]
) -> None:
    assert [label[11:] for label in labels(empty_database, start, end, "hour", timezone)] == expected


@pytest.mark.parametrize("granularity", ["minute", "hour"])
def test_labels_tell_the_hours_apart_when_clocks_go_back(empty_database: Database, granularity: str) -> None:
    found = labels(empty_database, "2026-10-25", "2026-10-25 06:00", granularity, "Europe/Berlin")
    assert len(set(found)) == len(found) == (7 if granularity == "hour" else 7 * 60)
    assert "2026-10-25T02:00:00+02:00" in found
    assert "2026-10-25T02:00:00+01:00" in found


def test_a_label_is_the_bucket_as_text(empty_database: Database) -> None:
    zone = ZoneInfo("America/New_York")
    found = empty_database.rows(
        "SELECT toUnixTimestamp(bucket), label FROM timeseries(workspace = 'w', start = '2026-01-15', "
        "end = '2026-12-01', granularity = 'month', timezone = 'America/New_York')"
    )
    assert [at(str(label)).timestamp() for _, label in found] == [seconds for seconds, _ in found]
    assert [at(str(label)).astimezone(zone).isoformat() for _, label in found] == [
        label for _, label in found
    ]


@pytest.mark.parametrize("granularity", ["day", "year"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("1969-12-31", "1971-01-01"),
        ("1900-01-01", "2026-01-01"),
        ("2026-01-01", "2106-01-02"),
        ("2026-01-01", "9999-12-31"),
    ],
)
def test_buckets_that_no_time_can_be_given_are_refused(
    empty_database: Database, start: str, end: str, granularity: str
) -> None:
    with pytest.raises(DatabaseError, match="from 1970-01-01T00:00:00Z to 2106-01-01T00:00:00Z"):
        series(empty_database, start, end, granularity)


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("granularity", ["minute", "hour", "day", "week", "month", "quarter", "year"])
def test_the_first_and_the_last_moment_that_are_allowed(
    empty_database: Database, granularity: str, timezone: str
) -> None:
    last = 4_291_747_200
    for start, end in ((0, 86_400), (last - 86_400, last)):
        window = f"start = '{rfc3339(start * 1000)}', end = '{rfc3339(end * 1000)}', timezone = '{timezone}'"
        [(first_bucket, last_bucket)] = empty_database.rows(
            "SELECT toUnixTimestamp(min(bucket)), toUnixTimestamp(max(bucket)) "
            f"FROM timeseries(workspace = 'w', {window}, granularity = '{granularity}')"
        )
        assert start - 366 * 86_400 < int(str(first_bucket)) <= start
        assert start - 366 * 86_400 < int(str(last_bucket)) < end


@pytest.mark.parametrize(
    ("granularity", "start", "end"),
    [
        ("minute", "2000-01-01", "2030-01-01"),
        ("minute", "2026-01-01", "2026-03-12"),
        ("hour", "2000-01-01", "2026-01-01"),
    ],
)
def test_a_series_that_nobody_can_look_at_is_refused(
    empty_database: Database, granularity: str, start: str, end: str
) -> None:
    with pytest.raises(DatabaseError, match="at most 100,000 minutes or hours; take a coarser one"):
        series(empty_database, start, end, granularity)


def test_a_long_series_is_complete(database: Database) -> None:
    add_clicks(database, "2000-06-01T00:00Z", "2025-12-31T23:59Z")
    for granularity, buckets in (("day", 9_497), ("week", 1_358), ("month", 312), ("year", 26)):
        found = series(database, "2000-01-01", "2026-01-01", granularity)
        assert len(found) == buckets
        assert sum(int(str(row[1])) for row in found) == 2
    assert len(series(database, "2016-01-01", "2026-01-01", "hour")) == 87_672
