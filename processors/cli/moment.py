"""A moment, as an option of a command."""

import time
from datetime import UTC, date, datetime

import click

from processors.settings import parse_duration_ms
from schemas.times import parse_rfc3339, to_ms


class Moment(click.ParamType):
    """RFC 3339 with offset, a date (its beginning, UTC), or a duration: so long ago. Epoch milliseconds."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Raises a usage error that shows how it is written."""
        if isinstance(value, int):
            return value
        text = str(value).strip()
        try:
            if len(text) == len("2026-11-01"):
                return to_ms(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC))
            if text[:1].isdigit() and "T" not in text.upper() and not text.isdigit():
                ago = parse_duration_ms(text)
                assert isinstance(ago, int)  # noqa: S101 - it was a text
                return time.time_ns() // 1_000_000 - ago
            return parse_rfc3339(text)
        except ValueError:
            self.fail(
                f"{text!r}: write 2026-11-01T09:30:00Z, 2026-11-01, or 24h, 7d (so long ago)", param, ctx
            )
