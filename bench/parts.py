"""What is measured of Leadstream alone, each part on servers of its own or on none."""

from collections.abc import Callable
from typing import Any, NamedTuple

from bench import expiry, ledger, rewards
from bench.analytics import measure as analytics
from bench.analytics.report import report
from bench.gateway import run as gateway
from bench.gateway.report import table
from bench.machine import machine
from processors.errors import CheckFailed, LeadstreamError


class Told(NamedTuple):
    """``figures``: a dataclass, or None. ``text``: the same as Markdown. ``failure``: why they do not count,
    or nothing."""

    figures: Any
    text: str
    failure: str = ""


class Part(NamedTuple):
    """``full_s``, ``quick_s``: about how long it takes in a run of everything, on two quiet cores.
    ``measured``: small and quick, or not."""

    name: str
    full_s: float
    quick_s: float
    measured: Callable[[bool], Told]

    def expected_s(self, quick: bool) -> float:
        """How long it takes."""
        return self.quick_s if quick else self.full_s

    def told(self, quick: bool) -> Told:
        """Whatever ends it leaves the other parts."""
        try:
            return self.measured(quick)
        except LeadstreamError as error:
            return Told(None, "", str(error))


def of_expiry(minutes: float, pairs: int) -> Told:
    """So many minutes of clicks in each run of a pair."""
    found = expiry.measured(minutes, pairs)
    return Told(found, expiry.table(found), found.failure)


def of_rewards(leads: int, runs: int) -> Told:
    """So many leads in each run."""
    found = rewards.measured(leads, runs)
    return Told(found, rewards.table(found), found.failure)


def of_ledger(plan: ledger.Plan) -> Told:
    """A process of the ledger under these leads."""
    try:
        found = ledger.measured(plan)
    except CheckFailed as failed:
        return Told(None, "", str(failed))
    return Told(found, ledger.table(found))


def of_gateway(plan: gateway.Plan, links: int) -> Told:
    """With so many links in the registry."""
    found = gateway.measured(plan, links)
    return Told(found, table(found, machine()), found.failure)


def of_analytics(events: int, runs: int, parts: int) -> Told:
    """So many events in ClickHouse, each question asked so often, in the end beside unmerged parts."""
    found = analytics.measured(events, runs, parts)
    return Told(found, report(found, machine()))


def _gateway(quick: bool) -> Told:
    if quick:
        return of_gateway(gateway.Plan(2_000, 5, 300, 100, 5_000), 2_000)
    return of_gateway(gateway.Plan(20_000, 15, 1_500, 500, 50_000), 100_000)


def _ledger(quick: bool) -> Told:
    return of_ledger(ledger.Plan(2_000, 200, 3) if quick else ledger.Plan(100_000, 1_000, 10))


PARTS = (
    Part("expiry", 90, 2, lambda quick: of_expiry(0.2, 1) if quick else of_expiry(3, 2)),
    Part("rewards", 15, 1, lambda quick: of_rewards(2_000, 1) if quick else of_rewards(20_000, 3)),
    Part("ledger", 60, 15, _ledger),
    Part("gateway", 90, 25, _gateway),
    Part(
        "analytics",
        150,
        10,
        lambda quick: of_analytics(100_000, 2, 3) if quick else of_analytics(3_000_000, 10, 40),
    ),
)
"""Those of a run of everything, with what they are given in it."""
