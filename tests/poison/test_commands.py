"""``dlq`` and ``unmatched`` against a real broker, worker and sink: what they show, and what replays do."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Message, Producer

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.cli.main import cli
from processors.clickhouse.connection import connect
from processors.engine import partition_for
from schemas.times import DAY_MS, HOUR_MS, rfc3339
from schemas.topics import Topic
from tests.integration.stack import Stack, wait_for

pytestmark = pytest.mark.integration

ESCAPE = "\x1b[31mred"
AHEAD_MS = 10_000


@pytest.fixture
def stack(kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path) -> Iterator[Stack]:
    with Stack(
        kafka.bootstrap, clickhouse.url, tmp_path.name.replace("_", "-"), tmp_path, LEADSTREAM_HOLD="2s"
    ) as stack:
        stack.create()
        stack.worker("worker-0")
        stack.sink()
        yield stack


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def produce(stack: Stack, topic: Topic, key: str | None, value: bytes, at_ms: int) -> None:
    """At the time of its record."""
    producer = Producer({"bootstrap.servers": stack.settings.kafka_bootstrap})
    raw = None if key is None else key.encode()
    partition = 1 if raw is None else partition_for(raw, stack.settings.partitions)
    producer.produce(stack.settings.topic(topic), value, key=raw, partition=partition, timestamp=at_ms)
    producer.flush()


def invoke(stack: Stack, *command: str) -> Result:
    return CliRunner().invoke(cli, command, env=stack.env)


def run(stack: Stack, *command: str, code: int = 0) -> str:
    """What it said: to stdout when all was well."""
    done = invoke(stack, *command)
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


def listed(stack: Stack, *command: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(stack, *command, "--json").splitlines()]


def query(stack: Stack, sql: str) -> list[tuple[Any, ...]]:
    client = connect(stack.settings.clickhouse_url.get_secret_value())
    try:
        return [tuple(row) for row in client.query(sql).result_rows]
    finally:
        client.close()


def count(stack: Stack, topic: Topic) -> int:
    return sum(1 for _ in stack.read(topic))


def wait_until(stack: Stack, topic: Topic, number: int) -> None:
    wait_for(lambda: count(stack, topic) >= number, 60, lambda: f"{count(stack, topic)} records in {topic}")
    stack.wait_until_processed()


def test_a_dead_letter_from_its_first_attempt_to_its_use(stack: Stack) -> None:
    """One is no JSON and never will be; the other is valid as soon as its time has come."""
    record_ms = now_ms() - 5 * DAY_MS
    broken = ('{"workspaceId":"acme",' + ESCAPE).encode()
    produce(stack, Topic.PURCHASES, "acme:u1", broken, record_ms)
    produce(stack, Topic.ERASURES, None, b"\xff\x00\x01", record_ms)
    wait_until(stack, Topic.DEAD_LETTERS, 2)
    too_early = now_ms() + DAY_MS + AHEAD_MS
    value = orjson.dumps({"workspaceId": "acme", "clickId": "c1", "timestamp": too_early})
    produce(stack, Topic.CLICKS, "acme:c1", value, now_ms())
    wait_until(stack, Topic.DEAD_LETTERS, 3)

    letters = {one["reason"]: one for one in listed(stack, "dlq", "list") if one["workspaceId"]}
    early, broken_letter = letters["timestamp_out_of_range"], letters["not_json"]
    assert early["value"] == value.decode()
    assert (early["attempt"], early["workspaceId"]) == (1, "acme")
    assert broken_letter["source"]["timestamp"] == rfc3339(record_ms)
    check_list(stack, early["id"])
    check_show(stack, broken_letter["id"], broken)
    check_dry_run(stack)

    wait_for(lambda: now_ms() > too_early - DAY_MS, 60, lambda: "the clock stands still")
    told = json.loads(run(stack, "dlq", "replay", "--yes", "--rate", "50", "--json"))
    assert told == {
        "replayed": 3,
        "selected": 3,
        "dryRun": False,
        "byTopic": {"clicks": 1, "purchases": 1, "erasures": 1},
        "readableByThisVersion": 1,
        "leftAlone": {},
    }
    wait_until(stack, Topic.DEAD_LETTERS, 3 + 3 + 2)
    check_replayed(stack, value, broken, record_ms)

    # What was used is a dead letter no longer; what could not be used is counted.
    for _ in range(3):
        run(stack, "dlq", "replay", "--yes")
        stack.wait_until_processed()
    attempts = {one["reason"]: one["attempt"] for one in listed(stack, "dlq", "list", "--workspace", "acme")}
    assert attempts == {"not_json": 5}
    told_again = run(stack, "dlq", "replay", "--dry-run")
    assert "left alone 2: failed 5 times or more (--max-attempts)" in told_again
    assert query(stack, "SELECT click_id FROM clicks") == [("c1",)]
    assert query(stack, "SELECT attempt FROM dead_letters WHERE workspace_id = 'acme'") == [(5,)]


def check_list(stack: Stack, early: str) -> None:
    """Filters; the table without what a terminal would obey."""
    text = run(stack, "dlq", "list")
    assert "3 dead letters: 2 not_json, 1 timestamp_out_of_range\n" in text
    assert "\x1b" not in text
    ids = [one["id"] for one in listed(stack, "dlq", "list", "--reason", "timestamp_out_of_range")]
    assert ids == [early]
    assert len(listed(stack, "dlq", "list", "--workspace", "acme", "--since", "1h")) == 2
    assert "there is no workspace globex" in run(stack, "dlq", "list", "--workspace", "globex", code=1)
    assert listed(stack, "dlq", "list", "--until", "1h") == []
    assert [one["id"] for one in listed(stack, "dlq", "list", "--topic", "clicks")] == [early]
    assert len(listed(stack, "dlq", "list", "--limit", "2")) == 2
    assert run(stack, "dlq", "list", "--workspace", "acme", "--until", "1d") == "0 dead letters\n"
    assert query(stack, f"SELECT reason FROM dead_letters WHERE position = '{early}'") == [
        ("timestamp_out_of_range",)
    ]


def check_show(stack: Stack, broken_id: str, broken: bytes) -> None:
    text = run(stack, "dlq", "show", broken_id)
    assert '\n{"workspaceId":"acme",\\u001b[31mred\n' in text
    assert "reason       not_json\n" in text
    assert "source       " in text
    assert invoke(stack, "dlq", "show", "--raw", broken_id).stdout_bytes == broken
    (binary,) = listed(stack, "dlq", "list", "--topic", "erasures")
    assert binary["valueBase64"] == "/wAB"
    assert "00000000  ff 00 01" in run(stack, "dlq", "show", binary["id"])
    missing = run(stack, "dlq", "show", "0:999999", code=1)
    assert "no dead letter 0:999999" in missing


def check_dry_run(stack: Stack) -> None:
    text = run(stack, "dlq", "replay", "--dry-run")
    assert text.startswith("would replay 3 dead letters: ")
    assert (count(stack, Topic.CLICKS), count(stack, Topic.PURCHASES)) == (1, 1)
    assert "not found: 0:999999" in run(stack, "dlq", "replay", "0:999999", code=1)


def check_replayed(stack: Stack, value: bytes, broken: bytes, record_ms: int) -> None:
    """The value untouched, the time of the record kept, the attempt counted; the last one alone is listed."""
    first, again = stack.read(Topic.PURCHASES)
    assert (again.key(), again.value()) == (first.key(), first.value()) == (b"acme:u1", broken)
    assert again.timestamp()[1] == first.timestamp()[1] == record_ms
    assert header(again, "attempt") == b"1"
    assert [click.value() for click in stack.read(Topic.CLICKS)] == [value, value]

    (letter,) = listed(stack, "dlq", "list", "--reason", "not_json", "--workspace", "acme")
    assert letter["attempt"] == 2
    assert letter["source"] == {
        "topic": stack.settings.topic(Topic.PURCHASES),
        "partition": first.partition(),
        "offset": first.offset(),
        "timestamp": rfc3339(record_ms),
    }
    assert query(stack, "SELECT click_id FROM clicks") == [("c1",)]
    attempts = query(stack, "SELECT attempt, position FROM dead_letters WHERE source_topic LIKE '%purchases'")
    assert attempts == [(2, letter["id"])]


def header(message: Message, name: str) -> bytes | None:
    return dict(message.headers() or []).get(name)


def test_unmatched_events_find_what_came_too_late(stack: Stack) -> None:
    """Neither the deferred lead nor the request has a time of its own: it is that of its first record."""
    deferred_ms, requested_ms = now_ms() - 2 * DAY_MS, now_ms() - DAY_MS
    person = {"workspaceId": "acme", "customerExternalId": "ü 1"}
    deferred = orjson.dumps({**person, "eventName": "Sign Up", "clickId": "c1", "mode": "deferred"})
    request = orjson.dumps({**person, "eventName": "Meeting"})
    produce(stack, Topic.DEFERRED_LEADS, "acme:c1", deferred, deferred_ms)
    produce(stack, Topic.QUALIFICATIONS, "acme:ü 1", request, requested_ms)
    wait_until(stack, Topic.UNMATCHED, 2)

    by_reason = {one["reason"]: one for one in listed(stack, "unmatched", "list")}
    assert by_reason["click_not_found"]["event"] == json.loads(deferred)
    assert by_reason["no_deferred_lead"]["source"]["timestamp"] == rfc3339(requested_ms)
    assert "2 unmatched events: " in run(stack, "unmatched", "list")
    assert (
        len(listed(stack, "unmatched", "list", "--reason", "click_not_found", "--topic", "deferred-leads"))
        == 1
    )
    assert run(stack, "unmatched", "replay", "--dry-run").startswith("would replay 2 unmatched events: ")
    before = shown(stack)
    assert {position for _, position in before} == {one["id"] for one in by_reason.values()}

    # Nothing has changed: while they wait they are no losses; then they are reported again, and listed once.
    run(stack, "unmatched", "replay", "--yes")
    assert listed(stack, "unmatched", "list") == []
    assert run(stack, "unmatched", "replay", "--dry-run") == "would replay 0 unmatched events\n"
    wait_until(stack, Topic.UNMATCHED, 6)
    again = listed(stack, "unmatched", "list")
    assert {one["reason"]: one["event"] for one in again} == {
        reason: one["event"] for reason, one in by_reason.items()
    }
    assert shown(stack) == before

    clicked = {"workspaceId": "acme", "clickId": "c1", "timestamp": deferred_ms - HOUR_MS}
    produce(stack, Topic.CLICKS, "acme:c1", orjson.dumps(clicked), now_ms())
    assert run(stack, "unmatched", "replay", "--yes").startswith("replayed 2 unmatched events: ")
    wait_until(stack, Topic.LEADS, 1)
    (lead,) = [orjson.loads(message.value() or b"") for message in stack.read(Topic.LEADS)]
    assert (lead["deferredAt"], lead["timestamp"]) == (rfc3339(deferred_ms), rfc3339(requested_ms))

    # What has led to something is a loss no longer, and does not go back with the others.
    assert run(stack, "unmatched", "list") == "0 unmatched events\n"
    assert shown(stack) == []
    assert run(stack, "unmatched", "replay", "--yes", "--rate", "10") == "replayed 0 unmatched events\n"
    ids = [one["id"] for one in by_reason.values()]
    assert run(stack, "unmatched", "replay", *ids).startswith("replayed 2 unmatched events: ")
    stack.wait_until_processed()
    assert count(stack, Topic.LEADS) == 1
    assert listed(stack, "unmatched", "list") == []


def shown(stack: Stack) -> list[tuple[Any, ...]]:
    """The losses that ClickHouse counts, once the sink has come to them."""
    stack.wait_until_processed()
    rows = query(stack, "SELECT *, position FROM unmatched ORDER BY unmatched_id")
    return [(row[:-1], row[-1]) for row in rows]
