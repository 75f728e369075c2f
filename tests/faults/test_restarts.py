"""Orderly restarts and other numbers of workers: nobody is killed, and still everything moves."""

import time

import pytest

from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.trial import Trial
from tests.integration.stack import Service

pytestmark = pytest.mark.integration


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("rounds", "events"),
    [
        pytest.param(1, 15_000, id="short"),
        pytest.param(4, 80_000, id="full", marks=pytest.mark.faults),
    ],
)
def test_rolling_restart(new_trial: NewTrial, record: Recorder, rounds: int, events: int) -> None:
    """SIGTERM to one after the other: drained in less than 30 s, exit code 0, and the sink likewise."""
    with new_trial("SIGTERM, rolling restart", events) as trial:
        services = [*trial.workers(3), trial.stack.sink()]
        load = trial.begin(per_second=2_000)
        turns = services * rounds
        slowest = 0.0
        for turn, service in enumerate(turns):
            load.gate((turn + 2) / (len(turns) + 1))
            trial.reach((turn + 0.5) / (len(turns) + 1))
            started = time.monotonic()
            assert service.stop() == 0
            slowest = max(slowest, time.monotonic() - started)
            trial.restart(service)
            if service.command == ["worker"]:
                trial.at_work(service)
                trial.recoveries.append(time.monotonic() - started)
            trial.faults += 1
        assert slowest < 30
        trial.notes.append(f"slowest drain {slowest:.1f} s")
        check(record(trial.conclude()))


@pytest.mark.timeout(1_800)
@pytest.mark.faults
def test_one_to_four_and_back(new_trial: NewTrial, record: Recorder) -> None:
    """Workers come one by one and go one by one; then a storm of both at once."""
    with new_trial("1 to 4 to 1 workers, then a storm", 120_000) as trial:
        trial.stack.sink()
        come_and_go(trial, most=4, per_second=2_000)
        check(record(trial.conclude()))


def come_and_go(trial: Trial, most: int, per_second: int) -> None:
    """One is always there; the others first in good order, then nobody waits for the end of a rebalance."""
    [first] = trial.workers(1)
    load = trial.begin(per_second)
    load.gate(0.4)
    others = []
    for number in range(1, most):
        others.append(trial.worker(f"worker-{number}"))
        trial.ready(others[-1])
        flows(trial)
    for worker in others:
        leave(trial, worker)
        flows(trial)
    trial.at_work(first)

    load.gate(1.0)
    for _ in range(4):
        for worker in others:
            trial.restart(worker)
            trial.faults += 1
        trial.let_pass(trial.dice.random())
        for worker in others:
            trial.stop_in_any_state(worker)
    for worker in others:
        trial.restart(worker)
    flows(trial)
    for worker in others:
        trial.ready(worker)


def leave(trial: Trial, worker: Service) -> None:
    """Static members leave without a word: the group hears of it when the session ends."""
    assert worker.stop() == 0
    trial.faults += 1


def flows(trial: Trial) -> None:
    """No partition is idle for more than 30 s from now."""
    trial.recoveries.append(trial.flows(timeout=30))
