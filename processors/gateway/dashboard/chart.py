"""What the script draws. All texts come from here: a browser never computes a time zone."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

from processors.gateway.analytics.counts import Amounts, Counts, Series
from processors.gateway.analytics.periods import Grain
from processors.gateway.dashboard import words
from processors.gateway.dashboard.periods import Period
from processors.gateway.dashboard.state import TABS

_ARROWS: Final = {"up": "↑ ", "down": "↓ "}
_THAN: Final = {"even": "as"}
_STEPS: Final = [1, 2, 5, *(step * 10**digits // 10 for digits in range(1, 12) for step in (10, 20, 25, 50))]
"""Of the axis: whole numbers."""


def main_currency(total: Counts) -> str:
    """The one in which most is earned, as far as that can be said of different ones; "" for none."""
    return max(total.amounts, key=lambda one: (abs(total.amounts[one]), one), default="")


def drawn(series: Series, period: Period, tab: str, *, amount: bool) -> dict[str, Any]:
    """As JSON. ``amount``: the tab of sales shows what was earned, in the main currency."""
    currency = main_currency(series.total)
    shows = amount and bool(currency)

    def values(of: Sequence[Counts], name: str) -> list[int]:
        if name == "sales" and shows:
            return [one.amounts.get(currency, 0) for one in of]
        return [int(getattr(one, name)) for one in of]

    now = {name: values(series.buckets, name) for name in TABS}
    before = {name: values(series.before, name)[: len(series.buckets)] for name in TABS}
    return {
        "tab": tab,
        "labels": [period.label(one) for one in period.span.begins],
        "long": [
            period.long_label(one) + (" so far" if index == period.running else "")
            for index, one in enumerate(period.span.begins)
        ],
        "names": {"clicks": "Clicks", "leads": "Leads", "sales": "Sales"},
        "series": {name: _lines(now[name], before[name], period.running) for name in TABS},
        "said": {
            name: [*_said(now[name], before[name], period, currency if name == "sales" and shows else "")]
            for name in TABS
        },
        "money": shows,
        "scale": {
            name: 10 ** words.decimals_of(currency) if name == "sales" and shows else 1 for name in TABS
        },
        "days": _days(period),
        "steps": _STEPS,
    }


def _lines(now: Sequence[int], before: Sequence[int], running: int | None) -> list[Sequence[int | None]]:
    """The period before, what is over, and, from the last bucket of that on, what is running."""
    if running is None:
        return [before, now, [None] * len(now)]
    over = [one if index < running else None for index, one in enumerate(now)]
    return [before, over, [one if index >= running - 1 else None for index, one in enumerate(now)]]


def _said(
    now: Sequence[int], before: Sequence[int], period: Period, currency: str
) -> Iterator[tuple[str, str, str, str, str]]:
    """Of each bucket: how much, what it is compared to, how much that was, and the change: its style, and in
    words. Empty where there is nothing; what is running is not compared."""

    def written(value: int) -> str:
        return words.money(value, currency) if currency else f"{value:,}"

    for index, value in enumerate(now):
        if index >= len(before):
            yield written(value), "", "", "", ""
            continue
        change = words.change(value, before[index]) if index != period.running else None
        said = ("", "")
        if change is not None and change.way != "new":
            way = f"{_ARROWS.get(change.way, '')}{change.written}"
            said = (f"delta {change.way}", f"{way} {_THAN.get(change.way, 'on')} the period before")
        label = period.before_label(period.before.begins[index])
        yield (written(value), label, written(before[index]), *said)


def _days(period: Period) -> list[tuple[str, str]] | None:
    """The first and the last day of each bucket; None of hours, which are no range of days."""
    if period.grain is Grain.HOUR:
        return None
    firsts = [date.fromisoformat(period.day_of(one)) for one in period.span.begins]
    lasts = [*(one - timedelta(days=1) for one in firsts[1:]), period.span.last]
    return [(first.isoformat(), last.isoformat()) for first, last in zip(firsts, lasts, strict=True)]


def earned(amounts: Amounts) -> list[str]:
    """One text for each currency, never added up."""
    order = sorted(amounts, key=lambda one: (-abs(amounts[one]), one))
    return [words.money(amounts[one], one) for one in order]
