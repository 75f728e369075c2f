"""ClickHouse in trouble: ``leads`` go on as if nothing were, and the tables catch up."""

import json
from pathlib import Path

import pytest

from deploy.local import clickhouse_config as local
from deploy.local.clickhouse import LocalClickHouse
from processors.audit.model.arrivals import TopicRecord, read_all
from processors.audit.model.reference import ReferenceModel
from processors.clickhouse.connection import connect
from processors.clock import epoch_ms
from processors.worker.run import policy_of
from schemas.reasons import DeadLetterReason
from schemas.topics import Topic
from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.proxy import Proxy
from tests.faults.trial import Trial
from tests.integration.stack import Service, wait_for

pytestmark = pytest.mark.integration

SMALL_BATCHES = {"LEADSTREAM_SINK_BATCH_ROWS": "500", "LEADSTREAM_SINK_FLUSH_INTERVAL": "200ms"}


@pytest.mark.faults
def test_down(new_trial: NewTrial, record: Recorder, tmp_path: Path) -> None:
    """Away for 15 s."""
    with (
        LocalClickHouse(tmp_path / "clickhouse") as server,
        new_trial("ClickHouse: down for 15 s", 30_000, clickhouse=server) as trial,
    ):
        begin(trial)
        outlast(trial)
        trial.reach(0.3)
        server.kill()
        trial.faults += 1
        trial.flows()
        trial.let_pass(15)
        server.start()
        conclude(trial, record)


@pytest.mark.parametrize(
    ("kills", "events"),
    [pytest.param(2, 12_000, id="short"), pytest.param(8, 60_000, id="full", marks=pytest.mark.faults)],
)
def test_killed_in_mid_insert(
    new_trial: NewTrial, record: Recorder, tmp_path: Path, kills: int, events: int
) -> None:
    """Whether the rows of such an insert are there, nobody knows."""
    with (
        LocalClickHouse(tmp_path / "clickhouse") as server,
        new_trial("ClickHouse: kill -9 in mid-insert", events, clickhouse=server, **SMALL_BATCHES) as trial,
    ):
        begin(trial)
        for kill in range(kills):
            trial.reach((kill + trial.dice.random()) / (kills + 1))
            server.kill()
            trial.faults += 1
            server.start()
        conclude(trial, record)


@pytest.mark.faults
def test_slow(new_trial: NewTrial, record: Recorder, clickhouse: LocalClickHouse) -> None:
    """Each answer takes 3 s, then one is not waited for any more."""
    with Proxy(clickhouse.port) as proxy:
        url = clickhouse.url.replace(f":{clickhouse.port}/", f":{proxy.port}/")
        with new_trial("ClickHouse: slow, then silent", 30_000, clickhouse_url=url) as trial:
            begin(trial)
            trial.reach(0.3)
            proxy.delay_s = 3.0
            trial.faults += 1
            trial.flows()
            trial.reach(0.9)
            proxy.delay_s = 20.0
            trial.faults += 1
            answers = proxy.answers
            wait_for(lambda: proxy.answers > answers, 60, lambda: "it does not ask any more")
            trial.let_pass(20)
            proxy.delay_s = 0.0
            conclude(trial, record)


def test_refuses_a_row(new_trial: NewTrial, record: Recorder) -> None:
    """It is in ``dead-letters``, and every other row of its batch is in the table."""
    with new_trial("ClickHouse: refuses one row", 12_000) as trial:
        records = (TopicRecord(one.topic, one.value, epoch_ms()) for one in trial.events)
        events = read_all(records, epoch_ms()).events
        leads = ReferenceModel(policy_of(trial.stack.settings)).compute(events).certain().leads
        refused = leads[min(leads)]
        trial.refused.add(refused.lead_id)
        client = connect(trial.stack.settings.clickhouse_url.get_secret_value())
        client.command(f"ALTER TABLE leads_raw ADD CONSTRAINT refuse CHECK lead_id != '{refused.lead_id}'")
        client.close()
        begin(trial)
        trial.faults += 1
        conclude(trial, record)
        rejected = [
            json.loads(message.value())["leadId"]
            for message in trial.stack.read(Topic.DEAD_LETTERS)
            if dict(message.headers())["reason"].decode() == DeadLetterReason.REJECTED_BY_CLICKHOUSE
        ]
        assert set(rejected) == {refused.lead_id}


@pytest.mark.faults
def test_read_only(
    new_trial: NewTrial, record: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator has to act: the sink says so and ends, no offset moves; later on nothing is missing."""
    with (
        LocalClickHouse(tmp_path / "clickhouse") as server,
        new_trial("ClickHouse: read-only", 20_000, clickhouse=server) as trial,
    ):
        sink = begin(trial)
        outlast(trial)
        trial.reach(0.3)
        server.stop()
        with monkeypatch.context() as readers:
            readers.setattr(local, "_RIGHTS", ("GRANT SHOW, SELECT ON *.*",))
            server.start()
        trial.faults += 1
        assert sink.wait(90) == 78
        assert "mend the rights" in sink.life()
        trial.flows()
        server.stop()
        server.start()
        trial.restart(sink)
        conclude(trial, record)


def begin(trial: Trial) -> Service:
    trial.workers(2)
    sink = trial.stack.sink()
    trial.begin(per_second=1_500)
    return sink


def outlast(trial: Trial) -> None:
    """Let the traffic go on for as long as the outage."""
    assert trial.load is not None
    trial.load.gate(0.6)


def conclude(trial: Trial, record: Recorder) -> None:
    check(record(trial.conclude()))
