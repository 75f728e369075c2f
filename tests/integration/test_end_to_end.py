"""The whole system under kill -9, against the reference model.

Mixed traffic (out of order, duplicated, misplaced, malformed) goes through the real broker while workers and
the sink die again and again. In the end the ``leads`` topic and ClickHouse hold exactly the model's leads,
every malformed record is in ``dead-letters`` with its reason, and sending everything once more, to a sink
that reads its topics from the beginning, changes no row of any view.
"""

import random
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clickhouse.connection import connect
from processors.demo.faults import Faults, with_faults
from processors.demo.steps import DemoEvent
from processors.demo.traffic import generate
from schemas.topics import Topic
from tests.integration.judgement import Truth, judge_clickhouse, judge_topics, truth_of
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


def test_leads_survive_everything(
    traffic: list[DemoEvent],
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
        truth = check(stack)
        assert len(truth.outcome.leads) > EVENTS / 50, "the traffic makes too few leads to prove anything"
        contested = len(truth.outcome.contested)
        assert contested < len(truth.outcome.customers) / 100, "order matters for too many customers"
        assert len(set(truth.refused().values())) >= 5, "too few kinds of bad records"

        before = snapshot(stack)
        send_everything_again(stack, traffic, sink)
        assert snapshot(stack) == before
        assert leads_and_sales(check(stack)) == leads_and_sales(truth)
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


def check(stack: Stack) -> Truth:
    """Topics and views hold what the model makes of what was sent."""
    truth = truth_of(stack, time.time_ns() // 1_000_000)
    for findings in (judge_topics(stack, truth), judge_clickhouse(stack)):
        assert not findings, str(findings)
    return truth


def leads_and_sales(truth: Truth) -> tuple[set[str], set[str]]:
    return set(truth.outcome.leads), set(truth.outcome.sales)


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
