"""As ``test_any_sequence``, by HTTP: two gateways, Kafka, ClickHouse, worker and sink."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.audit.model.outcome import Outcome
from schemas.ids import sale_id
from schemas.times import SECOND_MS
from schemas.topics import Topic, click_key, customer_key
from tests.attribution.effort import EFFORT
from tests.gateway.memory import Fate
from tests.gateway.track.sequences import (
    CLICKS,
    STEPS,
    WORKSPACE,
    Clicked,
    Erased,
    Expected,
    Step,
    Taken,
    Tracked,
    apart,
    base,
)
from tests.integration.gateways import Gateway, Keys, gateways, workspace
from tests.integration.judgement import truth_of
from tests.integration.stack import Stack

pytestmark = pytest.mark.integration

SEQUENCES: Final = 40 * EFFORT
PATIENCE_S: Final = 60.0


@dataclass
class Running:
    """``two``: gateways on one stack, with worker and sink."""

    stack: Stack
    keys: Keys
    two: list[Gateway]


@pytest.fixture
def running(kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path) -> Iterator[Running]:
    with Stack(kafka.bootstrap, clickhouse.url, "any-sequence", tmp_path) as stack:
        stack.create()
        stack.worker("worker")
        stack.sink()
        keys = workspace(stack, WORKSPACE)
        yield Running(stack, keys, gateways(stack, 2))


def drawn(amount: int) -> list[list[Step]]:
    """Sequences of other people each: all run at once, for a certain no takes its time."""
    found: list[list[Step]] = []

    @settings(
        max_examples=amount,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(STEPS)
    def draw(steps: list[Step]) -> None:
        found.append(apart(steps, str(len(found))))

    draw()
    return found


class Performer:
    """Performs sequences; ``expected``: what is to come of each."""

    def __init__(self, running: Running, client: httpx.AsyncClient) -> None:
        self._running = running
        self._client = client
        self._producer = running.stack.producer()
        self._uniques = map("unique {}".format, count())

    async def perform(self, steps: list[Step]) -> Expected:
        """All of its answers are as expected, or an ``AssertionError`` tells the step."""
        expected = Expected()
        for step in steps:
            match step:
                case Clicked():
                    expected.click(step)
                    await self._click(step)
                case Erased():
                    expected.erase(step)
                    await self._erase(step)
                case Tracked():
                    await self._track(step, expected)
        return expected

    async def _click(self, step: Clicked) -> None:
        fields = CLICKS[base(step.click_id)]
        click = {
            "workspaceId": WORKSPACE,
            "clickId": step.click_id,
            "timestamp": _now_ms() - SECOND_MS,
            **fields,
        }
        await self._write(Topic.CLICKS, click_key(str(click["workspaceId"]), step.click_id), click)

    async def _erase(self, step: Erased) -> None:
        """Every gateway has heard of it when this returns."""
        erasure = {"workspaceId": WORKSPACE, "customerExternalId": step.customer}
        await self._write(Topic.ERASURES, customer_key(WORKSPACE, step.customer), erasure)
        harmless = {"customerExternalId": step.customer, "eventName": "Sign Up", "mode": "deferred"}
        for gateway in self._running.two:
            until = time.monotonic() + PATIENCE_S
            while (await self._post(gateway, "/track/lead", harmless)).status_code != 403:
                assert time.monotonic() < until, f"{gateway.url} did not hear of an erasure"

    async def _track(self, step: Tracked, expected: Expected) -> None:
        """Made once for each answer that got lost, too: to the API all of these are calls."""
        body = dict(step.body)
        if step.seconds_ago is not None:
            body["timestamp"] = _now_ms() - step.seconds_ago * SECOND_MS
        lost = [attempt.gateway for attempt in step.attempts if Fate.UNHEARD in attempt.fates]
        bodies = []
        for number in (*lost, step.attempts[-1].gateway):
            answer = await self._post(self._running.two[number], step.path, body, step.key)
            bodies.append(answer.json())
            sold = step.path == "/track/sale" and bodies[-1].get("sale") is not None
            taken = expected.call(step, next(self._uniques))
            assert Taken(answer.status_code, sold) == taken, (step, answer.text)
            assert answer.status_code != 200 or not body["clickId"] or answer.json() == bodies[0], step

    async def _post(
        self, gateway: Gateway, path: str, body: dict[str, Any], key: str | None = None
    ) -> httpx.Response:
        """Made again while the answer is 503."""
        until = time.monotonic() + PATIENCE_S
        headers = self._running.keys.header() | ({"Idempotency-Key": key} if key else {})
        while True:
            answer = await self._client.post(f"{gateway.url}{path}", json=body, headers=headers)
            if answer.status_code != 503 or time.monotonic() > until:
                return answer

    async def _write(self, topic: Topic, key: bytes, event: dict[str, Any]) -> None:
        self._running.stack.send(self._producer, topic, key, orjson.dumps(event))
        assert await asyncio.to_thread(self._producer.flush, PATIENCE_S) == 0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _perform(running: Running) -> list[Expected]:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        performer = Performer(running, client)
        return await asyncio.gather(*map(performer.perform, drawn(SEQUENCES)))


def test_what_was_answered_200_is_what_counts(running: Running) -> None:
    expected = asyncio.run(_perform(running))
    running.stack.wait_until_processed()
    truth = truth_of(running.stack, _now_ms())
    assert not truth.refused()
    assert truth.outcome.leads.keys() == {lead for one in expected for lead in one.lead_ids()}
    sales = [sale for one in expected for sale in one.counting_sales()]
    known = {sale_id(WORKSPACE, *sale) for sale in sales if not sale[1].startswith("unique")}
    assert known <= truth.outcome.sales.keys()
    sold = Counter(sale.customer.external_id for sale in truth.outcome.sales.values())
    assert sold == Counter(customer for customer, _ in sales)
    assert _published(running.stack, Topic.LEADS, truth.outcome) == truth.outcome.leads.keys()
    assert _published(running.stack, Topic.SALES, truth.outcome) == truth.outcome.sales.keys()


def _published(stack: Stack, topic: Topic, outcome: Outcome) -> set[str]:
    """Ids of the results that workers made; what they made of a customer before its erasure apart."""
    results = (orjson.loads(message.value() or b"") for message in stack.read(topic))
    return {
        result["saleId"] if topic is Topic.SALES else result["leadId"]
        for result in results
        if (WORKSPACE, result["customer"]["externalId"]) not in outcome.forgotten
    }
