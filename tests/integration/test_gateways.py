"""Several gateways are one: what one was told, the other knows at once, and nothing happens twice."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from schemas.topics import Topic
from tests.integration.gateways import (
    BROWSER,
    DOMAIN,
    WORKSPACE,
    Gateway,
    Keys,
    click_id,
    create_link,
    gateways,
    visit,
    workspace,
)
from tests.integration.stack import Service, Stack

pytestmark = pytest.mark.integration


@dataclass
class Two:
    """Gateways on one stack, with its worker and sink."""

    stack: Stack
    keys: Keys
    one: Gateway
    other: Gateway
    worker: Service

    def track(self, gateway: Gateway, what: str, **body: Any) -> httpx.Response:
        """A call with the secret key."""
        return httpx.post(f"{gateway.url}/track/{what}", json=body, headers=self.keys.header(), timeout=10)

    def leads(self) -> Counter[tuple[str, str]]:
        """In the topic, by customer and event name. A lead that was revised is the same one."""
        found = (json.loads(record.value()) for record in self.stack.read(Topic.LEADS))
        first = (one for one in found if one["revision"] == 1)
        return Counter((one["customer"]["externalId"], one["eventName"]) for one in first)


@pytest.fixture(scope="module")
def two(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Two]:
    directory: Path = tmp_path_factory.mktemp("gateways")
    with Stack(kafka.bootstrap, clickhouse.url, "two-gateways", directory) as stack:
        stack.create()
        worker = stack.worker("worker")
        stack.sink()
        keys = workspace(stack, WORKSPACE, DOMAIN)
        one, other = gateways(stack, 2)
        yield Two(stack, keys, one, other, worker)


def test_calls_that_alternate_meet_no_gap(two: Two) -> None:
    """Each step rests on what the other gateway was told a moment before."""
    for number in range(30):
        one, other = (two.one, two.other) if number % 2 else (two.other, two.one)
        who = f"alternating-{number}"
        link = create_link(one, two.keys, domain=DOMAIN)
        visited = visit(other, link["key"], agent=f"{BROWSER} {who}")
        assert visited.status_code == 302, visited.text
        deferred = two.track(
            one,
            "lead",
            clickId=click_id(visited),
            customerExternalId=who,
            eventName="Sign Up",
            mode="deferred",
        )
        qualified = two.track(other, "lead", clickId="", customerExternalId=who, eventName="Sign Up")
        sale = two.track(one, "sale", customerExternalId=who, amount=100, invoiceId=who)
        assert [one.status_code for one in (deferred, qualified, sale)] == [200, 200, 200], (
            deferred.text,
            qualified.text,
            sale.text,
        )
        assert qualified.json()["click"]["id"] == click_id(visited)
        assert sale.json()["customer"]["externalId"] == who


def test_one_of_many_who_want_a_key_gets_it(two: Two) -> None:
    """200 at the same moment, at two gateways."""

    def create(number: int) -> int:
        gateway = (two.one, two.other)[number % 2]
        body = {"url": f"https://example.com/{number}", "key": "wanted", "domain": DOMAIN}
        return httpx.post(
            f"{gateway.url}/links", json=body, headers=two.keys.header(), timeout=60
        ).status_code

    with ThreadPoolExecutor(50) as pool:
        statuses = Counter(pool.map(create, range(200)))
    assert statuses == {200: 1, 409: 199}


def test_a_lead_that_is_reported_200_times_is_one(two: Two) -> None:
    """At the same moment, while a gateway is started again and the worker killed."""
    link = create_link(two.one, two.keys, domain=DOMAIN)
    visited = visit(two.one, link["key"], agent=f"{BROWSER} often")
    name = {"customerExternalId": "often", "eventName": "First Meeting"}
    assert two.track(two.one, "lead", clickId=click_id(visited), mode="deferred", **name).status_code == 200

    def qualify(number: int) -> int | str:
        if number == 50:
            two.worker.kill()
        gateway = (two.one, two.other)[number % 2]
        for _ in range(200):
            try:
                answer = two.track(gateway, "lead", clickId="", **name)
            except httpx.TransportError:
                continue  # it is being started again
            if answer.status_code != 503:
                return answer.status_code
        return "never answered"

    with ThreadPoolExecutor(40) as pool:
        answers = [pool.submit(qualify, number) for number in range(200)]
        assert two.other.service.stop() == 0
        two.other.start()
        assert Counter(one.result() for one in answers) == {200: 200}
    two.worker.start()
    two.stack.wait_until_processed()
    assert two.leads()["often", "First Meeting"] == 1
