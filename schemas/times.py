"""Event times: integer epoch milliseconds inside, RFC 3339 UTC with milliseconds outside."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

EARLIEST_MS: Final = 946_684_800_000
"""2000-01-01T00:00:00Z; an event before it is a dead letter."""
LATEST_MS: Final = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z, the last moment that has a name in RFC 3339."""
MAX_AHEAD_MS: Final = DAY_MS
"""An event further in the future than this is a dead letter."""


def to_ms(moment: datetime) -> int:
    """Exact: a float of seconds would lose a millisecond now and then."""
    return (moment - _EPOCH) // _MILLISECOND


def rfc3339(epoch_ms: int) -> str:
    """``2026-01-31T12:00:00.123Z``.

    From tables: every result carries several times, and datetime takes 3 µs for each of them.
    """
    day, in_day = divmod(epoch_ms, DAY_MS)
    minute, in_minute = divmod(in_day, MINUTE_MS)
    second, millisecond = divmod(in_minute, SECOND_MS)
    return f"{_date(day)}{_MINUTES[minute]}{_SECONDS[second]}{_MILLISECONDS[millisecond]}"


_MINUTES: Final = tuple(f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60))
_SECONDS: Final = tuple(f"{second:02}." for second in range(60))
_MILLISECONDS: Final = tuple(f"{millisecond:03}Z" for millisecond in range(1_000))


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def parse_rfc3339(text: str) -> int:
    """Inverse of :func:`rfc3339`; raises ``ValueError`` for a time without an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without an offset: {text}")
    return to_ms(moment)
