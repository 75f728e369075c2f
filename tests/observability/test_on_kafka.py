"""What a running worker and a running sink show of themselves, and what they never show: what events say."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_port
from processors.clickhouse.connection import connect
from processors.observability.metrics import PROCESS, SINK, WORKER, Metric
from processors.sink.tables import SINK_TOPICS
from schemas.topics import Topic
from tests.integration.stack import Service, Stack, wait_for
from tests.observability.asking import ask, metrics_of
from tests.observability.planted_main import BUG

pytestmark = pytest.mark.integration

NAME, EMAIL, ADDRESS, CUSTOMER = "Ann Planted", "ann@planted.example", "203.0.113.77", "ann-planted-77"
REFUSED_EMAIL: Final = "eve@planted.example"
PLANTED: Final = ("lanted.example", NAME, ADDRESS, CUSTOMER)
#: Known in bad times only.
ONLY_IN_TROUBLE: Final = {
    "leadstream_worker_retries_total",
    "leadstream_worker_misspelt_fields_total",
    "leadstream_sink_retries_total",
}


class Observed(Stack):
    """A worker and a sink with ports of their own, which log JSON."""

    program = "tests.observability.planted_main"

    def __init__(self, kafka: LocalKafka, clickhouse: LocalClickHouse, directory: Path) -> None:
        super().__init__(
            kafka.bootstrap,
            clickhouse.url,
            "observed",
            directory,
            LEADSTREAM_PARTITIONS="2",
            LEADSTREAM_HOLD="2s",
            LEADSTREAM_LOG_FORMAT="json",
            LEADSTREAM_SESSION_TIMEOUT="6s",
        )
        self.ports = {"worker": free_port(), "sink": free_port()}

    def started(self, command: str) -> Service:
        service = self.service(command, command)
        service.env["LEADSTREAM_METRICS_PORT"] = str(self.ports[command])
        service.start()
        return service

    def metrics(self, command: str) -> dict[str, dict[tuple[str, ...], float]]:
        return metrics_of(self.ports[command])

    def until_ready(self, service: Service, command: str) -> None:
        wait_for(lambda: ask(self.ports[command], "/readyz")[0] == 200, 120, service.life)

    def event(self, topic: Topic, by: str, **fields: Any) -> None:
        producer = self.producer()
        self.send(producer, topic, f"acme:{by}".encode(), orjson.dumps({"workspaceId": "acme", **fields}))
        producer.flush()


@pytest.fixture
def stack(kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path) -> Iterator[Observed]:
    stack = Observed(kafka, clickhouse, tmp_path)
    with stack:
        stack.create()
        refuse = f"ALTER TABLE leads_raw ADD CONSTRAINT nobody CHECK customer_email != '{REFUSED_EMAIL}'"
        connect(stack.settings.clickhouse_url.get_secret_value()).command(refuse)
        yield stack


def send_all_kinds(stack: Observed) -> None:
    """Events that count, wait in vain, are refused, misplaced, or meet a bug; each says who it is about."""
    now_ms = time.time_ns() // 1_000_000
    person = {"customerExternalId": CUSTOMER, "customerName": NAME, "customerEmail": EMAIL}
    lead = {**person, "eventName": "Meeting"}
    for click, email in (("c1", EMAIL), ("c2", REFUSED_EMAIL)):
        who = {"customerExternalId": f"{CUSTOMER}-{click}", "customerName": NAME, "customerEmail": email}
        stack.event(Topic.CLICKS, click, clickId=click, ip=ADDRESS, timestamp=now_ms - 9_000)
        stack.event(Topic.DEFERRED_LEADS, click, **who, clickId=click, eventName="Meeting", mode="deferred")
        by = who["customerExternalId"]
        stack.event(Topic.QUALIFICATIONS, by, **who, eventName="Meeting")
        stack.event(Topic.PURCHASES, by, customerExternalId=by, amount=100)
    stack.event(Topic.DEFERRED_LEADS, "c3", **lead, clickId="c3", mode="deferred")  # no click comes
    stack.event(Topic.QUALIFICATIONS, CUSTOMER, **lead)
    stack.event(Topic.DEFERRED_LEADS, CUSTOMER, **{**lead, "customerExternalId": f"{CUSTOMER}-elsewhere"})
    stack.event(Topic.CLICKS, "c4", clickId="c4", ip=ADDRESS, trigger=EMAIL)
    stack.event(Topic.QUALIFICATIONS, CUSTOMER, **lead, mode=NAME)
    stack.event(Topic.QUALIFICATIONS, CUSTOMER, **{**lead, "customerExternalId": [EMAIL]})
    stack.event(Topic.LEADS, CUSTOMER, customer=person, eventName=EMAIL)
    stack.event(Topic.PURCHASES, CUSTOMER, customerExternalId=CUSTOMER, amount=1, invoiceId=BUG)


def through_its_deaths(stack: Observed, worker: Service) -> None:
    """Twice it ends at the bug, then it passes the record over."""
    for _ in range(2):
        assert worker.wait() == 70, worker.life()[-3000:]
        worker.start()


def names(metrics: tuple[Metric, ...]) -> set[str]:
    return {metric.name for metric in (*PROCESS, *metrics)}


def families(found: dict[str, Any]) -> set[str]:
    endings = ("_bucket", "_count", "_sum")
    return {name for name in found if not name.endswith(endings)}


def without_a_sample(found: dict[str, dict[tuple[str, ...], float]]) -> set[str]:
    return {name for name in families(found) if not found[name] and not found.get(f"{name}_count")}


def test_what_is_named_is_shown_and_nothing_of_events_is(stack: Observed) -> None:
    worker, sink = stack.started("worker"), stack.started("sink")
    send_all_kinds(stack)
    through_its_deaths(stack, worker)
    stack.until_ready(worker, "worker")
    stack.until_ready(sink, "sink")
    stack.wait_until_processed()
    wait_for(lambda: unmatched(stack) >= 2, 60, worker.life)
    stack.wait_until_processed()
    wait_for(lambda: not lag(stack, "worker") and not lag(stack, "sink"), 60, worker.life)

    shown = {command: stack.metrics(command) for command in stack.ports}
    for command, metrics in (("worker", WORKER), ("sink", SINK)):
        assert families(shown[command]) == names(metrics)
        assert without_a_sample(shown[command]) <= ONLY_IN_TROUBLE
        assert ask(stack.ports[command], "/healthz") == (200, "ok\n")
    check_worker(shown["worker"])
    check_sink(shown["sink"])

    pages = {command: ask(port, "/metrics")[1] for command, port in stack.ports.items()}
    assert [service.stop() for service in (worker, sink)] == [0, 0]
    for service, page in zip((worker, sink), pages.values(), strict=True):
        log = service.log.read_text()
        for planted in PLANTED:
            assert planted not in log, next(line for line in log.splitlines() if planted in line)
            assert planted not in page
        events = [json.loads(line)["event"] for line in log.splitlines()]
        assert len(events) > 1
    assert "ended the worker 2 times and is a dead letter now: ValueError" in worker.log.read_text()
    assert "VIOLATED_CONSTRAINT" in sink.log.read_text()


def unmatched(stack: Observed) -> float:
    return sum(stack.metrics("worker")["leadstream_worker_unmatched_total"].values())


def lag(stack: Observed, command: str) -> float:
    found = stack.metrics(command)
    return sum(found[f"leadstream_{command}_lag_records"].values())


def check_worker(found: dict[str, dict[tuple[str, ...], float]]) -> None:
    """Since its last death: what was before is forgotten."""
    dead, gone = found["leadstream_worker_dead_letters_total"], found["leadstream_worker_unmatched_total"]
    assert dead["processing_failed",] == 1
    assert len(dead) == 7, "every reason has its zero"
    assert gone["click_not_found",] + gone["no_deferred_lead",] >= 2
    events = found["leadstream_worker_events_total"]
    assert events["quarantined", "observed.purchases"] == 1
    assert found["leadstream_worker_partitions"] == found["leadstream_worker_partitions_restored"] == {(): 2}
    assert found["leadstream_worker_quarantined_total"] == {(): 1}
    assert found["leadstream_loop_silence_seconds"].keys() == {("main",), ("consumer",)}
    assert 0 < found["leadstream_worker_watermark_age_seconds"][()] < 600
    lags = found["leadstream_worker_lag_seconds"]
    assert len(lags) == 7 * 2
    assert set(lags.values()) == {0}


def check_sink(found: dict[str, dict[tuple[str, ...], float]]) -> None:
    dead = found["leadstream_sink_dead_letters_total"]
    assert dead["rejected_by_clickhouse",] == 1
    assert dead["schema_violation",] == 1
    assert found["leadstream_sink_rows_total"]["leads_raw",] == 1
    assert found["leadstream_sink_result_to_row_seconds_count"]["leads_raw",] >= 1
    assert found["leadstream_sink_insert_seconds_count"]["clicks_raw",] >= 1
    assert found["leadstream_sink_records_total"]["observed.clicks",] == 3
    assert found["leadstream_sink_partitions"] == {(): 2 * len(SINK_TOPICS)}
    assert found["leadstream_sink_waiting"] == {(): 0}
