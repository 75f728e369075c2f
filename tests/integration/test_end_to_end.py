"""The whole system under kill -9, against the reference model.

Mixed traffic (out of order, duplicated, misplaced, malformed) goes through the real broker while workers and
the sink die again and again. In the end the ``leads`` topic and ClickHouse hold exactly the model's leads,
every malformed record is in ``dead-letters`` with its reason, and sending everything once more, to a sink
that reads its topics from the beginning, changes no row of any view.
"""

import random
import time
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.audit.model.arrivals import Reading, TopicRecord, read_all
from processors.audit.model.outcome import Outcome, uncounted
from processors.audit.model.reference import ReferenceModel
from processors.demo.faults import Faults, with_faults
from processors.demo.steps import DemoEvent
from processors.demo.traffic import generate
from processors.sink.client import connect
from processors.worker.run import policy_of
from schemas.results import Lead, Sale
from schemas.times import to_ms
from schemas.topics import Topic
from tests.integration.stack import STORED, Service, Stack

pytestmark = pytest.mark.integration

EVENTS = 50_000
WORKER_KILLS = 6
SINK_KILLS = 2
SEED = 20
FAULTS = Faults(malformed_share=0.01, duplicate_share=0.05, miskeyed_share=0.02, shuffle_window=2_000)
VIEWS = ("clicks", "leads", "sales", "customers", "unmatched", "dead_letters")


@pytest.fixture(scope="module")
def traffic() -> list[DemoEvent]:
    now_ms = time.time_ns() // 1_000_000
    return list(with_faults(generate(EVENTS, SEED, now_ms), FAULTS, SEED))


@pytest.fixture(scope="module")
def reading(traffic: list[DemoEvent]) -> Reading:
    now_ms = time.time_ns() // 1_000_000
    return read_all((TopicRecord(event.topic, event.value, now_ms) for event in traffic), now_ms)


@pytest.mark.timeout(600)
def test_leads_survive_everything(
    traffic: list[DemoEvent],
    reading: Reading,
    kafka: LocalKafka,
    clickhouse: LocalClickHouse,
    tmp_path: Path,
) -> None:
    with Stack(kafka.bootstrap, clickhouse.url, "end-to-end", tmp_path) as stack:
        stack.create()
        workers = [stack.worker("worker-0"), stack.worker("worker-1")]
        sink = stack.sink()
        send_while_killing(stack, traffic, workers, sink)
        stack.wait_until_processed()
        expected = ReferenceModel(policy_of(stack.settings)).compute(reading.events)
        assert len(expected.leads) > EVENTS / 50, "the traffic makes too few leads to prove anything"

        check_topics(stack, expected)
        check_dead_letters(stack, reading)
        check_clickhouse(stack, expected)

        before = snapshot(stack)
        send_everything_again(stack, traffic, sink)
        assert snapshot(stack) == before
        check_topics(stack, expected)
        assert [worker.stop() for worker in workers] == [0, 0]
        assert sink.stop() == 0


def send_while_killing(stack: Stack, traffic: list[DemoEvent], workers: list[Service], sink: Service) -> None:
    """Kills are spread over the traffic, so that each finds the others in the middle of their work."""
    rng = random.Random(SEED)
    victims = [rng.choice(workers) for _ in range(WORKER_KILLS)] + [sink] * SINK_KILLS
    rng.shuffle(victims)
    every = len(traffic) // len(victims)
    producer = stack.producer()
    for count, event in enumerate(traffic):
        stack.send(producer, event.topic, event.key, event.value)
        if count % every == every - 1 and victims:
            producer.flush()
            wait_until_busy(stack)
            victim = victims.pop()
            victim.kill()
            victim.start()
    producer.flush()
    assert not victims
    assert sum(exit_code == -9 for worker in workers for exit_code in worker.exits) == WORKER_KILLS
    assert sink.exits == [-9] * SINK_KILLS


def wait_until_busy(stack: Stack) -> None:
    """A kill means something only when the workers have come as far as to write touches."""
    deadline = time.monotonic() + 60
    while next(stack.read(Topic.TOUCHES), None) is None:
        assert time.monotonic() < deadline, "the workers write nothing"


def check_topics(stack: Stack, expected: Outcome) -> None:
    """Each revision once, numbered without a gap; the last one is the model's."""
    leads, lead_revisions = newest(stack, Topic.LEADS, Lead, "lead_id")
    sales, sale_revisions = newest(stack, Topic.SALES, Sale, "sale_id")
    for revisions in (*lead_revisions.values(), *sale_revisions.values()):
        assert sorted(revisions) == list(range(1, len(revisions) + 1))
    certain = expected.certain()
    contested = expected.contested
    found_leads = {
        key: lead
        for key, lead in uncounted(leads).items()
        if (lead.workspace_id, lead.customer.external_id) not in contested
    }
    found_sales = {
        key: sale
        for key, sale in uncounted(sales).items()
        if (sale.workspace_id, sale.customer.external_id) not in contested
    }
    assert without_raw(found_leads) == without_raw(certain.leads)
    assert without_raw(found_sales) == without_raw(certain.sales)
    assert len(contested) < len(expected.customers) / 100, "order matters for too many customers"


def newest(
    stack: Stack, topic: Topic, kind: Any, identity: str
) -> tuple[dict[str, Any], dict[str, list[int]]]:
    results: dict[str, Any] = {}
    revisions: defaultdict[str, list[int]] = defaultdict(list)
    decode = msgspec.json.Decoder(kind).decode
    for message in stack.read(topic):
        result = decode(message.value() or b"")
        key = getattr(result, identity)
        revisions[key].append(result.revision)
        if result.revision == max(revisions[key]):
            results[key] = result
    return results, revisions


def without_raw(results: dict[str, Any]) -> dict[str, Any]:
    """As documents: raw JSON compares by identity."""
    return {key: msgspec.json.decode(msgspec.json.encode(result)) for key, result in results.items()}


def check_dead_letters(stack: Stack, reading: Reading) -> None:
    found: Counter[str] = Counter()
    places = set()
    for message in stack.read(Topic.DEAD_LETTERS):
        headers = {name: value.decode() for name, value in message.headers() or []}
        found[headers["reason"]] += 1
        places.add((headers["source-topic"], headers["source-partition"], headers["source-offset"]))
    assert found == Counter(refused.reason.value for refused in reading.refused)
    assert len(places) == found.total(), "a record is in dead-letters twice"


def check_clickhouse(stack: Stack, expected: Outcome) -> None:
    client = connect(stack.settings.clickhouse_url.get_secret_value())
    try:
        rows = client.query(
            "SELECT lead_id, workspace_id, customer_external_id, event_name, click_id, link_id, partner_id, "
            "toUnixTimestamp64Milli(timestamp), toUnixTimestamp64Milli(deferred_at) FROM leads"
        ).result_rows
        sales = client.query("SELECT sale_id, lead_id, amount FROM sales").result_rows
    finally:
        client.close()
    certain = expected.certain()
    found = {row[0]: row[1:] for row in rows if (row[1], row[2]) not in expected.contested}
    assert len(found) == sum((row[1], row[2]) not in expected.contested for row in rows)
    assert found == {
        lead.lead_id: (
            lead.workspace_id,
            lead.customer.external_id,
            lead.event_name,
            lead.click.id,
            lead.link.id,
            lead.link.partner_id,
            milliseconds(lead.timestamp),
            milliseconds(lead.deferred_at),
        )
        for lead in certain.leads.values()
    }
    known = {key: (sale.lead_id, sale.amount) for key, sale in certain.sales.items()}
    assert {row[0]: (row[1], row[2]) for row in sales if row[0] in known} == known
    assert len(sales) == len(expected.sales)


def milliseconds(timestamp: str) -> int:
    return to_ms(datetime.fromisoformat(timestamp))


def snapshot(stack: Stack) -> dict[str, Any]:
    """Count and hash of every row of every view."""
    client = connect(stack.settings.clickhouse_url.get_secret_value())
    try:
        return {
            view: client.query(f"SELECT count(), sum(cityHash64(*)) FROM {view}").result_rows
            for view in VIEWS
        }
    finally:
        client.close()


def send_everything_again(stack: Stack, traffic: list[DemoEvent], sink: Service) -> None:
    """To workers that have seen it all, and to a sink that starts from the beginning."""
    assert sink.stop() == 0
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})
    beginning = [
        TopicPartition(stack.settings.topic(topic), partition, 0)
        for topic in STORED
        for partition in range(stack.settings.partitions)
    ]
    asked = [ConsumerGroupTopicPartitions(stack.settings.full_sink_group, beginning)]
    for future in admin.alter_consumer_group_offsets(asked).values():
        future.result()
    producer = stack.producer()
    for event in traffic:
        stack.send(producer, event.topic, event.key, event.value)
    producer.flush()
    sink.start()
    stack.wait_until_processed()
