"""Which time is meant, the one before it, and the buckets of both: exact in every zone.

A bucket begins at a moment on the clock of the zone, so that a day has 23 or 25 hours where its zone says so;
what is asked and shown are these moments.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.times import HOUR_MS, MINUTE_MS, to_ms


class Grain(StrEnum):
    """How long a bucket is. Weeks begin on Monday."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Interval(StrEnum):
    """What may be asked for by name. A number of days ends with today, ``1y`` with this month, ``24h`` with
    this hour; ``mtd``, ``qtd``, ``ytd`` begin with the month, quarter, year that it is in."""

    DAY = "24h"
    WEEK = "7d"
    DAYS_30 = "30d"
    DAYS_90 = "90d"
    YEAR = "1y"
    MONTH_TO_DATE = "mtd"
    QUARTER_TO_DATE = "qtd"
    YEAR_TO_DATE = "ytd"
    ALL = "all"


class Comparison(StrEnum):
    """Beside which time: the one just before, or that of a year before; of days, the same weekdays."""

    PREVIOUS = "previous"
    YEAR = "year"


USUAL: Final = Interval.DAYS_30
MOST_DAYS: Final = 3_660
MOST_BUCKETS: Final = 10_000
_DAYS: Final = {Interval.WEEK: 7, Interval.DAYS_30: 30, Interval.DAYS_90: 90}
_WEEK: Final = 7
_MOST_HOURLY_DAYS: Final = 2
_MOST_DAILY_DAYS: Final = 180
_YEAR_WEEKS: Final = 52
_YEAR_MONTHS: Final = 12
_MONTHS: Final = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}
_STEPS_MS: Final = {Grain.MINUTE: MINUTE_MS, Grain.HOUR: HOUR_MS}


class TooManyBuckets(ValueError):
    """A grain is too fine for the time: more than ``MOST_BUCKETS``."""


@dataclass(frozen=True)
class Span:
    """``begins``: of its buckets, epoch ms; ``end_ms``: of the last one, beyond it. ``first``, ``last``: its
    days."""

    begins: Sequence[int]
    end_ms: int
    first: date
    last: date

    @property
    def start_ms(self) -> int:
        """Of all of it."""
        return self.begins[0]


@dataclass(frozen=True)
class Period:
    """``before``: as long, and on the same weekdays where ``weekdays`` says so. ``then_ms``: in it, what now
    is in this one.
    """

    zone: ZoneInfo
    grain: Grain
    now: datetime
    span: Span
    before: Span
    weekdays: bool
    then_ms: int

    @property
    def running(self) -> int | None:
        """The index of the bucket in which it is now; None: all are over, or it is in none."""
        now_ms = to_ms(self.now)
        last = len(self.span.begins) - 1
        return last if self.span.begins[last] <= now_ms < self.span.end_ms else None

    @property
    def cutoff_ms(self) -> int:
        """Until when the one before is compared, as far as this one has come."""
        return self.before.end_ms if self.running is None else min(self.then_ms, self.before.end_ms)

    def local(self, ms: int) -> datetime:
        """On the clock of the zone."""
        return datetime.fromtimestamp(ms / 1000, self.zone)


def named(
    interval: Interval,
    zone: ZoneInfo,
    now_ms: int,
    *,
    first_ms: int | None = None,
    grain: Grain | None = None,
    beside: Comparison = Comparison.PREVIOUS,
) -> Period:
    """``first_ms``: with which ``ALL`` begins; None: with today. ``grain``: None: what suits the length.

    Raises ``TooManyBuckets``.
    """
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    today = now.date()
    if interval is Interval.DAY:
        return _last_day(zone, now, grain or Grain.HOUR, beside)
    if interval is Interval.YEAR:
        first = _month(_months(today) - _YEAR_MONTHS + 1)
        return _whole_months(first, zone, now, grain or Grain.MONTH, beside)
    if interval is Interval.YEAR_TO_DATE:
        return _whole_months(date(today.year, 1, 1), zone, now, grain or Grain.MONTH, beside)
    if interval is Interval.ALL:
        first = min(today, datetime.fromtimestamp((first_ms or now_ms) / 1000, zone).date())
        return _whole_months(_month(_months(first)), zone, now, grain or Grain.MONTH, beside)
    if interval in _DAYS:
        first = today - timedelta(days=_DAYS[interval] - 1)
    elif interval is Interval.MONTH_TO_DATE:
        first = today.replace(day=1)
    else:
        first = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    return of_days(first, today, zone, now_ms, grain=grain or Grain.DAY, beside=beside)


def of_days(
    first: date,
    last: date,
    zone: ZoneInfo,
    now_ms: int,
    *,
    grain: Grain | None = None,
    beside: Comparison = Comparison.PREVIOUS,
) -> Period:
    """Both days are in it. Raises ``TooManyBuckets``."""
    count = (last - first).days + 1
    if grain is None:
        grain = Grain.HOUR if count <= _MOST_HOURLY_DAYS else Grain.DAY
        if count > _MOST_DAILY_DAYS:
            grain = Grain.MONTH
    weekdays = count > 1 or beside is Comparison.YEAR
    shift = timedelta(days=-(-count // _WEEK) * _WEEK if weekdays else 1)
    if beside is Comparison.YEAR:
        shift = timedelta(weeks=_YEAR_WEEKS)
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    return Period(
        zone,
        grain,
        now,
        _span(first, last, grain, zone),
        _span(first - shift, last - shift, grain, zone),
        weekdays,
        midnight_ms(now.date() - shift, zone, now.time()),
    )


def zone_named(name: str) -> ZoneInfo | None:
    """Of the IANA database; None: there is none of this name. The list of all that there are takes 0.2 s."""
    if name == "posixrules" or name.startswith(("posix/", "right/")):
        return None  # no zones of their own
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def midnight_ms(day: date, zone: ZoneInfo, clock: time = time()) -> int:
    """When the day begins, or has come to this time of its clock. A time that the clocks skip is the moment
    in which they do: so ``fold`` 0 has it."""
    return to_ms(datetime.combine(day, clock, zone))


def _last_day(zone: ZoneInfo, now: datetime, grain: Grain, beside: Comparison) -> Period:
    """24 hours, with the one that is running: of a clock whose offset has half hours, too."""
    offset_ms = _offset_ms(now)
    end_ms = (to_ms(now) + offset_ms) // HOUR_MS * HOUR_MS - offset_ms + HOUR_MS
    back_ms = (_YEAR_WEEKS * _WEEK if beside is Comparison.YEAR else 1) * 24 * HOUR_MS
    span, before = (_hours(end_ms - back, zone, grain) for back in (0, back_ms))
    return Period(zone, grain, now, span, before, beside is Comparison.YEAR, to_ms(now) - back_ms)


def _hours(end_ms: int, zone: ZoneInfo, grain: Grain) -> Span:
    start_ms = end_ms - 24 * HOUR_MS
    first, last = (datetime.fromtimestamp(ms / 1000, zone).date() for ms in (start_ms, end_ms - 1))
    if grain in _STEPS_MS:
        begins = [*_steps(start_ms, end_ms, grain, zone)]
    else:
        begins = [start_ms, *(one for one in _span(first, last, grain, zone).begins if one > start_ms)]
    return Span(begins, end_ms, first, last)


def _whole_months(first: date, zone: ZoneInfo, now: datetime, grain: Grain, beside: Comparison) -> Period:
    """From the first day of a month to the end of this one."""
    begin, end = _months(first), _months(now.date()) + 1
    back = _YEAR_MONTHS if beside is Comparison.YEAR else end - begin
    span, before = (
        _span(_month(begin - by), _month(end - by) - timedelta(days=1), grain, zone) for by in (0, back)
    )
    # A month may be shorter: its last day has then been over.
    then = min(_month(end - 1 - back) + timedelta(days=now.day - 1), before.last)
    return Period(zone, grain, now, span, before, False, midnight_ms(then, zone, now.time()))


def _months(day: date) -> int:
    """Of the month that it is in, counted from the year 0."""
    return day.year * _YEAR_MONTHS + day.month - 1


def _month(count: int) -> date:
    return date(count // _YEAR_MONTHS, count % _YEAR_MONTHS + 1, 1)


def _span(first: date, last: date, grain: Grain, zone: ZoneInfo) -> Span:
    start_ms, end_ms = midnight_ms(first, zone), midnight_ms(last + timedelta(days=1), zone)
    if step_ms := _STEPS_MS.get(grain):
        if (end_ms - start_ms) // step_ms > MOST_BUCKETS:
            raise TooManyBuckets
        return Span([*_steps(start_ms, end_ms, grain, zone)], end_ms, first, last)
    days = [one for one in _days(first, last) if one == first or _begins(one, grain)]
    # A day that a place has left out, to be across the date line, begins where the next one does.
    return Span(sorted({midnight_ms(one, zone) for one in days} - {end_ms}), end_ms, first, last)


def _begins(day: date, grain: Grain) -> bool:
    if grain is Grain.WEEK:
        return day.weekday() == 0
    return grain is Grain.DAY or (day.day == 1 and (day.month - 1) % _MONTHS[grain] == 0)


def _steps(start_ms: int, end_ms: int, grain: Grain, zone: ZoneInfo) -> Iterator[int]:
    """On the clock: where it changes by half an hour, a bucket of its own begins."""
    step_ms = _STEPS_MS[grain]

    def all_of_them() -> Iterator[int]:
        at_ms = start_ms
        while True:
            yield at_ms
            local_ms = at_ms + _offset_ms(datetime.fromtimestamp(at_ms / 1000, zone))
            at_ms += step_ms - local_ms % step_ms

    return takewhile(lambda ms: ms < end_ms, all_of_them())


def _offset_ms(moment: datetime) -> int:
    return int((moment.utcoffset() or timedelta()).total_seconds() * 1000)


def _days(first: date, last: date) -> Iterator[date]:
    for count in range((last - first).days + 1):
        yield first + timedelta(days=count)
