"""Conversions of a workspace as tables: time series, funnel, newest events."""

from collections.abc import Sequence
from typing import Any, Final

from rich.table import Column, Table

from processors.terminal.steps import shown

_BARS: Final = " ▁▂▃▄▅▆▇█"


def time_series(workspace: str, days: Sequence[dict[str, Any]]) -> Table:
    """One line per series, one bar per day."""
    title = f"{workspace}: by day"
    if days:
        title += f", {days[0]['bucket']:%d %b} to {days[-1]['bucket']:%d %b %Y}"
    table = _table(title, "series", Column("by day", no_wrap=True), Column("total", justify="right"))
    for series in ("clicks", "leads", "sales"):
        values = [int(day[series]) for day in days]
        table.add_row(series, spark(values), f"{sum(values):,}")
    return table


def funnel(workspace: str, steps: Sequence[dict[str, Any]]) -> Table:
    """Clicks → leads → sales: what goes on to each step, and what is lost before it."""
    counted = (Column(name, justify="right") for name in ("count", "conversion", "drop-off"))
    table = _table(f"{workspace}: funnel", "step", *counted)
    for position, step in enumerate(steps):
        first = position == 0
        shares = ("", "") if first else (f"{step['conversion']:.1%}", f"{step['drop_off']:.1%}")
        table.add_row(shown(step["step"]), f"{step['count']:,}", *shares)
    return table


def newest(workspace: str, events: Sequence[dict[str, Any]]) -> Table:
    """Who did what, through which link."""
    names = ("time (UTC)", "", "event", "customer", "link", "country", "paid")
    table = _table(f"{workspace}: newest events", *(Column(name, no_wrap=True) for name in names))
    for event in events:
        table.add_row(
            f"{event['timestamp']:%d %b %H:%M:%S}",
            event["kind"],
            *map(shown, (event["event_name"], event["customer_name"] or event["customer_external_id"])),
            *map(shown, (event["key"], event["country"], event["paid"])),
        )
    return table


def spark(values: Sequence[int]) -> str:
    """One bar per value, the tallest for the greatest; nothing for zero."""
    most = max(values, default=0)
    return "".join(_BARS[-(-value * (len(_BARS) - 1) // most)] if most else _BARS[0] for value in values)


def _table(title: str, *columns: Column | str) -> Table:
    return Table(
        *columns,
        title=shown(title),
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
    )
