"""Which time a page is about, and what people call it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from processors.gateway.analytics import periods
from processors.gateway.analytics.periods import Grain, Interval, named, of_days
from processors.gateway.dashboard import dates

INTERVALS: Final[Mapping[str, str]] = {"24h": "24h", "7d": "7d", "30d": "30d", "90d": "90d", "1y": "12m"}
"""What may be chosen, and what it is called: the names are those of the API."""
CUSTOM: Final = "custom"


@dataclass(frozen=True)
class Period(periods.Period):
    """With words for it and its buckets."""

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
        at = self.local(begin_ms)
        if self.grain is Grain.HOUR:
            return f"{at:%H:%M}"
        return dates.day(at) if self.grain is Grain.DAY else f"{at:%b}"

    def long_label(self, begin_ms: int) -> str:
        """In full. Of an hour with its day, and of one of two with one name, with its offset."""
        at = self.local(begin_ms)
        if self.grain is Grain.HOUR:
            twice = at.utcoffset() != at.replace(fold=1 - at.fold).utcoffset()
            return f"{dates.long_day(at)}, {at:%H:%M}" + (f" (UTC{at:%z})" if twice else "")
        return dates.long_day(at) if self.grain is Grain.DAY else f"{at:%B %Y}"

    def before_label(self, begin_ms: int) -> str:
        """Of the period before, beside one of this."""
        at = self.local(begin_ms)
        if self.grain is Grain.HOUR:
            return f"{at.day} {at:%B}, {at:%H:%M}"
        return f"{at.day} {at:%B}" if self.grain is Grain.DAY else f"{at:%B %Y}"

    def day_of(self, begin_ms: int) -> str:
        """On which a bucket begins, as an address has it."""
        return self.local(begin_ms).date().isoformat()


def period(interval: str, days: tuple[date, date] | None, zone: ZoneInfo, now_ms: int) -> Period:
    """``days``: first and last, of a custom one."""
    found = of_days(*days, zone, now_ms) if days else named(Interval(interval), zone, now_ms)
    return Period(**{one.name: getattr(found, one.name) for one in fields(found)})
