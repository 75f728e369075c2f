"""Conversions of a workspace as tables: time series, funnel, newest events."""

from collections.abc import Sequence
from typing import Any, Final

from processors.terminal.grid import Column, Grid

_BARS: Final = " ▁▂▃▄▅▆▇█"


def time_series(workspace: str, days: Sequence[dict[str, Any]]) -> Grid:
    """One line per series, one bar per day."""
    title = f"{workspace}: by day"
    if days:
        title += f", {days[0]['bucket']:%d %b} to {days[-1]['bucket']:%d %b %Y}"
    rows = []
    for series in ("clicks", "leads", "sales"):
        values = [int(day[series]) for day in days]
        rows.append((series, spark(values), f"{sum(values):,}"))
    return Grid((Column("series"), Column("by day"), Column("total", right=True)), rows, title)


def funnel(workspace: str, steps: Sequence[dict[str, Any]]) -> Grid:
    """Clicks → leads → sales: what goes on to each step, and what is lost before it."""
    rows = []
    for position, step in enumerate(steps):
        first = position == 0
        shares = ("", "") if first else (f"{step['conversion']:.1%}", f"{step['drop_off']:.1%}")
        rows.append((step["step"], f"{step['count']:,}", *shares))
    counted = (Column(name, right=True) for name in ("count", "conversion", "drop-off"))
    return Grid((Column("step"), *counted), rows, f"{workspace}: funnel")


_NEWEST: Final = (
    Column("time (UTC)"),
    Column(""),
    Column("event", whole=False),
    Column("customer", line=2),
    Column("link", whole=False, goes=2, line=2),
    Column("country", goes=1, line=2),
    Column("paid"),
)


def newest(workspace: str, events: Sequence[dict[str, Any]]) -> Grid:
    """Who did what, through which link."""
    rows = [
        (
            f"{event['timestamp']:%d %b %H:%M:%S}",
            event["kind"],
            event["event_name"],
            # Without a name it is an id, which is never shortened.
            event["customer_name"] or event["customer_external_id"],
            event["key"],
            event["country"],
            event["paid"],
        )
        for event in events
    ]
    return Grid(_NEWEST, rows, f"{workspace}: newest events")


def spark(values: Sequence[int]) -> str:
    """One bar per value, the tallest for the greatest; nothing for zero."""
    most = max(values, default=0)
    return "".join(_BARS[-(-value * (len(_BARS) - 1) // most)] if most else _BARS[0] for value in values)
