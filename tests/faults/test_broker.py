"""The broker dies, and stays away. No worker is to fall into a loop of crashes over that."""

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from deploy.local.kafka import LocalKafka
from tests.cluster import cluster
from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.health import NOBODY, observed, watching
from tests.faults.process import Fault
from tests.faults.trial import Trial
from tests.integration.stack import Service, wait_for

pytestmark = pytest.mark.integration

AWAY_S = 90
#: A batch, or a start, without a broker takes so long before the worker ends.
PATIENCE_S = 30
#: However long a machine with much else to do takes to bring a broker back.
PATIENT = Fault(transaction_timeout_s=60.0, batch_s=180.0)


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("kills", "events"),
    [
        pytest.param(1, 10_000, id="short"),
        pytest.param(6, 60_000, id="full", marks=pytest.mark.faults),
    ],
)
def test_broker_killed(
    new_trial: NewTrial, record: Recorder, tmp_path: Path, kills: int, events: int
) -> None:
    """``kill -9`` and back at once, in the middle of transactions."""
    with (
        LocalKafka(tmp_path / "kafka") as kafka,
        new_trial("broker: kill -9, back at once", events, kafka=kafka) as trial,
    ):
        workers = trial.workers(2, PATIENT)
        trial.stack.sink()
        kill_brokers(trial, [kafka] * kills)
        assert_not_restarted(trial, workers)
        check(record(trial.conclude()))


@pytest.mark.timeout(1_800)
@pytest.mark.faults
def test_three_brokers(new_trial: NewTrial, record: Recorder, tmp_path: Path) -> None:
    """Two of three are there at any time: leaders, coordinators and the controller move."""
    with (
        cluster(tmp_path) as brokers,
        new_trial("one of 3 brokers away, by turns", 40_000, kafka=brokers, **brokers.env) as trial,
    ):
        workers = trial.workers(2, PATIENT)
        trial.stack.sink()
        kill_brokers(trial, brokers.nodes * 2, away_s=10.0, whole=brokers.is_whole)
        assert_not_restarted(trial, workers)
        check(record(trial.conclude()))


def kill_brokers(
    trial: Trial,
    victims: Sequence[LocalKafka],
    away_s: float = 0.0,
    whole: Callable[[], bool] = lambda: True,
) -> None:
    """One after the other, all through the traffic, at moments that nobody knows before.

    ``whole``: may another one be missed now? However long the last one takes to come back, there is something
    left to go on with.
    """
    load, parts = trial.begin(per_second=1_500), len(victims) + 2
    for number, kafka in enumerate(victims):
        load.gate((number + 2) / parts)
        trial.reach((number + 0.5 * trial.dice.random() + 0.25) / parts)
        away(trial, kafka, seconds=away_s)
        wait_for(whole, 120, lambda: "what the broker has missed does not come to it")


def assert_not_restarted(trial: Trial, workers: Sequence[Service]) -> None:
    restarts = sum(len(worker.exits) for worker in workers)
    trial.notes.append(f"workers restarted {restarts} times")
    assert restarts == 0


@pytest.mark.timeout(1_800)
@pytest.mark.faults
def test_broker_away(new_trial: NewTrial, record: Recorder, tmp_path: Path) -> None:
    """For 90 s: longer than sessions, transactions and batches live. Nobody is unhealthy over that."""
    with (
        LocalKafka(tmp_path / "kafka") as kafka,
        new_trial(f"broker: away for {AWAY_S} s", 30_000, kafka=kafka) as trial,
        new_trial("no traffic", 10, kafka=kafka) as idle,
    ):
        workers = [observed(trial.stack.service("worker", f"worker-{n}")) for n in range(2)]
        sink, idler = (
            observed(trial.stack.service("sink", "sink")),
            observed(idle.stack.service("worker", "w")),
        )
        for service in (*workers, sink, idler):
            service.start()
        for worker in workers:
            trial.ready(worker)
        idle.ready(idler)
        trial.begin(per_second=1_000)
        trial.reach(0.4)
        trial.supervise()
        with watching([sink, idler, *workers]) as answers:
            away(trial, kafka, seconds=AWAY_S)
        assert [set(of_one) for of_one in answers[:2]] == [{200}, {200}]
        assert all(set(of_one) <= {200, NOBODY} for of_one in answers), "they end, and come back"
        assert not idler.exits
        assert idler.stop() == 0
        restarts = sum(len(worker.exits) for worker in workers)
        trial.notes.append(f"workers restarted {restarts} times")
        # One exit each for the batch that cannot end, then one for each start that waits in vain: no loop.
        assert restarts <= AWAY_S // PATIENCE_S * len(workers)
        assert len(sink.exits) == 0
        check(record(trial.conclude()))


@pytest.mark.faults
def test_stopped_while_the_broker_is_away(new_trial: NewTrial, record: Recorder, tmp_path: Path) -> None:
    """SIGTERM in the middle of a batch that cannot end: gone before an orchestrator loses its patience."""
    with (
        LocalKafka(tmp_path / "kafka") as kafka,
        new_trial("broker: away, worker and sink stopped", 12_000, kafka=kafka) as trial,
    ):
        services = [*trial.workers(1), trial.stack.sink()]
        trial.begin(per_second=1_000)
        trial.reach(0.4)
        kafka.kill()
        started = time.monotonic()
        for service in services:
            service.send_signal(signal.SIGTERM)
        assert [service.wait(30) for service in services] == [0, 0]
        trial.notes.append(f"stopped after {time.monotonic() - started:.1f} s, exit code 0")
        trial.faults += 1
        kafka.start()
        for service in services:
            trial.restart(service)
        trial.recoveries.append(trial.flows())
        check(record(trial.conclude()))


def away(trial: Trial, kafka: LocalKafka, seconds: float) -> None:
    """Recovered is who reads something that was written afterwards."""
    kafka.kill()
    trial.faults += 1
    trial.let_pass(seconds)
    kafka.start()
    trial.recoveries.append(trial.flows())
