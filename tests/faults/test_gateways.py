"""Gateways in trouble: no false no, nothing that was answered is lost, and visitors always get on.

The traffic comes over HTTP, each call at another gateway than the one before it.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_port
from schemas.topics import Topic
from tests.faults.conftest import NewTrial, Recorder, check
from tests.faults.people import DOMAIN, People
from tests.faults.trial import Trial
from tests.integration.stack import COMMAND, Service, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

WORKSPACE: Final = "acme"
AT_ONCE: Final = 12
AWAY_S: Final = 12
"""Longer than anybody waits for an answer."""
READY_S: Final = 60.0


@dataclass
class House:
    """Two gateways, a worker, a sink, and people who come."""

    trial: Trial
    gateways: list[Service]
    ports: list[int]
    people: People
    worker: Service
    sink: Service

    def ready(self, number: int) -> None:
        """A gateway answers."""
        service, port = self.gateways[number], self.ports[number]

        def answers() -> bool:
            service.check_alive()
            try:
                httpx.get(f"http://127.0.0.1:{port}/openapi.json")
            except httpx.TransportError:
                return False
            return True

        wait_for(answers, READY_S, lambda: f"no answer:\n{service.life()[-3000:]}", pause=0.05)


@contextmanager
def living(trial: Trial) -> Iterator[House]:
    """Everything at work, and the first people at the end of their way."""
    stack = trial.stack
    worker, sink = trial.workers(1)[0], stack.sink()
    made = stack.run("workspace", "create", WORKSPACE, "--domain", DOMAIN, "--json")
    key = json.loads(made.stdout)["secretKey"]
    stack.run("workspace", "set", WORKSPACE, "--limit-secret", "100000", "--limit-visitor", "100000")
    ports = [free_port() for _ in range(2)]
    gateways = [stack.service("gateway", f"gateway-{number}") for number in range(2)]
    for gateway, port in zip(gateways, ports, strict=True):
        gateway.program = COMMAND
        gateway.env["LEADSTREAM_GATEWAY_PORT"] = str(port)
        gateway.start()
    people = People(ports, key, "deal", AT_ONCE)
    house = House(trial, gateways, ports, people, worker, sink)
    for number in range(2):
        house.ready(number)
    link = {"url": "https://example.com/landing", "key": "deal", "domain": DOMAIN, "trackConversion": True}
    created = httpx.post(
        f"http://127.0.0.1:{ports[0]}/links", json=link, headers={"Authorization": f"Bearer {key}"}
    )
    assert created.status_code == 200, created.text
    people.start()
    try:
        people.reach(AT_ONCE)
        yield house
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
        customers = [one["customer"]["externalId"] for one in found if one["revision"] == 0]
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
        os.kill(kafka.pid, signal.SIGSTOP)
        trial.faults += 1
        trial.let_pass(AWAY_S)
        os.kill(kafka.pid, signal.SIGCONT)
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
            LEADSTREAM_GATEWAY_MEMORY="200",
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
            which = number % 2
            gateway = house.gateways[which]
            if number % 4 < 2:
                gateway.kill()
            else:
                assert gateway.stop() == 0, gateway.life()[-3000:]
            trial.faults += 1
            began = time.monotonic()
            gateway.start()
            house.ready(which)
            trial.recoveries.append(time.monotonic() - began)
            house.people.reach(AT_ONCE)
        conclude(house, record)
