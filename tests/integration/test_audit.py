"""``leadstream audit`` of a real system: clean while it runs, and what is broken afterwards is named."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from confluent_kafka import Message, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clickhouse.connection import connect
from processors.demo.faults import Faults, with_faults
from processors.demo.steps import DemoEvent
from processors.demo.traffic import generate
from schemas.topics import Topic, click_key, customer_key
from tests.integration.stack import COMMAND, INPUTS, Stack, wait_for

pytestmark = pytest.mark.integration

EVENTS = 20_000
SEED = 6
FAULTS = Faults(malformed_share=0.01, duplicate_share=0.05, miskeyed_share=0.02, shuffle_window=500)


def traffic(seed: int) -> list[DemoEvent]:
    now_ms = time.time_ns() // 1_000_000
    return list(with_faults(generate(EVENTS, seed, now_ms), FAULTS, seed))


def send(stack: Stack, events: list[DemoEvent]) -> None:
    producer = stack.producer()
    for event in events:
        stack.send(producer, event.topic, event.key, event.value)
    producer.flush()


@pytest.fixture(scope="module")
def stack(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """One worker, one sink, and traffic of 30 days, all of it processed."""
    directory = tmp_path_factory.mktemp("audit")
    with Stack(kafka.bootstrap, clickhouse.url, "audit", directory, LEADSTREAM_PARTITIONS="4") as stack:
        stack.create()
        stack.worker("worker-0")
        stack.sink()
        send(stack, traffic(SEED))
        stack.wait_until_processed()
        yield stack


Answer = tuple[CompletedProcess[bytes], dict[str, Any], list[dict[str, Any]]]
"""Process, summary, differences."""


def audit(stack: Stack, *options: str) -> Answer:
    done = stack.run("audit", "--json", "--work-dir", str(stack.directory), *options)
    assert done.returncode in (0, 1), done.stderr.decode()
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done, lines[-1]["summary"], [line["difference"] for line in lines if "difference" in line]


def two(stack: Stack, column: str, view: str) -> tuple[str, str]:
    client = connect(stack.settings.clickhouse_url.get_secret_value())
    try:
        sql = f"SELECT DISTINCT {column} FROM {view} ORDER BY {column} LIMIT 2"
        first, second = client.query(sql).result_rows
    finally:
        client.close()
    return first[0], second[0]


def lead_of_one_revision(stack: Stack) -> tuple[Message, dict[str, Any]]:
    """An older revision sent again would be more than one thing that is wrong."""
    found = [(record, json.loads(record.value() or b"")) for record in stack.read(Topic.LEADS)]
    revisions = Counter(lead["leadId"] for _, lead in found)
    return next((record, lead) for record, lead in found if revisions[lead["leadId"]] == 1)


def damage(stack: Stack, sql: str) -> None:
    client = connect(stack.settings.clickhouse_url.get_secret_value())
    try:
        client.command(sql, settings={"mutations_sync": 2})
    finally:
        client.close()


def test_a_system_under_traffic_is_clean(stack: Stack) -> None:
    """Sent while the audits read: what is on its way is not mistaken for a difference."""
    sender = threading.Thread(target=send, args=(stack, traffic(SEED + 1)))
    sender.start()
    audits = 0
    while sender.is_alive() or audits == 0:
        done, _, differences = audit(stack)
        assert (done.returncode, differences) == (0, [])
        audits += 1
    sender.join()

    stack.wait_until_processed()
    done, summary, differences = audit(stack)
    assert (done.returncode, differences) == (0, [])
    assert summary["unprocessed"] == 0
    assert summary["events"] > 2 * EVENTS
    assert summary["refused"] > 0
    for kind, least in (("lead", EVENTS / 50), ("sale", 100), ("customer", EVENTS / 50)):
        counts = summary[kind]
        assert counts["expected"] > least
        assert counts["inTopic"] == counts["inClickHouse"] >= counts["expected"]
        assert counts["agreeing"] >= counts["expected"] * 0.99
        assert counts["apart"].keys() <= {"contested"}
    for kind, least in (("lead revision", EVENTS / 50), ("click", EVENTS), ("click by id", EVENTS)):
        counts = summary[kind]
        assert counts["agreeing"] == counts["expected"] == counts["inClickHouse"] > least
    assert work_directories(stack) == []


def test_conflicts_revisions_erasures_and_a_replay_leave_it_clean(stack: Stack) -> None:
    hour, now = 3_600_000, time.time_ns() // 1_000_000
    rounds: list[list[tuple[Topic, bytes, dict[str, Any]]]] = [[], []]

    def happens(number: int, topic: Topic, key: bytes, at: int | None, **fields: Any) -> None:
        rounds[number].append((topic, key, {"workspaceId": "acme", "timestamp": at, **fields}))

    def clicked(number: int, click_id: str, at: int | None, **fields: Any) -> None:
        happens(number, Topic.CLICKS, click_key("acme", click_id), at, clickId=click_id, **fields)

    def of_customer(number: int, topic: Topic, who: str, at: int | None, **fields: Any) -> None:
        key = click_key("acme", fields["clickId"]) if "clickId" in fields else customer_key("acme", who)
        happens(number, topic, key, at, customerExternalId=who, **fields)

    for number, at in enumerate((now - 1_000 * hour, now - hour)):
        clicked(number, "later-lost", at, linkId=f"l{number}")
        clicked(1 - number, "earlier-lost", at, linkId=f"l{number}")
        clicked(number, "undated", None, linkId="l1")
    for who in ("revised", "erased"):
        for number, ago in enumerate((5, 9)):
            named = {"clickId": f"{who}-{number}", "eventName": "Sign Up", "mode": "deferred"}
            clicked(number, f"{who}-{number}", now - 10 * hour, linkId=f"l{number}")
            of_customer(number, Topic.DEFERRED_LEADS, who, now - ago * hour, **named)
        of_customer(0, Topic.QUALIFICATIONS, who, now - hour, eventName="Demo")
    for number in (0, 1):
        producer = stack.producer()
        for topic, key, event in rounds[number]:
            stack.send(producer, topic, key, json.dumps(event).encode())
        producer.flush()
        stack.wait_until_processed()
    producer = stack.producer()
    stack.send(
        producer,
        Topic.ERASURES,
        customer_key("acme", "erased"),
        json.dumps({"workspaceId": "acme", "customerExternalId": "erased"}).encode(),
    )
    producer.flush()
    stack.wait_until_processed()

    done, summary, differences = audit(stack)
    assert (done.returncode, differences) == (0, [])
    assert summary["lead"]["apart"]["erased"] == 1
    assert summary["lead revision"]["agreeing"] == summary["lead revision"]["inClickHouse"]
    assert stack.run("replay", "clickhouse").returncode == 0
    done, again, differences = audit(stack)
    assert (done.returncode, differences, again) == (0, [], summary)


def work_directories(stack: Stack) -> list[Path]:
    return list(stack.directory.glob("leadstream-audit-*"))


def test_people_read_it(stack: Stack) -> None:
    done = stack.run("audit", "--workspace", "acme", "--since", "10d", "--no-clickhouse")
    assert done.returncode == 0, done.stderr.decode()
    first, *_, last = done.stdout.decode().splitlines()
    assert first.startswith("leads:     ")
    assert " agree" in first
    assert "ClickHouse" not in first
    assert " events in " in last


@pytest.mark.parametrize("option", [[], ["--no-clickhouse"]])
def test_a_misspelt_workspace_is_no_all_clear(stack: Stack, option: list[str]) -> None:
    done = stack.run("audit", "--workspace", "acem", *option)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"there is no workspace acem; did you mean acme?" in done.stderr


def test_what_is_missing_is_said(stack: Stack) -> None:
    for name, value, code, said in (
        ("LEADSTREAM_KAFKA_BOOTSTRAP", "127.0.0.1:1", 69, b"no Kafka broker answers"),
        ("LEADSTREAM_CLICKHOUSE_URL", "http://127.0.0.1:1/x", 69, b"ClickHouse at 127.0.0.1:1"),
        ("LEADSTREAM_CLICKHOUSE_URL", stack.env["LEADSTREAM_CLICKHOUSE_URL"] + "_none", 78, b"migrate"),
        ("LEADSTREAM_TOPIC_PREFIX", "nobody.", 78, b"leadstream topics create"),
    ):
        done = stack.run("audit", env={name: value})
        assert done.returncode == code, done.stderr.decode()
        assert said in done.stderr
        assert done.stdout == b""


@pytest.mark.parametrize(
    ("number", "code", "says"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")],
)
def test_an_audit_that_is_ended_leaves_nothing_behind_and_says_how_far_it_came(
    stack: Stack, number: signal.Signals, code: int, says: str
) -> None:
    command = [sys.executable, "-m", COMMAND, "audit", "--work-dir", str(stack.directory)]
    process = subprocess.Popen(command, env=stack.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(
        lambda: bool(work_directories(stack)) or process.poll() is not None, 30, lambda: "it did not begin"
    )
    process.send_signal(number)
    _, complaints = process.communicate(timeout=30)
    *progress, last = complaints.decode().split("\n")[:-1]
    assert (process.returncode, last) == (code, says)
    assert all(
        re.match(r"(reading|comparing): ended after [\d,]+|\d+ differences|$", one) for one in progress
    )
    assert work_directories(stack) == []


def test_what_is_broken_is_named(stack: Stack) -> None:
    record, lead = lead_of_one_revision(stack)
    producer = stack.producer()
    made_up = json.dumps(lead | {"leadId": "ld_made_up", "revision": 1})
    stack.send(producer, Topic.LEADS, record.key(), made_up.encode())
    stack.send(producer, Topic.LEADS, record.key(), record.value())
    stack.send(producer, Topic.SALES, record.key(), b"{")
    producer.flush()
    stack.wait_until_processed()
    lost, moved = two(stack, "sale_id", "sales")
    lost_click, moved_click = two(stack, "click_id", "clicks")
    lost_revision, moved_revision = two(stack, "lead_id", "lead_revisions WHERE revision = 1")
    damage(stack, f"DELETE FROM sales_raw WHERE sale_id = '{lost}'")
    damage(stack, f"ALTER TABLE sales_raw UPDATE amount = amount + 1 WHERE sale_id = '{moved}'")
    damage(stack, f"DELETE FROM clicks_by_time_raw WHERE click_id = '{lost_click}'")
    damage(stack, f"DELETE FROM clicks_by_id WHERE click_id = '{lost_click}'")
    damage(stack, f"ALTER TABLE clicks_raw UPDATE partner_id = 'p9' WHERE click_id = '{moved_click}'")
    damage(stack, f"DELETE FROM lead_revisions_raw WHERE lead_id = '{lost_revision}' AND revision = 1")
    damage(stack, f"ALTER TABLE lead_revisions_raw UPDATE click_id = 'c' WHERE lead_id = '{moved_revision}'")

    done, summary, differences = audit(stack)
    assert done.returncode == 1
    assert {(one["wrong"], one["kind"], one["id"]) for one in differences} >= {
        ("unexpected in topic", "lead", "ld_made_up"),
        ("missing in ClickHouse", "sale", lost),
        ("differs in ClickHouse", "sale", moved),
        ("missing in ClickHouse", "click", lost_click),
        ("missing in ClickHouse", "click by id", lost_click),
        ("differs in ClickHouse", "click by id", moved_click),
        ("missing in ClickHouse", "lead revision", f"{lost_revision} revision 1"),
        ("differs in ClickHouse", "lead revision", f"{moved_revision} revision 1"),
    }
    assert {one["wrong"] for one in differences} == {
        "unexpected in topic",
        "revision twice",
        "unreadable in topic",
        "missing in ClickHouse",
        "differs in ClickHouse",
    }
    assert summary["differences"] == len(differences) == 10
    (change,) = next(one for one in differences if one["id"] == moved)["changes"]
    assert change["found"] == change["expected"] + 1
    assert b"10 differences" in done.stderr


def test_what_retention_removed_is_counted_apart(stack: Stack) -> None:
    """As after 30 days: the older half of every input topic is gone."""
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})
    consumer = stack._consumer("reader")
    halves = []
    for topic in set(INPUTS) - {Topic.TOUCHES}:
        for partition in range(stack.settings.partitions):
            place = TopicPartition(stack.settings.topic(topic), partition)
            low, high = consumer.get_watermark_offsets(place, timeout=20)
            halves.append(TopicPartition(place.topic, partition, (low + high) // 2))
    consumer.close()
    for future in admin.delete_records(halves).values():
        future.result()

    _, summary, differences = audit(stack)
    assert {one["wrong"] for one in differences} <= {
        "revision twice",
        "unreadable in topic",
        "missing in ClickHouse",
        "differs in ClickHouse",
    }, "what the topics say among themselves; nothing about the events that are gone"
    assert summary["lead"]["apart"]["beyond the input"] > 0
