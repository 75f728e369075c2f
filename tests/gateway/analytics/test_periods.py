"""Times on the clocks of places where they do odd things."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.gateway.analytics import periods
from processors.gateway.analytics.periods import (
    Comparison,
    Grain,
    Interval,
    Period,
    TooManyBuckets,
    named,
    of_days,
    zone_named,
)
from schemas.times import DAY_MS, HOUR_MS

ZONES = (
    "UTC",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Pacific/Apia",
    "Europe/Berlin",
)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def at(period: Period) -> list[str]:
    return [f"{period.local(one):%m-%d %H:%M}" for one in period.span.begins]


NOW = ms("2026-11-28T14:32:07Z")
moments = st.integers(ms("2005-01-01T00:00Z"), ms("2037-01-01T00:00Z"))


@given(
    moments,
    st.sampled_from(ZONES),
    st.sampled_from(Interval),
    st.sampled_from(Grain),
    st.sampled_from(Comparison),
)
def test_buckets_follow_one_another(
    now_ms: int, zone: str, interval: Interval, grain: Grain, beside: Comparison
) -> None:
    """Each begins where the one before ends, at midnight where days are counted, and now is in the last."""
    first_ms = now_ms - 400 * DAY_MS
    try:
        period = named(interval, ZoneInfo(zone), now_ms, first_ms=first_ms, grain=grain, beside=beside)
    except TooManyBuckets:
        assert grain is Grain.MINUTE or (grain is Grain.HOUR and interval is Interval.ALL)
        return
    for span in (period.span, period.before):
        edges = [*span.begins, span.end_ms]
        assert edges == sorted(set(edges))
        assert len(edges) <= periods.MOST_BUCKETS + 2
    assert period.span.start_ms <= now_ms < period.span.end_ms
    assert period.before.start_ms < period.before.end_ms <= period.span.end_ms
    if grain in (Grain.DAY, Grain.WEEK, Grain.MONTH) and interval is not Interval.DAY:
        # Where midnight is skipped, the day begins with what comes after it.
        assert {period.local(one).hour for one in period.span.begins} <= {0, 1}
    assert period.before.start_ms <= period.cutoff_ms <= period.before.end_ms


@given(st.dates(date(2005, 1, 1), date(2036, 1, 1)), st.integers(0, 400), st.sampled_from(ZONES), moments)
def test_the_time_before_has_the_same_weekdays(first: date, more: int, zone: str, now_ms: int) -> None:
    period = of_days(first, first + timedelta(days=more), ZoneInfo(zone), now_ms)
    back = (period.span.first - period.before.first).days
    assert period.before.last - period.before.first == period.span.last - period.span.first
    assert period.before.last < period.span.first
    assert back == (1 if more == 0 else -(-(more + 1) // 7) * 7)


def test_thirty_days_are_compared_with_those_that_began_35_days_earlier() -> None:
    period = named(Interval.DAYS_30, ZoneInfo("UTC"), NOW)
    assert (period.span.first, period.before.first) == (date(2026, 10, 30), date(2026, 9, 25))


def test_a_running_day_is_compared_to_the_same_time_of_day() -> None:
    period = named(Interval.WEEK, ZoneInfo("Europe/Berlin"), NOW)
    assert period.running == 6
    assert period.local(period.cutoff_ms).isoformat() == "2026-11-21T15:32:07+01:00"


def test_a_year_before_means_52_weeks_for_days_and_12_months_for_months() -> None:
    days = named(Interval.WEEK, ZoneInfo("UTC"), NOW, beside=Comparison.YEAR)
    assert days.span.first - days.before.first == timedelta(weeks=52)
    months = named(Interval.YEAR_TO_DATE, ZoneInfo("UTC"), NOW, beside=Comparison.YEAR)
    assert (months.before.first, months.before.last) == (date(2025, 1, 1), date(2025, 11, 30))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Africa/Cairo", "2026-04-24", 23),  # midnight itself is skipped
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
    ],
)
def test_days_are_as_long_as_clocks_make_them(zone: str, day: str, hours: float) -> None:
    one = date.fromisoformat(day)
    period = of_days(one, one, ZoneInfo(zone), NOW)
    assert period.span.end_ms - period.span.start_ms == hours * HOUR_MS
    week = of_days(one, one + timedelta(days=6), ZoneInfo(zone), NOW)
    assert len(week.span.begins) == 7


def test_a_day_that_a_place_left_out_is_no_bucket() -> None:
    period = of_days(date(2011, 12, 29), date(2011, 12, 31), ZoneInfo("Pacific/Apia"), NOW, grain=Grain.DAY)
    assert at(period) == ["12-29 00:00", "12-31 00:00"]


def test_hours_begin_on_the_clock_also_after_half_an_hour_was_skipped() -> None:
    period = of_days(date(2026, 10, 4), date(2026, 10, 4), ZoneInfo("Australia/Lord_Howe"), NOW)
    assert at(period)[:5] == ["10-04 00:00", "10-04 01:00", "10-04 02:30", "10-04 03:00", "10-04 04:00"]


def test_the_last_24_hours_end_with_this_one_on_a_clock_of_quarters() -> None:
    period = named(Interval.DAY, ZoneInfo("Asia/Kathmandu"), NOW)
    assert at(period)[-1] == "11-28 20:00"
    assert len(period.span.begins) == 24


def test_weeks_begin_on_monday_and_quarters_with_their_months() -> None:
    weeks = of_days(date(2026, 11, 1), date(2026, 11, 16), ZoneInfo("UTC"), NOW, grain=Grain.WEEK)
    assert at(weeks) == ["11-01 00:00", "11-02 00:00", "11-09 00:00", "11-16 00:00"]
    quarters = named(Interval.YEAR, ZoneInfo("UTC"), NOW, grain=Grain.QUARTER)
    assert at(quarters) == ["12-01 00:00", "01-01 00:00", "04-01 00:00", "07-01 00:00", "10-01 00:00"]


def test_all_begins_with_the_first_month() -> None:
    period = named(Interval.ALL, ZoneInfo("UTC"), NOW, first_ms=ms("2026-09-30T23:59Z"))
    assert at(period) == ["09-01 00:00", "10-01 00:00", "11-01 00:00"]
    assert named(Interval.ALL, ZoneInfo("UTC"), NOW).span.first == date(2026, 11, 1)


def test_too_fine_a_grain_is_refused() -> None:
    with pytest.raises(TooManyBuckets):
        named(Interval.DAYS_30, ZoneInfo("UTC"), NOW, grain=Grain.MINUTE)


def test_a_moment_is_the_same_in_every_zone() -> None:
    period = named(Interval.DAY, ZoneInfo("Asia/Tehran"), NOW)
    assert period.local(NOW).astimezone(UTC) == datetime(2026, 11, 28, 14, 32, 7, tzinfo=UTC)


def test_every_zone_that_there_is_has_its_name() -> None:
    assert [one for one in available_timezones() if zone_named(one) is None] == []


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "Europe", "/etc/passwd", "../UTC", "\x00", "\ud800", "x" * 5_000, "zone.tab"]
)
def test_nothing_else_is_a_zone(name: str) -> None:
    assert zone_named(name) is None
