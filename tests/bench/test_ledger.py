"""A process of the ledger of rewards, measured on the real broker, small; and what ends a measurement."""

from pathlib import Path

import pytest
from msgspec.json import encode

from bench import builds
from bench.ledger import MANY, Ledger, Plan, WrongRewards, _command, cap_of, measured, table
from bench.measured import Command
from bench.parts import PARTS, of_ledger
from bench.rewards import AMOUNT, source_of
from bench.site import Site
from deploy.local.kafka import LocalKafka
from processors.programs import isolated
from processors.settings import Settings

LEADS = 10


def value(number: int, amount: int) -> bytes:
    return encode({"sourceId": source_of(number, MANY), "partnerId": MANY, "amount": amount})


def ledger(*amounts: int) -> Ledger:
    """Of rewards of the first leads."""
    made = Ledger()
    for number, amount in enumerate(amounts):
        made.add(value(number, amount))
    return made


LAST = cap_of(LEADS) - (LEADS - 1) * AMOUNT
RIGHT = (*[AMOUNT] * (LEADS - 1), LAST)


def test_each_lead_rewarded_to_the_cap_is_right() -> None:
    assert 0 < LAST < AMOUNT
    ledger(*RIGHT).check(LEADS)


def test_a_minor_unit_beside_the_cap_is_wrong() -> None:
    for amount in (LAST - 1, LAST + 1):
        with pytest.raises(WrongRewards, match="under a cap of"):
            ledger(*RIGHT[:-1], amount).check(LEADS)


def test_a_lead_without_its_reward_is_wrong_and_one_with_two() -> None:
    with pytest.raises(WrongRewards, match="9 rewards for 10 leads, 1 have none"):
        ledger(*RIGHT[:-1]).check(LEADS)
    twice = ledger(*RIGHT[:-1])
    twice.add(value(0, LAST))
    with pytest.raises(WrongRewards, match="10 rewards for 10 leads, 1 have none"):
        twice.check(LEADS)


@pytest.mark.parametrize("this", [True, False], ids=["compiled", "pure"])
def test_in_a_run_of_everything_it_is_of_what_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, this: bool
) -> None:
    """For which nothing has to be built before."""
    started: list[Command] = []

    def measured(plan: Plan) -> None:
        site = Site("127.0.0.1:9092", 8, "run", {}, tmp_path)
        started.append(_command(site, Settings(), plan))
        raise WrongRewards("none")

    monkeypatch.setattr(builds, "is_compiled", lambda: this)
    monkeypatch.setattr("bench.ledger.measured", measured)
    [part] = [one for one in PARTS if one.name == "ledger"]
    part.told(quick=True)
    assert list(started[0].argv) == isolated("processors.cli.main", "rewards", "run")
    assert "PYTHONPATH" not in started[0].env


@pytest.mark.integration
def test_a_process_is_measured(kafka: LocalKafka) -> None:
    figures = measured(Plan(leads=2_000, rate=200, seconds=2), kafka.bootstrap)
    assert figures.backlog.cpu_us > 0
    assert figures.backlog.start_cpu_s > 0
    assert 0 < figures.backlog.state_bytes < 1_024
    assert figures.steady.rewards.count >= 300
    p50, p95, p99 = figures.steady.waits
    assert 0 < p50 <= p95 <= p99
    assert "| CPU µs/lead, of a backlog of 2,000 |" in table(figures)


def test_what_was_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_: Plan) -> None:
        raise WrongRewards("9 rewards for 10 leads, 1 have none")

    monkeypatch.setattr("bench.ledger.measured", wrong)
    told = of_ledger(Plan(10, 10, 1))
    assert (told.figures, told.failure) == (None, "9 rewards for 10 leads, 1 have none")
