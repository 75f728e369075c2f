"""Which time a page is about, the one before it, and the buckets of both: exact in every zone.

A bucket begins at a moment on the clock of the zone, so that a day has 23 or 25 hours where its zone says so;
what is asked and shown are these moments.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from processors.gateway.dashboard import dates
from schemas.times import HOUR_MS


class Grain(StrEnum):
    """How long a bucket is."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


INTERVALS: Final = {"24h": "24h", "7d": "7d", "30d": "30d", "90d": "90d", "1y": "12m"}
"""What may be chosen, and what it is called: the names are those of the API."""
USUAL: Final = "30d"
CUSTOM: Final = "custom"
_DAYS: Final = {"7d": 7, "30d": 30, "90d": 90}
_WEEK: Final = 7
_MOST_HOURLY_DAYS: Final = 2
_MOST_DAILY_DAYS: Final = 180
MOST_DAYS: Final = 3_660
_YEAR_MONTHS: Final = 12


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
    """``before``: as long, and on the same weekdays. ``running``: the index of the bucket in which it is now,
    None: all are over. ``cutoff_ms``: until when the one before is compared, as far as this one has come."""

    zone: ZoneInfo
    grain: Grain
    now: datetime
    span: Span
    before: Span
    weekdays: bool

    @property
    def running(self) -> int | None:
        now_ms = _ms(self.now)
        last = len(self.span.begins) - 1
        return last if self.span.begins[last] <= now_ms < self.span.end_ms else None

    @property
    def cutoff_ms(self) -> int:
        if self.running is None:
            return self.before.end_ms
        # As many days and as much of the clock into its last bucket as now into the running one.
        begin, then = self._local(self.span.begins[-1]), self._local(self.before.begins[-1])
        day = then.date() + (self.now.date() - begin.date())
        if self.grain is Grain.HOUR:
            into = self.now - begin
            return min(self.before.end_ms, _ms(then + into))
        return min(self.before.end_ms, _at(day, self.now.time(), self.zone))

    @property
    def written(self) -> str:
        """``30 Oct – 28 Nov``."""
        return dates.span(self.span.first, self.span.last, self.now.date())

    @property
    def before_written(self) -> str:
        """Likewise."""
        return dates.span(self.before.first, self.before.last, self.now.date())

    @property
    def running_written(self) -> str:
        """Of the bucket in which it is now."""
        named = {Grain.HOUR: "this hour", Grain.DAY: "today", Grain.MONTH: "this month"}
        return f"{named[self.grain]} so far"

    def label(self, begin_ms: int) -> str:
        """On the axis."""
        at = self._local(begin_ms)
        if self.grain is Grain.HOUR:
            return f"{at:%H:%M}"
        return dates.day(at) if self.grain is Grain.DAY else f"{at:%b}"

    def long_label(self, begin_ms: int) -> str:
        """In full. Of an hour with its day, and of one of two with one name, with its offset."""
        at = self._local(begin_ms)
        if self.grain is Grain.HOUR:
            twice = at.utcoffset() != at.replace(fold=1 - at.fold).utcoffset()
            return f"{dates.long_day(at)}, {at:%H:%M}" + (f" (UTC{at:%z})" if twice else "")
        return dates.long_day(at) if self.grain is Grain.DAY else f"{at:%B %Y}"

    def before_label(self, begin_ms: int) -> str:
        """Of the period before, beside one of this."""
        at = self._local(begin_ms)
        if self.grain is Grain.HOUR:
            return f"{at.day} {at:%B}, {at:%H:%M}"
        return f"{at.day} {at:%B}" if self.grain is Grain.DAY else f"{at:%B %Y}"

    def day_of(self, begin_ms: int) -> str:
        """On which a bucket begins, as an address has it."""
        return self._local(begin_ms).date().isoformat()

    def _local(self, ms: int) -> datetime:
        return datetime.fromtimestamp(ms / 1000, self.zone)


def period(interval: str, days: tuple[date, date] | None, zone: ZoneInfo, now_ms: int) -> Period:
    """``days``: first and last, of a custom one."""
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    if days is None and interval == "24h":
        return _last_day(zone, now)
    if days is None and interval not in _DAYS:
        return _last_year(zone, now)
    first, last = days or (now.date() - timedelta(days=_DAYS[interval] - 1), now.date())
    count = (last - first).days + 1
    grain = Grain.HOUR if count <= _MOST_HOURLY_DAYS else Grain.DAY
    if count > _MOST_DAILY_DAYS:
        grain = Grain.MONTH
    weekdays = count > 1
    shift = timedelta(days=-(-count // _WEEK) * _WEEK if weekdays else 1)
    return Period(
        zone,
        grain,
        now,
        _span(first, last, grain, zone),
        _span(first - shift, last - shift, grain, zone),
        weekdays,
    )


def _last_day(zone: ZoneInfo, now: datetime) -> Period:
    """24 hours, with the one that is running: of a clock whose offset has half hours, too."""
    offset = now.utcoffset() or timedelta()
    offset_ms = int(offset.total_seconds() * 1000)
    end_ms = (_ms(now) + offset_ms) // HOUR_MS * HOUR_MS - offset_ms + HOUR_MS
    span, before = (_hours(end_ms - back * 24 * HOUR_MS, zone) for back in (0, 1))
    return Period(zone, Grain.HOUR, now, span, before, weekdays=False)


def _hours(end_ms: int, zone: ZoneInfo) -> Span:
    begins = [end_ms - hours * HOUR_MS for hours in range(24, 0, -1)]
    first, last = (datetime.fromtimestamp(ms / 1000, zone).date() for ms in (begins[0], end_ms - 1))
    return Span(begins, end_ms, first, last)


def _last_year(zone: ZoneInfo, now: datetime) -> Period:
    months = now.year * _YEAR_MONTHS + now.month - 1
    span, before = (_months(months - back, zone) for back in (0, _YEAR_MONTHS))
    return Period(zone, Grain.MONTH, now, span, before, weekdays=False)


def _months(last: int, zone: ZoneInfo) -> Span:
    """Twelve; ``last``: counted from the year 0."""
    edges = [
        date(month // _YEAR_MONTHS, month % _YEAR_MONTHS + 1, 1)
        for month in range(last - _YEAR_MONTHS + 1, last + 2)
    ]
    begins = [_at(one, time(), zone) for one in edges]
    return Span(begins[:-1], begins[-1], edges[0], edges[-1] - timedelta(days=1))


def _span(first: date, last: date, grain: Grain, zone: ZoneInfo) -> Span:
    end_ms = _at(last + timedelta(days=1), time(), zone)
    if grain is Grain.HOUR:
        start_ms = _at(first, time(), zone)
        return Span([*range(start_ms, end_ms, HOUR_MS)], end_ms, first, last)
    days = [*_days(first, last)]
    if grain is Grain.MONTH:
        days = [one for one in days if one == first or one.day == 1]
    # A day that a place has left out, to change sides of the date line, begins where the next one does.
    return Span(sorted({_at(one, time(), zone) for one in days} - {end_ms}), end_ms, first, last)


def _days(first: date, last: date) -> Iterator[date]:
    for count in range((last - first).days + 1):
        yield first + timedelta(days=count)


def _at(day: date, clock: time, zone: ZoneInfo) -> int:
    """Midnight that the clocks skip is the moment in which they do: so ``fold`` 0 has it."""
    return _ms(datetime.combine(day, clock, zone))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
