"""A moment, as an option of a command."""

import time
from datetime import UTC, datetime
from typing import Any

import click

from processors.settings.durations import parse_duration_ms
from schemas.times import to_ms


class MomentType(click.ParamType):
    """``24h`` (ago), ``2026-11-01``, ``2026-11-01T10:00Z`` → epoch milliseconds; UTC without an offset."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Fails with a usage error."""
        if isinstance(value, int):
            return value
        try:
            moment = datetime.fromisoformat(value)
            return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        except ValueError:
            pass
        try:
            ago = parse_duration_ms(value)
            assert isinstance(ago, int)  # noqa: S101 - narrows: a text gives milliseconds or raises
            return max(0, time.time_ns() // 1_000_000 - ago)
        except ValueError:
            return self.fail(
                f"{value!r} is none: write 24h for 24 hours ago, or 2026-11-01T10:00Z", param, ctx
            )
