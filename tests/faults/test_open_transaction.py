"""What a dead worker leaves open keeps readers waiting; its name coming back ends that at once."""

import time

import pytest
from confluent_kafka import Producer

from processors.engine.steps import Step
from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.process import Fault
from tests.faults.state import open_transactions
from tests.integration.stack import wait_for

pytestmark = pytest.mark.integration

TIMEOUT_S = 60.0


def test_the_name_comes_back(new_trial: NewTrial, record: Recorder) -> None:
    """The time from when its successor asks for the name, which is the first thing a worker does.

    Less than a second on a quiet machine; a busy one may take longer, but not as long as the broker would.
    """
    fault = Fault(Step.OFFSETS, nth=30, transaction_timeout_s=TIMEOUT_S)  # the broker will not help
    with new_trial("open transaction, its name comes back", 12_000) as trial:
        worker = trial.stack.worker("worker", **fault.env())
        trial.begin(per_second=3_000)
        assert worker.wait() == -9
        trial.faults += 1
        assert open_transactions(trial.stack), "it left nothing open"
        started = time.monotonic()
        name = f"{trial.stack.settings.worker_group}-worker"
        bootstrap = trial.stack.settings.kafka_bootstrap
        Producer({"bootstrap.servers": bootstrap, "transactional.id": name}).init_transactions(30)
        wait_for(lambda: not open_transactions(trial.stack), 30, lambda: "still open", pause=0.01)
        stalled = time.monotonic() - started
        trial.recoveries.append(stalled)
        trial.restart(worker)
        check(record(trial.conclude()))
        assert stalled < TIMEOUT_S / 6, "the name made no difference"
