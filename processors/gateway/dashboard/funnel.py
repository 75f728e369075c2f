"""The funnel: from click to sale, by what happened in a time or by what became of its clicks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from processors.gateway.analytics.counts import Counts
from processors.gateway.analytics.scopes import Scope
from processors.gateway.asking import Ask
from processors.gateway.dashboard import journeys, words
from processors.gateway.dashboard.cards import Card, card
from processors.gateway.dashboard.journeys import Cohort
from processors.gateway.dashboard.state import State
from processors.gateway.dashboard.windows import ANY, WINDOWED, WINDOWS, Windows


@dataclass(frozen=True)
class Step:
    """``share``: of the step before; None of the first one, and where that has none. ``of``: what it is a
    share of. ``dropped``: how many are missing; ``still_open``: how many of them may still come."""

    kind: str
    name: str
    count: int
    share: float | None
    of: str
    dropped: int
    still_open: int | None

    @property
    def width(self) -> str:
        """Of its bar, which stays within its track."""
        if not self.of:
            return "100%" if self.count else "0"
        return f"{min(1.0, self.share or 0) * 100:.2f}%"

    @property
    def rate(self) -> str:
        """In words where it is above all."""
        if self.share is None:
            return words.UNKNOWN
        return "100+%" if self.share > 1 else words.percent(self.share)


_STEPS: Final = (
    ("clicks", "Clicks", "clicks"),
    ("sign-ups", "Signed up", "sign-ups"),
    ("leads", "Qualified", "leads"),
    ("sales", "Paid", "sales"),
)


def funnel(counts: Sequence[int], still_open: Sequence[int | None]) -> list[Step]:
    """``counts``: of each step."""
    steps: list[Step] = []
    for index, (kind, name, _) in enumerate(_STEPS):
        before = counts[index - 1] if index else 0
        share = counts[index] / before if before else None
        of = _STEPS[index - 1][2] if index else ""
        dropped = max(0, before - counts[index])
        steps.append(Step(kind, name, counts[index], share, of, dropped, still_open[index]))
    return steps


def events_funnel(total: Counts) -> list[Step]:
    """Each step counts its own events: the very numbers of the tabs."""
    return funnel([total.clicks, total.sign_ups, total.leads, total.sales], [None] * 4)


def cohort_funnel(cohort: Cohort) -> list[Step]:
    """The clicks of the period, followed to today."""
    return funnel(
        [cohort.clicks, cohort.sign_ups, cohort.qualified, cohort.paid],
        [None, None, cohort.open, cohort.unpaid],
    )


async def cohort_card(ask: Ask, scope: Scope, state: State, now_ms: int) -> Card[Cohort] | None:
    """None: the page counts events."""
    if state["basis"] != "cohort":
        return None
    windows = Windows(*(WINDOWS[state[name]] for name in WINDOWED))
    return await card(journeys.cohort(ask, scope, now_ms, windows))


def windowed(state: State) -> str:
    """How long its steps may take, in words; "": as long as they like."""
    chosen = {label: state[name] for name, label in WINDOWED.items() if state[name] != ANY}
    return ", ".join(f"{label.lower()} {WINDOWS[one].words}" for label, one in chosen.items())
