"""What the script draws. All texts come from here: a browser never computes a time zone."""

from typing import Any

from processors.gateway.analytics.counts import Amounts, Counts, Series
from processors.gateway.analytics.periods import Grain
from processors.gateway.dashboard import words
from processors.gateway.dashboard.periods import Period
from processors.gateway.dashboard.state import TABS


def main_currency(total: Counts) -> str:
    """The one in which most is earned, as far as that can be said of different ones; "" for none."""
    return max(total.amounts, key=lambda one: (abs(total.amounts[one]), one), default="")


def drawn(series: Series, period: Period, tab: str, *, amount: bool) -> dict[str, Any]:
    """As JSON. ``amount``: the tab of sales shows what was earned, in the main currency."""
    currency = main_currency(series.total)
    shows = amount and bool(currency)

    def values(counts: Counts, name: str) -> int:
        if name == "sales" and shows:
            return counts.amounts.get(currency, 0)
        return int(getattr(counts, name))

    def lists(of: list[Counts]) -> dict[str, list[int]]:
        return {name: [values(one, name) for one in of] for name in TABS}

    begins, earlier = period.span.begins, period.before.begins
    return {
        "tab": tab,
        "labels": [period.label(one) for one in begins],
        "long": [period.long_label(one) for one in begins],
        "beforeLong": [period.before_label(one) for one in earlier],
        "now": lists([*series.buckets]),
        "before": lists([*series.before]),
        "running": period.running,
        "names": {"clicks": "Clicks", "leads": "Leads", "sales": "Sales"},
        "money": {"currency": currency.upper(), "decimals": words.decimals_of(currency)} if shows else None,
        "days": _days(period),
    }


def _days(period: Period) -> list[str] | None:
    """The first day of each bucket, and the last one; None of hours, which are no range of days."""
    if period.grain is Grain.HOUR:
        return None
    return [*map(period.day_of, period.span.begins), period.span.last.isoformat()]


def earned(amounts: Amounts) -> list[str]:
    """One text for each currency, never added up."""
    order = sorted(amounts, key=lambda one: (-abs(amounts[one]), one))
    return [words.money(amounts[one], one) for one in order]
