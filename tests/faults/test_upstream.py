"""Producers that use transactions, and abort some: what they took back must not exist anywhere."""

import pytest
from confluent_kafka import Producer

from processors.demo.steps import DemoEvent
from schemas.topics import Topic
from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.traffic import mixed
from tests.faults.trial import Trial

pytestmark = pytest.mark.integration

_CHUNK = 500


@pytest.mark.faults
def test_aborted_input(new_trial: NewTrial, record: Recorder) -> None:
    """Every third transaction is aborted, with events that would have made leads; workers are killed, too."""
    with new_trial("transactional producers, aborts upstream", 200) as trial:
        workers = trial.workers(2)
        trial.stack.sink()
        trial.begin(per_second=200)
        wanted, unwanted = mixed(30_000, trial.seed + 1_000), mixed(15_000, trial.seed + 2_000)
        producer = Producer(
            {
                "bootstrap.servers": trial.stack.settings.kafka_bootstrap,
                "transactional.id": trial.stack.settings.topic_prefix,
            }
        )
        producer.init_transactions(30)
        aborted = 0
        for start in range(0, len(wanted), _CHUNK):
            if start // _CHUNK % 2:
                transact(trial, producer, unwanted[aborted : aborted + _CHUNK], commit=False)
                aborted += _CHUNK
            transact(trial, producer, wanted[start : start + _CHUNK], commit=True)
            if start // _CHUNK % 12 == 6:
                trial.kill(trial.dice.choice(workers), traffic=False)
        trial.notes.append(f"{aborted:,} aborted records in the input")
        assert leftover(trial) > 0
        check(record(trial.conclude()))


def transact(trial: Trial, producer: Producer, events: list[DemoEvent], *, commit: bool) -> None:
    producer.begin_transaction()
    for event in events:
        trial.stack.send(producer, event.topic, event.key, event.value)
    producer.flush(30)
    if commit:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)


def leftover(trial: Trial) -> int:
    """What a read_uncommitted reader of ``clicks`` would take for events."""
    committed = sum(1 for _ in trial.stack.read(Topic.CLICKS))
    return sum(1 for _ in trial.stack.read(Topic.CLICKS, committed=False)) - committed
