"""``kill -9`` of workers at random moments."""

import pytest

from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.trial import Trial
from tests.integration.stack import Service

pytestmark = pytest.mark.integration


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("kills", "events"),
    [
        pytest.param(4, 20_000, id="short"),
        pytest.param(32, 300_000, id="full", marks=pytest.mark.faults),
    ],
)
def test_kill_9(new_trial: NewTrial, record: Recorder, kills: int, events: int) -> None:
    """Three workers and a sink under load; each comes back under its name."""
    patience = {"LEADSTREAM_SESSION_TIMEOUT": "10s"}
    with new_trial("kill -9 of random workers", events, **patience) as trial:
        workers = trial.workers(3)
        trial.stack.sink()
        kill_under_traffic(trial, workers, kills, per_second=2_500)
        check(record(trial.conclude()))


def kill_under_traffic(trial: Trial, workers: list[Service], kills: int, per_second: int) -> None:
    """All through it, each at a moment of its own."""
    load = trial.begin(per_second)
    for kill in range(kills):
        load.gate((kill + 2) / (kills + 1))
        trial.reach((kill + trial.dice.random()) / (kills + 1))
        trial.kill(trial.dice.choice(workers))
