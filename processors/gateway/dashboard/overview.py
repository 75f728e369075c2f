"""The first page: how many, how well, who waits, what just happened, what was not counted."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from processors.gateway.analytics import counts
from processors.gateway.analytics.counts import Counts, Series
from processors.gateway.analytics.scopes import Scope
from processors.gateway.asking import Ask
from processors.gateway.dashboard import journeys, numbers, words
from processors.gateway.dashboard.cards import Card, card
from processors.gateway.dashboard.chart import drawn, earned
from processors.gateway.dashboard.events import newest
from processors.gateway.dashboard.funnel import cohort_card, cohort_funnel, events_funnel, windowed
from processors.gateway.dashboard.journeys import Cohort, Steps, Waiting
from processors.gateway.dashboard.numbers import Groups
from processors.gateway.dashboard.periods import Period
from processors.gateway.dashboard.reasons import Refused, told_of
from processors.gateway.dashboard.refusals import not_counted
from processors.gateway.dashboard.rows import Row, rows_of
from processors.gateway.dashboard.state import State
from processors.gateway.dashboard.windows import WINDOWED, WINDOWS

_EVENTS: Final = 8
GROUPS: Final = 5
"""Of the breakdown, the first ones."""
_FEW: Final = 30
"""Of fewer customers no chance is told."""
_AGES: Final = (
    ("Today", 0, 1),
    ("1 – 7 days", 1, 7),
    ("7 – 30 days", 7, 30),
    ("30 – 90 days", 30, 90),
    ("Over 90 days", 90, None),
)


@dataclass(frozen=True)
class Tab:
    """``more``: a second line."""

    kind: str
    name: str
    count: int
    change: words.Change | None
    more: Sequence[str]
    short: Sequence[str]


def tabs_of(series: Series) -> list[Tab]:
    """The three above the chart."""
    now, then = series.total, series.compared
    share = words.percent(now.leads / now.clicks if now.clicks else None)
    paid = earned(now.amounts)
    return [
        Tab(
            "clicks",
            "Clicks",
            now.clicks,
            words.change(now.clicks, then.clicks),
            [f"{then.clicks:,} the period before"],
            [f"was {words.short(then.clicks)}"],
        ),
        Tab(
            "leads",
            "Leads",
            now.leads,
            words.change(now.leads, then.leads),
            [f"{share} of clicks"],
            [f"{share} of clicks"],
        ),
        Tab(
            "sales",
            "Sales",
            now.sales,
            words.change(now.sales, then.sales),
            [f"{one} in sales" for one in paid] or ["nothing earned yet"],
            paid or ["none yet"],
        ),
    ]


class AgeRow(NamedTuple):
    """``least``, ``most``: in days, as the list of customers takes them."""

    name: str
    customers: int
    share: float
    chance: float | None
    least: int
    most: int | None
    begin: str
    width: str


@dataclass(frozen=True)
class WaitingCard:
    """``customers``: in all; ``leaving``: whose window ends soon."""

    customers: int
    rows: Sequence[AgeRow]
    leaving: int


def waiting_card(waiting: Waiting) -> WaitingCard:
    """Ten ages in five rows."""
    total = sum(one.customers for one in waiting.ages)
    rows: list[AgeRow] = []
    begin = 0.0
    for name, least, most in _AGES:
        inner = [one for one in waiting.ages if least <= one.from_days < (most or 10**6)]
        count = sum(one.customers for one in inner)
        share = count / total if total else 0.0
        later = [one for one in waiting.ages if one.from_days >= least]
        known = later[0].came >= _FEW
        chance = journeys.chance(later) if known else None
        rows.append(
            AgeRow(name, count, share, chance, least, most, f"{begin * 100:.2f}%", f"{share * 100:.2f}%")
        )
        begin += share
    return WaitingCard(total, rows, waiting.leaving)


@dataclass(frozen=True)
class Overview:
    """Every card of the page, each by itself. ``ever``: has anything come at all? ``unfiltered``: what there
    is without the filters, where these leave nothing."""

    series: Card[Series]
    steps: Card[Steps]
    cohort: Card[Cohort] | None
    waiting: Card[WaitingCard]
    events: Card[Sequence[Row]]
    groups: Card[Groups]
    refused: Card[Refused]
    ever: bool
    unfiltered: Counts | None


async def ask_all(ask: Ask, workspace_id: str, state: State, period: Period, now_ms: int) -> Overview:
    """At once, as far as the store lets us."""
    span = period.span
    scope = Scope(workspace_id, span.start_ms, span.end_ms, state.filters)

    async def waits() -> WaitingCard:
        return waiting_card(await journeys.waiting(ask, scope, now_ms))

    async def rows() -> Sequence[Row]:
        found = await newest(ask, scope, state["kind"], _EVENTS)
        return rows_of(found, period.now)

    async def reasons() -> Refused:
        return told_of(await not_counted(ask, scope))

    async with asyncio.TaskGroup() as asked:
        series = asked.create_task(card(counts.series(ask, scope, period)))
        steps = asked.create_task(card(journeys.steps(ask, scope)))
        cohort = asked.create_task(cohort_card(ask, scope, state, now_ms))
        waiting = asked.create_task(card(waits()))
        events = asked.create_task(card(rows()))
        groups = asked.create_task(card(numbers.groups(ask, scope, state["groupBy"], GROUPS)))
        refused = asked.create_task(card(reasons()))
    ever, unfiltered = True, None
    total = series.result().found and series.result().shown.total
    if total and state.filters and not getattr(total, state["tab"]):
        without = await card(counts.series(ask, Scope(workspace_id, span.start_ms, span.end_ms), period))
        unfiltered = without.shown.total if without.found else None
    elif total and total.nothing:
        there = await card(numbers.anything(ask, workspace_id))
        ever = there.found is not False
    return Overview(
        series=series.result(),
        steps=steps.result(),
        cohort=cohort.result(),
        waiting=waiting.result(),
        events=events.result(),
        groups=groups.result(),
        refused=refused.result(),
        ever=ever,
        unfiltered=unfiltered,
    )


def told(page: Overview, state: State, period: Period) -> Mapping[str, Any]:
    """For the template, beside what all pages say."""
    series = page.series.found
    found: dict[str, Any] = {"page": page, "tabs": None, "drawn": None, "funnel": None, "table": []}
    found["most_rows"] = _EVENTS
    found |= {"windows": WINDOWS, "window_names": WINDOWED}
    found["windowed"] = windowed(state) if page.cohort else ""
    count = getattr(page.unfiltered, state["tab"], 0)
    found["without"] = words.counted(count, state["tab"].removesuffix("s")) if count else None
    if series is not None:
        found["tabs"] = tabs_of(series)
        found["drawn"] = drawn(series, period, state["tab"], amount=state["unit"] == "amount")
        found["table"] = [
            (period.long_label(begin), counts)
            for begin, counts in reversed([*zip(period.span.begins, series.buckets, strict=True)])
        ]
        found["funnel"] = events_funnel(series.total)
    if page.cohort is not None:
        found["funnel"] = cohort_funnel(page.cohort.found) if page.cohort.found else None
    return found
