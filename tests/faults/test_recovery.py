"""How long a worker with a million pending customers takes to come back."""

import os
import shutil
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from processors.clock import epoch_ms
from schemas.times import rfc3339
from schemas.topics import Topic, click_key, customer_key
from tests.faults.conftest import NewTrial, Recorder
from tests.faults.process import Fault
from tests.faults.trial import Trial
from tests.faults.verdict import Verdict
from tests.integration.stack import Service, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.faults]

CUSTOMERS = 1_000_000
MOST_CPU_S = (10.0, 60.0)
FULL_SPEED = Fault(max_batch=4_000)


@pytest.mark.timeout(1_800)
def test_a_million_pending(new_trial: NewTrial, record: Recorder) -> None:
    """From the start of the process to the lead of a qualification that was waiting for it."""
    with new_trial("recovery", 100) as trial:
        worker = trial.stack.worker("worker", **FULL_SPEED.env())
        trial.ready(worker)
        producer = trial.stack.producer()
        for number in range(CUSTOMERS):
            sign_up(trial, producer, number)
        assert producer.flush(60) == 0
        trial.drain(timeout=900)

        for number, name in enumerate(("with its local state", "cold")):
            worker.kill()
            if name == "cold":
                shutil.rmtree(Path(worker.env["LEADSTREAM_DATA_DIR"]) / "state")
            seconds = recovery(trial, worker, producer, number)
            used = cpu_seconds(worker)
            scenario = f"{CUSTOMERS:,} pending customers, {name}"
            note = f"CPU of the worker {used:.1f} s"
            record(Verdict(scenario, trial.seed, 2 * CUSTOMERS, 1, recovery=seconds, note=note))
            assert used < MOST_CPU_S[number], "it may take longer on a busy machine, but not work longer"


def cpu_seconds(worker: Service) -> float:
    """Of its process so far, user and system."""
    assert worker.process is not None
    stat = Path(f"/proc/{worker.process.pid}/stat").read_text()
    user, system = stat.rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def sign_up(trial: Trial, producer: Producer, number: int) -> None:
    """A click, and the deferred lead of a customer who will not qualify."""
    at_ms = epoch_ms() - 1_000
    click = (
        f'{{"workspaceId":"w","clickId":"c{number}","linkId":"l{number % 50}","partnerId":"pn_1",'
        f'"domain":"x.yz","key":"k{number % 50}","url":"https://x.yz/landing","country":"DE","city":"Berlin",'
        f'"device":"Desktop","browser":"Firefox","os":"Linux","timestamp":{at_ms}}}'
    )
    lead = (
        f'{{"workspaceId":"w","clickId":"c{number}","customerExternalId":"u{number}","eventName":"Sign up",'
        f'"mode":"deferred","customerName":"Customer {number}","customerEmail":"u{number}@mail.example",'
        f'"timestamp":"{rfc3339(at_ms + 500)}"}}'
    )
    key = click_key("w", f"c{number}")
    trial.stack.send(producer, Topic.CLICKS, key, click.encode())
    trial.stack.send(producer, Topic.DEFERRED_LEADS, key, lead.encode())


def recovery(trial: Trial, worker: Service, producer: Producer, number: int) -> float:
    """In seconds."""
    qualification = (
        f'{{"workspaceId":"w","clickId":"","customerExternalId":"u{number}","eventName":"First meeting",'
        f'"timestamp":"{rfc3339(epoch_ms())}"}}'
    )
    trial.stack.send(producer, Topic.QUALIFICATIONS, customer_key("w", f"u{number}"), qualification.encode())
    assert producer.flush(30) == 0
    started = time.monotonic()
    trial.restart(worker, FULL_SPEED)
    wait_for(lambda: leads(trial) > number, 300, lambda: worker.life()[-3000:], pause=0.02)
    return time.monotonic() - started


def leads(trial: Trial) -> int:
    return sum(1 for _ in trial.stack.read(Topic.LEADS))
