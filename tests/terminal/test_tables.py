"""The three views on the terminal."""

from datetime import UTC, datetime

import pytest
from rich.console import Console

from processors.terminal.grid import Grid
from processors.terminal.tables import funnel, newest, spark, time_series


def text(table: Grid) -> str:
    console = Console(width=110, color_system=None)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([], ""),
        ([0, 0], "  "),
        ([0, 1, 8], " ▁█"),
        ([1, 2, 3, 4, 5, 6, 7, 8], "▁▂▃▄▅▆▇█"),
        ([1, 1_000], "▁█"),
    ],
)
def test_bars(values: list[int], bars: str) -> None:
    assert spark(values) == bars


def test_time_series() -> None:
    days = [
        {"bucket": datetime(2026, 1, day, tzinfo=UTC), "clicks": day * 1_000, "leads": day, "sales": 0}
        for day in (1, 2, 4)
    ]
    assert text(time_series("acme", days)) == (
        "acme: by day, 01 Jan to 04 Jan 2026\n"
        "series  by day  total\n"
        "clicks  ▂▄█     7,000\n"
        "leads   ▂▄█         7\n"
        "sales               0"
    )


def test_funnel() -> None:
    steps = [
        {"step": "clicks", "count": 1_000, "conversion": 1.0, "drop_off": 0.0},
        {"step": "leads", "count": 64, "conversion": 0.064, "drop_off": 0.936},
        {"step": "sales", "count": 0, "conversion": 0.0, "drop_off": 1.0},
    ]
    assert text(funnel("acme", steps)) == (
        "acme: funnel\n"
        "step    count  conversion  drop-off\n"
        "clicks  1,000\n"
        "leads      64        6.4%     93.6%\n"
        "sales       0        0.0%    100.0%"
    )


def test_newest() -> None:
    event = {
        "timestamp": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "kind": "sale",
        "event_name": "Purchase",
        "customer_name": "",
        "customer_external_id": "u1",
        "key": "[bold]link",
        "country": "DE",
        "paid": "9 EUR",
    }
    shown = text(newest("acme", [event]))
    assert "02 Jan 03:04:05  sale  Purchase  u1        [bold]link  DE       9 EUR" in shown


def test_nothing_yet() -> None:
    assert "acme: by day" in text(time_series("acme", []))
