"""Spans and points of time, as people write them."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, Field
from pydantic.fields import FieldInfo

from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, to_ms

_UNITS: Final = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
_LONGEST_MS: Final = 1_000_000 * DAY_MS
"""Kafka and ClickHouse reckon with 64 bits; nobody waits for so long."""
_ISO_DATE: Final = len("20261101")
_MS_DIGITS: Final = len("1793491200000")
_EXAMPLES: Final = "write for example 90d, 24h, 15m, 30s, 250ms"


def parse_duration_ms(text: object) -> object:
    """``90d``, ``24h``, ``15m``, ``30s``, ``250ms`` → milliseconds. Only zero needs no unit."""
    if not isinstance(text, str):
        return text
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*", text)
    if match is None:
        raise ValueError(f"not a duration: {text!r} ({_EXAMPLES})")
    number = float(match[1])
    if number and match[2] is None:
        raise ValueError(f"not a duration without its unit: {text!r} ({_EXAMPLES})")
    duration = number * _UNITS[match[2] or "ms"]
    if duration > _LONGEST_MS:
        raise ValueError(f"too long: {text[:20]!r} (at most 1000000d)")
    return round(duration)


def parse_moment_ms(text: str, now_ms: int) -> int:
    """``24h`` (ago), ``2026-11-01``, ``2026-11-01T10:00Z`` → epoch milliseconds; UTC without an offset.

    Epoch milliseconds of this century are taken as they are. Raises ``ValueError``: what other numbers mean,
    a year, seconds or so many of something, is not guessed at.
    """
    if text.isascii() and text.isdigit() and len(text) != _ISO_DATE:
        return _number_of_ms(text)
    try:
        moment = datetime.fromisoformat(text)
        return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except ValueError:
        pass
    try:
        ago = parse_duration_ms(text)
        assert isinstance(ago, int)  # noqa: S101 - narrows: a text gives milliseconds or raises
        return max(0, now_ms - ago)
    except ValueError:
        raise ValueError(f"{text!r} is none: write 24h for 24 hours ago, or 2026-11-01T10:00Z") from None


def _number_of_ms(text: str) -> int:
    hints = {4: f"for the year write {text}-01-01", 10: "seconds? milliseconds are expected"}
    if len(text) == _MS_DIGITS:
        return int(text)
    hint = hints.get(len(text), f"for so long ago write {text}d, {text}h or {text}m")
    raise ValueError(f"{text[:20]!r} is no time: {hint}")


DurationMs = Annotated[int, BeforeValidator(parse_duration_ms), Field(ge=0)]


def is_duration(field: FieldInfo) -> bool:
    """True of a setting that is one."""
    return any(isinstance(one, BeforeValidator) and one.func is parse_duration_ms for one in field.metadata)


def readable(duration_ms: int) -> str:
    """``90d``: the largest unit that leaves no rest."""
    for size, unit in ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m"), (SECOND_MS, "s")):
        if duration_ms and duration_ms % size == 0:
            return f"{duration_ms // size}{unit}"
    return f"{duration_ms}ms"
