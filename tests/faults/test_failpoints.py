"""Death between every two steps of a batch, of a worker and of the sink; and the same for every pair of them.
The short version has each step once.

A pair: the first process dies at one step, the next one, while it mends what the first left behind, at the
other.
"""

import itertools
from typing import TypeVar

import pytest

from processors.engine.steps import Step
from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.process import Fault, SinkStep
from tests.faults.trial import Trial
from tests.integration.stack import Service

pytestmark = pytest.mark.integration

WORKER_STEPS = list(Step)
SINK_STEPS = list(SinkStep)
EVENTS = 12_000

WorkerPair = tuple[Step, Step]
_T = TypeVar("_T")


def each_once(steps: list[_T]) -> list[tuple[_T, _T]]:
    """Pairs with every step in one of them; of an odd number the first in two."""
    return list(itertools.zip_longest(steps[::2], steps[1::2], fillvalue=steps[0]))


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(each_once(WORKER_STEPS), id="short"),
        pytest.param(
            list(itertools.product(WORKER_STEPS, repeat=2)), id="all-pairs", marks=pytest.mark.faults
        ),
    ],
)
def test_worker_dies_at_every_step(new_trial: NewTrial, record: Recorder, pairs: list[WorkerPair]) -> None:
    """One worker under load, killed at the first step and, come back, at the second."""
    with new_trial("worker dies at every pair of steps", max(EVENTS, 400 * len(pairs))) as trial:
        die_in_pairs(trial, pairs)
        check(record(trial.conclude()))


def die_in_pairs(trial: Trial, pairs: list[WorkerPair]) -> None:
    """One process alone, which lives on in the end."""
    worker = trial.worker("worker", Fault(max_batch=200))
    trial.ready(worker)
    load = trial.begin(per_second=1_500)
    worker.kill()
    for count, pair in enumerate(pairs):
        # Enough for both lives, whatever the first has left; behind it a trickle, for the last pair too.
        load.gate(0.2 + 0.75 * (count + 1) / len(pairs))
        for step in pair:
            die_at(trial, worker, Fault(step, nth=several(step), max_batch=50))
    trial.restart(worker)
    trial.notes.append(f"{len(pairs)} pairs of {len(WORKER_STEPS)} steps")


def several(step: Step) -> int:
    """Not the first batch, so that a predecessor can be lost or doubled; in the middle of the partitions."""
    return 7 if step is Step.STORED else 2


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(each_once(SINK_STEPS), id="short"),
        pytest.param(list(itertools.product(SINK_STEPS, repeat=2)), id="all-pairs", marks=pytest.mark.faults),
    ],
)
def test_sink_dies_at_every_step(
    new_trial: NewTrial, record: Recorder, pairs: list[tuple[SinkStep, SinkStep]]
) -> None:
    """Small batches, so that each life comes past every step. Unreadable results come in between."""
    env = {"LEADSTREAM_SINK_BATCH_ROWS": "100", "LEADSTREAM_SINK_FLUSH_INTERVAL": "100ms"}
    with new_trial("sink dies at every pair of steps", max(EVENTS, 900 * len(pairs)), **env) as trial:
        trial.workers(1)
        sink = trial.stack.service("sink", "sink")
        load = trial.begin(per_second=3_000)
        for count, pair in enumerate(pairs):
            # For both lives, and a trickle: one that has to come to an unreadable lead takes all there is.
            load.gate((count + 1) / (len(pairs) + 1))
            for step in pair:
                if step is SinkStep.REJECTED:
                    trial.send_unreadable_lead()
                die_at(trial, sink, Fault(step))
        trial.restart(sink)
        trial.notes.append(f"{len(pairs)} pairs of {len(SINK_STEPS)} steps")
        check(record(trial.conclude()))


def die_at(trial: Trial, service: Service, fault: Fault) -> None:
    trial.restart(service, fault)
    assert service.wait(180) == -9, f"{fault.at}: {service.life()[-3000:]}"
    trial.faults += 1
