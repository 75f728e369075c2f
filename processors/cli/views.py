"""The three views of a workspace's conversions, from ClickHouse: time series, funnel, newest events."""

from collections.abc import Sequence
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from rich.table import Column, Table

from processors.cli.console import Steps, shown
from processors.clickhouse.queries import FUNNEL, NEWEST_EVENTS, TIME_SERIES, rows
from processors.demo.world import WORKSPACES
from schemas.times import DAY_MS, rfc3339

_DAYS: Final = 30
_NEWEST: Final = 6
_BARS: Final = " ▁▂▃▄▅▆▇█"


def show_views(client: Client, end_ms: int, steps: Steps) -> None:
    """Of every workspace of the demo, over the days until ``end_ms``."""
    window = {"start": rfc3339(end_ms - _DAYS * DAY_MS), "end": rfc3339(end_ms + 1)}
    for workspace in WORKSPACES:
        steps.say("")
        parameters = {"workspace": workspace.workspace_id, "newest": _NEWEST, **window}
        steps.show(time_series(workspace.workspace_id, rows(client, TIME_SERIES, parameters)))
        steps.show(funnel(workspace.workspace_id, rows(client, FUNNEL, parameters)))
        steps.show(newest(workspace.workspace_id, rows(client, NEWEST_EVENTS, parameters)))


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
