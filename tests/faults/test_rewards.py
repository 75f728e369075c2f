"""Processes of rewards in all the trouble that workers are in, under caps that are used up meanwhile.

The short version is one pair of steps: with an open transaction, and with one that the local store has not
heard of. Every run of the tests has each step without a broker, too, and kills, a freeze and other numbers of
processes with one (``tests/rewarding``).
"""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.kafka import LocalKafka
from processors.engine.steps import Step
from tests.cluster import cluster
from tests.faults.conftest import NewLedger, Recorder, check
from tests.faults.test_broker import PATIENT, assert_not_restarted, kill_brokers
from tests.faults.test_failpoints import WORKER_STEPS, WorkerPair, die_in_pairs
from tests.faults.test_frozen import LATE_TIMEOUT_S, freeze_and_thaw, freeze_past_transaction, freezing
from tests.faults.test_kills import kill_under_traffic
from tests.faults.test_restarts import come_and_go

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1_800)]

#: Of seven or eight facts each.
CUSTOMERS = 1_600


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param([(Step.OFFSETS, Step.ENDED)], id="short"),
        pytest.param(
            list(itertools.product(WORKER_STEPS, repeat=2)), id="all-pairs", marks=pytest.mark.faults
        ),
    ],
)
def test_dies_at_every_step(new_ledger: NewLedger, record: Recorder, pairs: list[WorkerPair]) -> None:
    """One process under load, killed at the first step and, come back, at the second."""
    with new_ledger("rewards die at every pair of steps", max(300, 60 * len(pairs))) as trial:
        die_in_pairs(trial, pairs)
        check(record(trial.conclude()))


@pytest.mark.faults
def test_kill_9(new_ledger: NewLedger, record: Recorder) -> None:
    """Three processes under load; each comes back under its name."""
    patience = {"LEADSTREAM_SESSION_TIMEOUT": "10s"}
    with new_ledger("rewards: kill -9 of 3 at random", 8_000, **patience) as trial:
        kill_under_traffic(trial, trial.workers(3), kills=16, per_second=1_000)
        check(record(trial.conclude()))


@pytest.mark.faults
@pytest.mark.parametrize("step", list(Step))
def test_past_the_transaction_timeout(new_ledger: NewLedger, record: Recorder, step: Step) -> None:
    """Frozen at the step for so long that its transaction is gone, and its partitions are another's."""
    with new_ledger("rewards frozen past their transaction, at each step", CUSTOMERS) as trial:
        freeze_past_transaction(trial, step)
        check(record(trial.conclude()))


@pytest.mark.faults
def test_without_the_fence(new_ledger: NewLedger, record: Recorder) -> None:
    """The control: what is doubled shows."""
    fault = replace(freezing(Step.BEGUN, LATE_TIMEOUT_S), fenced=False)
    with new_ledger("CONTROL: rewards frozen, fence taken away", CUSTOMERS) as trial:
        freeze_and_thaw(trial, fault)
        assert record(trial.conclude()).doubled > 0


@pytest.mark.faults
def test_one_to_three_and_back(new_ledger: NewLedger, record: Recorder) -> None:
    """One by one, and then a storm of both at once."""
    with new_ledger("rewards: 1 to 3 to 1, then a storm", 6_000) as trial:
        come_and_go(trial, 3, per_second=1_000)
        check(record(trial.conclude()))


@pytest.mark.faults
def test_broker_killed(new_ledger: NewLedger, record: Recorder, tmp_path: Path) -> None:
    """``kill -9`` and back at once, in the middle of transactions."""
    with (
        LocalKafka(tmp_path / "kafka") as kafka,
        new_ledger("rewards: broker, kill -9, back at once", 6_000, bootstrap=kafka.bootstrap) as trial,
    ):
        workers = trial.workers(2, PATIENT)
        kill_brokers(trial, [kafka] * 4)
        assert_not_restarted(trial, workers)
        check(record(trial.conclude()))


@pytest.mark.faults
def test_three_brokers(new_ledger: NewLedger, record: Recorder, tmp_path: Path) -> None:
    """Two of three are there at any time: leaders, coordinators and the controller move."""
    with (
        cluster(tmp_path) as brokers,
        new_ledger(
            "rewards: one of 3 brokers away, by turns", 6_000, bootstrap=brokers.bootstrap, **brokers.env
        ) as trial,
    ):
        workers = trial.workers(2, PATIENT)
        kill_brokers(trial, brokers.nodes * 2, away_s=10.0, whole=brokers.is_whole)
        assert_not_restarted(trial, workers)
        check(record(trial.conclude()))
