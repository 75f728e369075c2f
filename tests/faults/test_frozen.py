"""A worker that stands still (SIGSTOP) while its partitions go to another, and then goes on.

Frozen for longer than its session it has lost its partitions, but does not know; for longer than its
transaction timeout the broker has ended its transaction as well.
"""

import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from processors.engine.steps import Step
from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.process import Fault
from tests.faults.trial import READY_S, Trial
from tests.integration.stack import Service, wait_for

pytestmark = pytest.mark.integration

SESSION_S, LATE_TIMEOUT_S, EARLY_TIMEOUT_S = 6.0, 40.0, 8.0
#: Nobody is to end because the machine is slow: the batch of one that is frozen waits for a whole start.
BATCH_S = 180.0
EVENTS = 12_000
#: Steps that leave records or offsets open, behind which the next owner waits: for the end, or the timeout.
OPEN = (Step.SENT, Step.PRODUCED, Step.OFFSETS)


def freeze_and_thaw(trial: Trial, fault: Fault, per_second: int = 3_000) -> tuple[Service, Service]:
    """One worker freezes at a step, another takes over, the first goes on. Returns both."""
    frozen = trial.worker("frozen", fault)
    trial.ready(frozen)
    trial.begin(per_second=per_second).gate(0.8)
    wait_for(lambda: is_frozen(frozen), READY_S, lambda: "it does not freeze")
    since = time.monotonic()
    before = trial.members(trial.group)
    other = trial.worker("other")
    wait_for(
        lambda: replaced(trial.members(trial.group), before),
        READY_S,
        lambda: "it has not lost its session",
    )
    if fault.at is Step.OFFSETS and fault.transaction_timeout_s > SESSION_S * 2:
        wait_for(lambda: "to be decided" in other.life(), READY_S, lambda: "nobody waits for its transaction")
    elif fault.at not in OPEN or fault.transaction_timeout_s == EARLY_TIMEOUT_S:
        trial.at_work(other)
        trial.recoveries.append(time.monotonic() - since)
    frozen.send_signal(signal.SIGCONT)
    trial.faults += 1
    return frozen, other


def replaced(now: set[str], before: set[str]) -> bool:
    return bool(now) and not now & before


def is_frozen(service: Service) -> bool:
    assert service.process is not None
    stat = Path(f"/proc/{service.process.pid}/stat").read_text()
    return stat.rsplit(")", 1)[1].split()[0] == "T"


def nth(step: Step) -> int:
    """A batch with predecessors whose results can be read. Two steps come many times in each: 40, and 16."""
    return {Step.STORED: 400}.get(step, 25)


def freezing(step: Step, timeout_s: float) -> Fault:
    """``timeout_s``: of its transactions."""
    return Fault(step, nth=nth(step), action="freeze", transaction_timeout_s=timeout_s, batch_s=BATCH_S)


ALL_STEPS = [
    pytest.param(step, id=step.value, marks=[] if step == Step.PRODUCED else pytest.mark.faults)
    for step in Step
]


@pytest.mark.parametrize("step", ALL_STEPS)
def test_past_the_session_timeout(new_trial: NewTrial, record: Recorder, step: Step) -> None:
    """Refused, or rightly committed; then it goes on as an ordinary member."""
    fault = freezing(step, LATE_TIMEOUT_S)
    with new_trial("frozen past its session, at each step", EVENTS) as trial:
        frozen, _ = freeze_and_thaw(trial, fault)
        verdict = record(trial.conclude())
        check(verdict)
        assert frozen.exits == [0]


@pytest.mark.faults
@pytest.mark.parametrize("step", list(Step))
def test_past_the_transaction_timeout(new_trial: NewTrial, record: Recorder, step: Step) -> None:
    """Its transaction is gone, if it had one: exit code 70, and the next life goes on."""
    with new_trial("frozen past its transaction, at each step", EVENTS) as trial:
        freeze_past_transaction(trial, step)
        check(record(trial.conclude()))


def freeze_past_transaction(trial: Trial, step: Step) -> None:
    """The first is there in the end, in this life or the next."""
    frozen, _ = freeze_and_thaw(trial, freezing(step, EARLY_TIMEOUT_S))
    code = exit_within(frozen, 20)
    if code is not None:
        assert code == 70, frozen.life()
        trial.restart(frozen)
        trial.ready(frozen)
    trial.notes.append(f"at {step}: {'went on' if code is None else f'exit code {code}'}")


def exit_within(service: Service, seconds: float) -> int | None:
    """Its exit code; None: it lives."""
    try:
        return service.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def test_without_the_fence(new_trial: NewTrial, record: Recorder) -> None:
    """The control: a worker whose offsets are committed on nobody's behalf is not refused, and it shows.

    What comes faster than it is worked off fills the batch it freezes in: a small one may have no results.
    On a machine that is busy elsewhere even that may be small: then it freezes once more, in another one.
    """
    for batch in (12, 20, 30):
        fault = replace(freezing(Step.BEGUN, LATE_TIMEOUT_S), nth=batch, fenced=False)
        with new_trial("CONTROL: frozen, fence taken away", EVENTS) as trial:
            freeze_and_thaw(trial, fault, per_second=20_000)
            verdict = record(trial.conclude())
        if verdict.doubled:
            return
    raise AssertionError("without the fence nothing went wrong: is it the fence that saves us?")
