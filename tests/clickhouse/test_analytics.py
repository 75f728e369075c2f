"""The parameterised views against tables computed by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import pytest

from tests.clickhouse.database import Database

pytestmark = pytest.mark.integration

JANUARY: Final = "workspace = 'w', start = '2026-01-01', end = '2026-02-01', timezone = 'UTC'"


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


def add_sales(
    database: Database, *sales: tuple[str, int], workspace: str = "w", link: str = "", currency: str = "usd"
) -> None:
    rows = [
        (workspace, f"{link}{currency}{number}", at(time), amount, currency, link)
        for number, (time, amount) in enumerate(sales)
    ]
    add(database, "sales_raw", rows, "workspace_id", "sale_id", "timestamp", "amount", "currency", "link_id")


def series(
    database: Database, start: str, end: str, granularity: str, timezone: str = "UTC"
) -> list[tuple[object, ...]]:
    """Buckets as people of that timezone write them, without seconds; amounts in cents."""
    return database.rows(
        "SELECT formatDateTime(bucket, '%Y-%m-%d %H:%i'), clicks, leads, sales, sale_amount['usd'] "
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


def funnel(database: Database) -> list[tuple[object, ...]]:
    return database.rows(f"SELECT step, count, conversion, drop_off FROM funnel({JANUARY})")


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
        f"SELECT link_id, clicks, leads, sales, sale_amount['usd'] FROM top_links({JANUARY})"
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
    found = database.rows(f"SELECT stage, leads, p50, p90, p99 FROM time_to_lead({JANUARY})")
    assert found == [
        ("click to deferred", 101, 51, 91, 100),
        ("deferred to lead", 101, 510, 910, 1000),
        ("click to lead", 101, 561, 1001, 1100),
    ]


def test_money_is_added_up_by_currency_and_does_not_overflow(database: Database) -> None:
    most = 2**63 - 1
    add_sales(database, *([("2026-01-02T00:00Z", most)] * 3), currency="idr", link="a")
    add_sales(database, ("2026-01-02T00:00Z", 500), currency="jpy", link="a")
    add_sales(database, ("2026-01-03T00:00Z", 700), currency="jpy", link="b")
    by_day = database.rows(
        f"SELECT sales, sale_amount FROM timeseries({JANUARY}, granularity = 'day') WHERE sales > 0"
    )
    assert by_day == [(4, {"idr": 3 * most, "jpy": 500}), (1, {"jpy": 700})]
    by_link = database.rows(f"SELECT link_id, sale_amount FROM top_links({JANUARY}) ORDER BY link_id")
    assert by_link == [("a", {"idr": 3 * most, "jpy": 500}), ("b", {"jpy": 700})]


def test_a_bucket_without_sales_has_no_amounts(database: Database) -> None:
    assert database.rows(
        f"SELECT DISTINCT sale_amount, sale_amount['usd'] FROM timeseries({JANUARY}, granularity = 'day')"
    ) == [({}, 0)]


def test_leads_add_up_quantities_and_lead_count_counts_them(database: Database) -> None:
    add_clicks(database, *(f"2026-01-01T00:00:{second:02}Z" for second in range(20)), link="l")
    columns = ("workspace_id", "lead_id", "timestamp", "quantity", "link_id")
    rows = [("w", "1", at("2026-01-02T00:00Z"), 7, "l"), ("w", "2", at("2026-01-02T01:00Z"), 3, "l")]
    add(database, "leads_raw", rows, *columns)
    add_sales(database, ("2026-01-03T00:00Z", 100), link="l")
    views = {
        f"timeseries({JANUARY}, granularity = 'month')": "leads, lead_count",
        f"top_links({JANUARY})": "leads, lead_count",
        f"time_to_lead({JANUARY}) LIMIT 1": "leads, lead_count",
    }
    for view, names in views.items():
        assert database.rows(f"SELECT {names} FROM {view}") == [(10, 2)], view
    assert database.rows(f"SELECT step, count, records, conversion, drop_off FROM funnel({JANUARY})") == [
        ("clicks", 20, 20, 1.0, 0.0),
        ("leads", 10, 2, 0.5, 0.5),
        ("sales", 1, 1, 0.1, 0.9),
    ]


@pytest.mark.parametrize("timezone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_every_view_means_the_same_days(database: Database, timezone: str) -> None:
    """An event every hour around both ends of the window, which is local to the timezone in each view."""
    times = [f"2026-01-{day:02}T{hour:02}:30Z" for day in (4, 5, 6, 11, 12, 13) for hour in range(24)]
    add_clicks(database, *times)
    add_leads(database, *times)
    add_sales(database, *((time, 1) for time in times))
    window = f"workspace = 'w', start = '2026-01-05', end = '2026-01-12', timezone = '{timezone}'"
    [expected] = database.rows(
        f"SELECT sum(clicks), sum(leads), sum(sales) FROM timeseries({window}, granularity = 'day')"
    )
    assert expected == (72, 72, 72)
    for granularity in ("hour", "year"):
        assert database.rows(
            "SELECT sum(clicks), sum(leads), sum(sales) "
            f"FROM timeseries({window}, granularity = '{granularity}')"
        ) == [expected]
    assert tuple(count for (count,) in database.rows(f"SELECT count FROM funnel({window})")) == expected
    assert database.rows(f"SELECT clicks, leads, sales FROM top_links({window})") == [expected]
    assert database.rows(f"SELECT DISTINCT leads FROM time_to_lead({window})") == [(72,)]
