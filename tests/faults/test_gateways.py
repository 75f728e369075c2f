"""Gateways in trouble: no false no, nothing that was answered is lost, and visitors always get on.

The traffic comes over HTTP, each call at another gateway than the one before it.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from schemas.topics import Topic
from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.people import People
from tests.faults.trial import Trial
from tests.integration.gateways import DOMAIN, WORKSPACE, Gateway, create_link, gateways, workspace
from tests.integration.stack import Service
from tests.stoppable import freeze

pytestmark = pytest.mark.integration

AT_ONCE: Final = 12
AWAY_S: Final = 12
"""Longer than anybody waits for an answer."""


@dataclass
class House:
    """Two gateways, a worker, a sink, and people who come."""

    trial: Trial
    gateways: list[Gateway]
    people: People
    worker: Service
    sink: Service


@contextmanager
def living(trial: Trial) -> Iterator[House]:
    """Everything at work, and the first people at the end of their way."""
    stack = trial.stack
    worker, sink = trial.workers(1)[0], stack.sink()
    keys = workspace(stack, WORKSPACE, DOMAIN)
    doors = gateways(stack, 2)
    create_link(doors[0], keys, key="deal", domain=DOMAIN)
    people = People([one.port for one in doors], keys.secret, "deal", AT_ONCE)
    people.start()
    try:
        people.reach(AT_ONCE)
        yield House(trial, doors, people, worker, sink)
    finally:
        people.give_up()


def conclude(house: House, record: Recorder) -> None:
    """Everybody has come to the end, with one lead and one sale, and the model agrees."""
    house.people.finish()
    trial, people = house.trial, house.people.people
    trial.notes.append(house.people.told())
    assert [person.no for person in people if person.no] == []
    assert all(person.done for person in people)
    check(record(trial.conclude()))
    for topic in (Topic.LEADS, Topic.SALES):
        found = [json.loads(one.value()) for one in trial.stack.read(topic)]
        customers = [one["customer"]["externalId"] for one in found if one["revision"] == 1]
        assert sorted(customers) == sorted(person.id for person in people), topic


def test_broker_away(new_trial: NewTrial, record: Recorder, tmp_path: Path) -> None:
    """Redirects go on, calls are told to come back."""
    with (
        LocalKafka(tmp_path / "kafka") as kafka,
        new_trial("gateway: broker away", 0, kafka=kafka) as trial,
        living(trial) as house,
    ):
        trial.supervise()
        visits = house.people.answers["visit", 302]
        kafka.kill()
        trial.faults += 1
        trial.let_pass(AWAY_S)
        assert house.people.answers["visit", 302] > visits, house.people.told()
        kafka.start()
        house.people.reach(2 * AT_ONCE)
        conclude(house, record)


@pytest.mark.faults
def test_broker_frozen(new_trial: NewTrial, record: Recorder, tmp_path: Path) -> None:
    """It takes connections and answers nothing."""
    with (
        LocalKafka(tmp_path / "kafka") as kafka,
        new_trial("gateway: broker frozen", 0, kafka=kafka) as trial,
        living(trial) as house,
    ):
        trial.supervise()
        come_back = freeze(kafka)
        trial.faults += 1
        trial.let_pass(AWAY_S)
        come_back()
        house.people.reach(2 * AT_ONCE)
        conclude(house, record)


def test_stores_away(new_trial: NewTrial, record: Recorder, tmp_path: Path) -> None:
    """ClickHouse, sink and worker for longer than memory reaches: what is not known is no "no"."""
    with (
        LocalClickHouse(tmp_path / "clickhouse") as server,
        new_trial(
            "gateway: ClickHouse, sink and worker away",
            0,
            clickhouse=server,
            LEADSTREAM_GATEWAY_MEMORY="1MiB",
        ) as trial,
        living(trial) as house,
    ):
        server.kill()
        trial.faults += 1
        house.people.reach(AT_ONCE)
        server.start()
        for service in (house.sink, house.worker):
            service.kill()
            trial.faults += 1
        trial.let_pass(AWAY_S)
        for service in (house.sink, house.worker):
            trial.restart(service)
        house.people.reach(2 * AT_ONCE)
        conclude(house, record)


@pytest.mark.parametrize(
    "times", [pytest.param(2, id="short"), pytest.param(12, id="full", marks=pytest.mark.faults)]
)
def test_gateways_killed_and_stopped(new_trial: NewTrial, record: Recorder, times: int) -> None:
    """Under load, by turns."""
    with new_trial("gateway: kill -9 and SIGTERM", 0) as trial, living(trial) as house:
        for number in range(times):
            gateway = house.gateways[number % 2]
            if number % 4 < 2:
                gateway.service.kill()
            else:
                assert gateway.service.stop() == 0, gateway.service.life()[-3000:]
            trial.faults += 1
            began = time.monotonic()
            gateway.start()
            trial.recoveries.append(time.monotonic() - began)
            house.people.reach(AT_ONCE)
        conclude(house, record)
