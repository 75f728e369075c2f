"""Periods: the days of a zone, however long they are, and those that they are compared with."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from processors.gateway.analytics.periods import Grain
from processors.gateway.dashboard.periods import INTERVALS, Period, period
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Pacific/Apia",
)


def at(zone: str, year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    moment = datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(zone))
    return int(moment.timestamp() * 1000)


def of(interval: str, zone: str, *moment: int) -> Period:
    return period(interval, None, ZoneInfo(zone), at(zone, *moment))


def custom(first: str, last: str, zone: str, *moment: int) -> Period:
    days = date.fromisoformat(first), date.fromisoformat(last)
    return period("custom", days, ZoneInfo(zone), at(zone, *moment))


def lengths(made: Period) -> list[float]:
    begins = [*made.span.begins, made.span.end_ms]
    return [(end - begin) / HOUR_MS for begin, end in pairwise(begins)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("month", range(1, 13))
def test_buckets_follow_each_other_and_hold_the_present(interval: str, zone: str, month: int) -> None:
    made = of(interval, zone, 2026, month, 27, 13, 14, 15)
    for span in (made.span, made.before):
        assert list(span.begins) == sorted(set(span.begins))
        assert span.begins[-1] < span.end_ms
    assert len(made.span.begins) == len(made.before.begins)
    assert made.running == len(made.span.begins) - 1
    assert made.before.end_ms <= made.span.start_ms
    assert made.before.begins[-1] <= made.cutoff_ms <= made.before.end_ms


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("Africa/Cairo", "2026-04-24", 23),
        ("Asia/Kathmandu", "2026-04-24", 24),
    ],
)
def test_days_on_which_clocks_change(zone: str, day: str, hours: float) -> None:
    first = date.fromisoformat(day)
    made = custom(str(first - timedelta(days=3)), str(first + timedelta(days=3)), zone, 2026, 12, 24)
    assert lengths(made) == [24, 24, 24, hours, 24, 24, 24]
    alone = custom(day, day, zone, 2026, 12, 24)
    assert sum(lengths(alone)) == hours
    assert alone.grain is Grain.HOUR


def test_a_day_that_a_place_has_left_out() -> None:
    made = custom("2011-12-28", "2012-01-02", "Pacific/Apia", 2026, 12, 24)
    assert lengths(made) == [24] * 5
    assert [made.label(one) for one in made.span.begins] == ["28 Dec", "29 Dec", "31 Dec", "1 Jan", "2 Jan"]


def test_thirty_days_are_compared_with_those_five_weeks_before() -> None:
    made = of("30d", "Europe/Berlin", 2026, 11, 28, 14, 0, 0)
    assert (made.written, made.before_written) == ("30 Oct – 28 Nov", "25 Sep – 24 Oct")
    assert made.weekdays
    assert made.before.first.weekday() == made.span.first.weekday()
    # To the same time of day, of a day before the clocks went back.
    assert made.cutoff_ms == at("Europe/Berlin", 2026, 10, 24, 14, 0, 0)


def test_a_day_of_hours_of_a_zone_with_half_hours() -> None:
    made = of("24h", "Asia/Kolkata", 2026, 11, 28, 14, 20, 0)
    assert [made.label(one) for one in made.span.begins][::23] == ["15:00", "14:00"]
    assert made.cutoff_ms == at("Asia/Kolkata", 2026, 11, 27, 14, 20, 0)
    assert not made.weekdays


def test_twelve_months_with_the_one_that_is_running() -> None:
    made = of("1y", "UTC", 2026, 11, 28, 14, 0, 0)
    assert (made.written, made.before_written) == ("1 Dec 2025 – 30 Nov 2026", "1 Dec 2024 – 30 Nov 2025")
    assert made.cutoff_ms == at("UTC", 2025, 11, 28, 14, 0, 0)
    assert made.long_label(made.span.begins[0]) == "December 2025"


@pytest.mark.parametrize(
    ("days", "grain"), [(1, "hour"), (2, "hour"), (3, "day"), (180, "day"), (181, "month")]
)
def test_how_long_a_bucket_is(days: int, grain: str) -> None:
    last = date(2026, 6, 30)
    made = custom(str(last - timedelta(days=days - 1)), str(last), "UTC", 2026, 12, 24)
    assert made.grain.value == grain
    assert made.span.end_ms - made.span.start_ms == days * DAY_MS
    assert made.running is None
    assert made.cutoff_ms == made.before.end_ms


def test_the_two_hours_of_one_name() -> None:
    made = custom("2026-10-25", "2026-10-25", "Europe/Berlin", 2026, 12, 24)
    labels = [made.long_label(one) for one in made.span.begins]
    assert len(set(labels)) == len(labels) == 25
    assert labels[2:4] == [
        "Sunday, 25 October, 02:00 (UTC+0200)",
        "Sunday, 25 October, 02:00 (UTC+0100)",
    ]


def test_the_last_day_of_a_longer_month_before() -> None:
    """31 March is three days longer than February: all of it is compared."""
    made = period(
        "custom", (date(2026, 3, 1), date(2026, 9, 30)), ZoneInfo("UTC"), at("UTC", 2026, 9, 30, 23, 59)
    )
    assert made.cutoff_ms <= made.before.end_ms
    assert made.before.end_ms - made.before.start_ms == made.span.end_ms - made.span.start_ms
    assert made.cutoff_ms % MINUTE_MS == 0
