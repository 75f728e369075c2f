"""Workers that do not agree on the time."""

import pytest

from schemas.times import MINUTE_MS
from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.process import Fault

pytestmark = pytest.mark.integration

SKEW_MS = 5 * MINUTE_MS


@pytest.mark.faults
def test_five_minutes_ahead_and_behind(new_trial: NewTrial, record: Recorder) -> None:
    """They exchange their clocks, so that every partition is written by both, and revisions cross over.

    Events carry their own times, results the broker's: the sink's versions must not follow a worker's clock.
    """
    with new_trial("clocks 5 min ahead and behind", 40_000) as trial:
        clocks = [Fault(skew_ms=SKEW_MS), Fault(skew_ms=-SKEW_MS)]
        workers = [trial.stack.worker(f"worker-{n}", **fault.env()) for n, fault in enumerate(clocks)]
        for worker in workers:
            trial.ready(worker)
        trial.stack.sink()
        load = trial.begin(per_second=1_500)
        for turn in range(1, 5):
            load.gate((turn + 1) / 6)
            trial.reach((turn + 0.5) / 6)
            clocks.reverse()
            for worker, fault in zip(workers, clocks, strict=True):
                trial.kill(worker, fault)
        check(record(trial.conclude()))
