"""Spans and points of time, as people write them."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, Field
from pydantic.fields import FieldInfo

from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, to_ms

_UNITS: Final = {"ms": 1, "s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
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
    return round(number * _UNITS[match[2] or "ms"])


def parse_moment_ms(text: str, now_ms: int) -> int:
    """``24h`` (ago), ``2026-11-01``, ``2026-11-01T10:00Z`` → epoch milliseconds; UTC without an offset.

    Raises ``ValueError``.
    """
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
