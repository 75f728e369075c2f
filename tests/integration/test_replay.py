"""``leadstream replay``: what was lost comes back, and what is computed anew is the same."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clickhouse.connection import connect
from processors.demo.faults import Faults, with_faults
from processors.demo.steps import DemoEvent
from processors.demo.traffic import generate
from schemas.topics import Topic
from tests.integration.stack import COMMAND, INPUTS, Stack, wait_for

pytestmark = pytest.mark.integration

EVENTS = 15_000
SEED = 7
FAULTS = Faults(malformed_share=0.01, duplicate_share=0.05, miskeyed_share=0.02, shuffle_window=500)
RESULTS = ((Topic.LEADS, "leadId"), (Topic.SALES, "saleId"), (Topic.CUSTOMERS, "id"))
VIEWS = ("clicks", "leads", "sales", "customers", "unmatched", "dead_letters")


@pytest.fixture(scope="module")
def stack(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """One worker, one sink, and traffic, all of it processed."""
    directory = tmp_path_factory.mktemp("replay")
    with Stack(kafka.bootstrap, clickhouse.url, "replay", directory, LEADSTREAM_PARTITIONS="4") as stack:
        stack.create()
        stack.worker("worker-0")
        stack.sink()
        send(stack, traffic(SEED))
        stack.wait_until_processed()
        yield stack


@cache
def traffic(seed: int) -> list[DemoEvent]:
    """The same whenever it is asked for."""
    now_ms = time.time_ns() // 1_000_000
    return list(with_faults(generate(EVENTS, seed, now_ms), FAULTS, seed))


def send(stack: Stack, events: list[DemoEvent]) -> None:
    producer = stack.producer()
    for event in events:
        stack.send(producer, event.topic, event.key, event.value)
    producer.flush()


def beside(stack: Stack, **env: str) -> Stack:
    """Another deployment on the same servers."""
    url = stack.settings.clickhouse_url.get_secret_value()
    return Stack(
        stack.settings.kafka_bootstrap,
        url,
        "replay",
        stack.directory,
        **{"LEADSTREAM_PARTITIONS": "4", **env},
    )


def snapshot(stack: Stack, database: str) -> dict[str, Any]:
    """Count and hash of every row of every view."""
    client = connect(stack.settings.clickhouse_url.get_secret_value(), database=database)
    try:
        return {
            view: client.query(f"SELECT count(), sum(cityHash64(*)) FROM {view}").result_rows
            for view in VIEWS
        }
    finally:
        client.close()


def newest(stack: Stack, topic: Topic, identity: str) -> dict[str, dict[str, Any]]:
    """By id, apart from revisions."""
    found = {}
    for message in stack.read(topic):
        if message.value() is not None:
            document = json.loads(message.value() or b"")
            document.pop("revision", None)
            found[document[identity]] = document
    return found


def test_clickhouse_comes_back_from_the_topics(stack: Stack) -> None:
    before = snapshot(stack, stack.database)
    done = stack.run("replay", "clickhouse", "--into", "replay_2")
    assert done.returncode == 0, done.stderr.decode()
    assert snapshot(stack, "replay_2") == before

    client = connect(stack.settings.clickhouse_url.get_secret_value(), database="default")
    client.command("DROP DATABASE replay_2 SYNC")
    for table in ("leads_raw", "clicks_raw", "clicks_by_time_raw"):
        client.command(f"TRUNCATE TABLE {stack.database}.{table}")
    client.close()
    assert snapshot(stack, stack.database) != before
    for _ in range(2):  # twice, beside the sink, over what is there
        done = stack.run("replay", "clickhouse")
        assert done.returncode == 0, done.stderr.decode()
        assert snapshot(stack, stack.database) == before
    assert b"rows into leads_raw" in done.stdout
    assert b"gone by retention" not in done.stdout


def test_state_and_leads_come_again_from_the_events(stack: Stack) -> None:
    live = sum(1 for _ in stack.read(Topic.LEADS))
    interrupt_once_begun(stack, "replay", "state", "--application-id", "again")
    done = stack.run("replay", "state", "--application-id", "again", "--workers", "2", "--json")
    assert b"goes on where it was" in done.stderr
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    summary = json.loads(done.stdout.splitlines()[-1])["summary"]
    assert summary["lead"]["expected"] == summary["lead"]["inTopic"] > EVENTS / 50

    again = beside(stack, LEADSTREAM_APPLICATION_ID="again", LEADSTREAM_OUTPUT_PREFIX="replay.again.")
    for topic, identity in RESULTS:
        found = newest(again, topic, identity)
        assert len(found) > 100
        assert found == newest(stack, topic, identity)
    assert sum(1 for _ in stack.read(Topic.LEADS)) == live, "readers of the live topic got a second copy"

    # Its state is complete: the same events once more change nothing, new ones go on from there.
    leads = sum(1 for _ in again.read(Topic.LEADS))
    with again:
        again.worker("again-0")
        send(stack, traffic(SEED)[: EVENTS // 2])
        wait_for(lambda: again.drained("replay.again", INPUTS), 60, lambda: "the worker did not catch up")
        assert sum(1 for _ in again.read(Topic.LEADS)) == leads
        send(stack, traffic(SEED + 1)[: EVENTS // 2])
        wait_for(lambda: again.drained("replay.again", INPUTS), 60, lambda: "the worker did not catch up")
    stack.wait_until_processed()
    assert newest(again, Topic.LEADS, "leadId") == newest(stack, Topic.LEADS, "leadId")
    assert sum(1 for _ in again.read(Topic.LEADS)) > leads


def interrupt_once_begun(stack: Stack, *command: str) -> None:
    """Ctrl-C, when its workers have written something."""
    again = beside(stack, LEADSTREAM_APPLICATION_ID="again", LEADSTREAM_OUTPUT_PREFIX="replay.again.")
    process = subprocess.Popen(
        [sys.executable, "-m", COMMAND, *command], env=stack.env, stderr=subprocess.PIPE
    )
    topics = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap}).list_topics
    wait_for(
        lambda: (
            again.settings.topic(Topic.TOUCHES) in topics().topics
            and next(again.read(Topic.TOUCHES), None) is not None
        ),
        60,
        lambda: "the replay did not begin",
    )
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=60)
    assert process.returncode == 130, complaints.decode()


def test_a_replay_from_some_time_on(stack: Stack) -> None:
    """It knows nothing of what was before; what rests on that is counted apart."""
    now = str(time.time_ns() // 1_000_000)
    done = stack.run("replay", "state", "--application-id", "late", "--from", now, "--json")
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    summary = json.loads(done.stdout.splitlines()[-1])["summary"]
    assert summary["lead"]["inTopic"] == 0
    assert summary["lead"]["apart"]["beyond the input"] == summary["lead"]["expected"] > 0


@pytest.mark.parametrize(
    "options",
    [
        ["--application-id", "leadstream-worker"],
        ["--application-id", "other", "--output-prefix", "replay."],
    ],
)
def test_the_live_topics_are_not_written_to(stack: Stack, options: list[str]) -> None:
    done = stack.run("replay", "state", *options)
    assert done.returncode == 78
    assert b"live" in done.stderr
