"""Poison through a real broker, a real worker, a real sink."""

import asyncio
import hashlib
import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clickhouse.connection import connect
from processors.engine import partition_for
from schemas.dead_letters import LARGEST_KEPT
from schemas.topics import Topic
from tests import odd_headers
from tests.integration.stack import Stack, wait_for
from tests.poison.inputs import HEADERS, INPUTS, KINDS, Input
from tests.poison.oracle import judge

pytestmark = pytest.mark.integration

SEED: Final = 31
OF_EACH: Final = 3
LARGEST: Final = 900_000
"""What the test's producer takes."""
CUSTOMERS: Final = 40


class Sent(NamedTuple):
    given: Input
    key: bytes | None
    timestamp: int


Place = tuple[str, int, int]


def poison(now_ms: int) -> Iterator[Input]:
    """Of every kind in every topic, and foreign records in touches."""
    rng = random.Random(SEED)
    for kind, (_, make) in KINDS.items():
        wanted = dict.fromkeys(INPUTS, OF_EACH if kind != "valid" else 0)
        while any(wanted.values()):
            given = make(kind, rng)
            refused = None not in judge(given.topic, given.value, now_ms, now_ms).reasons
            if wanted[given.topic] and refused and len(given.value or b"") < LARGEST:
                wanted[given.topic] -= 1
                yield given._replace(headers=rng.choice(HEADERS))
    for value in (None, b"", b"\xff\x00", b"[]", b"{", b"{}", b'{"workspaceId":"acme"}', b"[" * 10_000):
        yield Input("touch", Topic.TOUCHES, value)


def send(stack: Stack, inputs: Iterable[Input]) -> dict[Place, Sent]:
    """By the places where they came to stand: any partition, any key."""
    stood: dict[Place, Sent] = {}
    producer = Producer({"bootstrap.servers": stack.settings.kafka_bootstrap, "linger.ms": 5})
    rng = random.Random(SEED)

    def remember(sent: Sent) -> Any:
        def delivered(error: Any, message: Message) -> None:
            assert error is None, error
            stood[place_of(message)] = sent

        return delivered

    now_ms = time.time_ns() // 1_000_000
    for number, given in enumerate(inputs):
        sent = Sent(given, rng.choice((None, b"key", b"acme:c1", b"\xff\x00")), now_ms - number)
        producer.produce(
            stack.settings.topic(given.topic),
            given.value,
            key=sent.key,
            partition=rng.randrange(stack.settings.partitions),
            timestamp=sent.timestamp,
            headers=list(given.headers),
            on_delivery=remember(sent),
        )
        producer.poll(0)
    producer.flush()
    return stood


def place_of(message: Message) -> Place:
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return str(message.topic()), partition, offset


def send_valid(stack: Stack) -> None:
    """Customers who click, sign up, qualify and pay."""
    producer = stack.producer()
    now_ms = time.time_ns() // 1_000_000
    for number in range(CUSTOMERS):
        click = {"workspaceId": "acme", "clickId": f"c{number}", "timestamp": now_ms - 4_000}
        person = {"workspaceId": "acme", "customerExternalId": f"u{number}"}
        lead = {**person, "eventName": "Meeting", "timestamp": now_ms - 2_000}
        deferred = {**lead, "clickId": f"c{number}", "mode": "deferred", "timestamp": now_ms - 3_000}
        by_click, by_customer = f"acme:c{number}".encode(), f"acme:u{number}".encode()
        stack.send(producer, Topic.CLICKS, by_click, orjson.dumps(click))
        stack.send(producer, Topic.DEFERRED_LEADS, by_click, orjson.dumps(deferred))
        stack.send(producer, Topic.QUALIFICATIONS, by_customer, orjson.dumps(lead))
        purchase = {**person, "amount": 100, "timestamp": now_ms - 1_000}
        stack.send(producer, Topic.PURCHASES, by_customer, orjson.dumps(purchase))
    producer.flush()


def send_with_odd_headers(stack: Stack) -> dict[Place, Sent]:
    """A click that is known, and what is none: header names that are no UTF-8 hold up neither."""
    now_ms = time.time_ns() // 1_000_000
    servers, topic = stack.settings.kafka_bootstrap, stack.settings.topic(Topic.CLICKS)
    click = orjson.dumps({"workspaceId": "acme", "clickId": "c0", "timestamp": now_ms - 4_000})
    asyncio.run(odd_headers.send(servers, topic, b"acme:c0", click, now_ms))
    bad = Input("odd header", Topic.CLICKS, b'{"odd":')
    offsets = asyncio.run(odd_headers.send(servers, topic, b"key", bad.value or b"", now_ms))
    return {(topic, 0, offset): Sent(bad, b"key", now_ms) for offset in offsets}


def send_large(stack: Stack) -> dict[Place, Sent]:
    """Within what the topic takes as zstd writes it, and beyond what a worker can write."""
    producer = Producer(
        {
            "bootstrap.servers": stack.settings.kafka_bootstrap,
            "compression.type": "zstd",
            "message.max.bytes": 20_000_000,
        }
    )
    value = random.Random(SEED).randbytes(100_000) * 120
    now_ms = time.time_ns() // 1_000_000
    stood: dict[Place, Sent] = {}
    for topic in INPUTS:
        sent = Sent(Input("large", topic, value), b"acme:c1", now_ms)

        def delivered(error: Any, message: Message, sent: Sent = sent) -> None:
            assert error is None, error
            stood[place_of(message)] = sent

        producer.produce(
            stack.settings.topic(topic), value, key=sent.key, timestamp=now_ms, on_delivery=delivered
        )
        producer.flush()
    return stood


def dead_letters(stack: Stack) -> list[tuple[Message, dict[str, bytes]]]:
    return [(message, dict(message.headers() or [])) for message in stack.read(Topic.DEAD_LETTERS)]


def origin(headers: dict[str, bytes]) -> Place:
    return (
        headers["source-topic"].decode(),
        int(headers["source-partition"]),
        int(headers["source-offset"]),
    )


def test_poison_of_every_kind_holds_nothing_up(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path
) -> None:
    with Stack(
        kafka.bootstrap, clickhouse.url, "poison", tmp_path, LEADSTREAM_DEAD_LETTER_LIMIT="1"
    ) as stack:
        stack.create()
        now_ms = time.time_ns() // 1_000_000
        stood = send(stack, poison(now_ms))
        assert len(stood) > (len(KINDS) - 1) * len(INPUTS) * OF_EACH
        send_valid(stack)
        stood |= send_with_odd_headers(stack)
        stood |= send_large(stack)
        worker, sink = stack.worker("worker-0"), stack.sink()
        stack.wait_until_processed()

        found = dead_letters(stack)
        assert sorted(origin(headers) for _, headers in found) == sorted(stood)
        for letter, headers in found:
            check_dead_letter(letter, headers, stood[origin(headers)], now_ms)
        assert sum(1 for _ in stack.read(Topic.LEADS)) == CUSTOMERS
        assert sum(1 for _ in stack.read(Topic.SALES)) == CUSTOMERS
        check_clickhouse(stack, stood)
        assert (worker.stop(), sink.stop()) == (0, 0)


def check_dead_letter(letter: Message, headers: dict[str, bytes], sent: Sent, now_ms: int) -> None:
    assert (letter.key(), letter.value()) == (sent.key, kept(sent.given.value))
    if letter.value() != sent.given.value:
        digest = hashlib.sha256(sent.given.value or b"").hexdigest()
        assert headers["value-sha256"].decode() == digest
        assert f"{len(sent.given.value or b'')} bytes, sha256 {digest}" in headers["detail"].decode()
    expected = judge(sent.given.topic, sent.given.value, sent.timestamp, now_ms).reasons
    assert headers["reason"].decode() in {reason.value for reason in expected if reason}, sent
    assert headers["detail"]
    assert headers["source-timestamp"] == b"%d" % sent.timestamp
    before = dict(sent.given.headers).get("attempt") or b""
    assert int(headers["attempt"]) == 1 + (int(before) if before in (b"2", b"3") else 0), before


def kept(value: bytes | None) -> bytes | None:
    return None if len(value or b"") > LARGEST_KEPT else value


def check_clickhouse(stack: Stack, stood: dict[Place, Sent]) -> None:
    """One row for each record that differs, with its bytes."""
    client = connect(stack.settings.clickhouse_url.get_secret_value())
    try:
        rows = client.query("SELECT source_topic, hex(key), hex(value) FROM dead_letters").result_rows
        assert client.query("SELECT count() FROM leads").result_rows == [(CUSTOMERS,)]
        assert client.query("SELECT count() FROM sales").result_rows == [(CUSTOMERS,)]
    finally:
        client.close()
    expected = {
        (topic, (sent.key or b"").hex().upper(), (kept(sent.given.value) or b"").hex().upper())
        for (topic, _, _), sent in stood.items()
    }
    assert sorted(map(tuple, rows)) == sorted(expected)


def test_a_bad_deployment_stops_with_its_offsets_where_they_were(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path
) -> None:
    with Stack(kafka.bootstrap, clickhouse.url, "limit", tmp_path) as stack:
        stack.create()
        worker = stack.worker("worker-0")
        send_valid(stack)
        wait_for(
            lambda: stack.drained(stack.settings.worker_group, (Topic.CLICKS,)),
            120,
            lambda: "nothing is read",
        )
        assert worker.stop() == 0
        before = committed(stack)
        unreadable = [Input("bad", Topic.CLICKS, b'{"click_id":"renamed"}')] * 4_000
        stood = send(stack, unreadable)

        worker.start()
        assert worker.wait() == 65
        message = worker.log.read_text()
        assert (
            "records could not be used, the last one because of schema_violation: workspaceId: required"
            in message
        )
        assert "LEADSTREAM_DEAD_LETTER_LIMIT=1" in message
        assert "Traceback" not in message
        check_nothing_skipped(stack, before)
        # A supervisor that starts it all the same does not drain the topic.
        worker.start()
        assert worker.wait() == 65
        check_nothing_skipped(stack, before)

        # The operator decides that they are what they are.
        worker.env["LEADSTREAM_DEAD_LETTER_LIMIT"] = "1"
        worker.start()
        wait_for(
            lambda: stack.drained(stack.settings.worker_group, (Topic.CLICKS,)),
            120,
            lambda: "it stands still",
        )
        assert sorted(origin(headers) for _, headers in dead_letters(stack)) == sorted(stood)
        assert worker.stop() == 0


def test_what_one_workspace_sends_stops_its_partition_and_no_other(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path
) -> None:
    with Stack(kafka.bootstrap, clickhouse.url, "noisy", tmp_path, LEADSTREAM_PARTITIONS="4") as stack:
        stack.create()
        producer = stack.producer()
        key = next(f"noisy:c{n}".encode() for n in range(99) if partition_for(f"noisy:c{n}".encode(), 4) == 2)
        for _ in range(900):
            stack.send(producer, Topic.CLICKS, key, b'{"workspaceId":"noisy","click_id":"renamed"}')
        producer.flush()
        worker = stack.worker("worker-0")
        wait_for(lambda: "stands still" in worker.life(), 120, lambda: "it goes on and on")
        send_valid(stack)
        elsewhere = sum(partition_for(f"acme:c{n}".encode(), 4) != 2 for n in range(CUSTOMERS))
        wait_for(lambda: len(list(stack.read(Topic.LEADS))) == elsewhere, 120, lambda: "others wait as well")
        message = worker.life()
        assert "noisy.clicks, partition 2, stands still: 501 of the last 501 records could not" in message
        assert "Of workspace noisy are 501. Nothing was skipped." in message
        assert "Traceback" not in message
        assert committed(stack)[2] == len(dead_letters(stack)) <= 500
        assert worker.stop() == 0


def committed(stack: Stack) -> dict[int, int]:
    """Offsets of the workers in ``clicks``, by partition."""
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})
    topic = stack.settings.topic(Topic.CLICKS)
    asked = [TopicPartition(topic, number) for number in range(stack.settings.partitions)]
    futures = admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(stack.settings.worker_group, asked)]
    )
    (group,) = (future.result() for future in futures.values())
    return {place.partition: max(place.offset, 0) for place in group.topic_partitions}


def check_nothing_skipped(stack: Stack, before: dict[int, int]) -> None:
    """Batches before the one that was too much may have passed: each of their records is a dead letter."""
    passed = {
        place
        for partition, end in committed(stack).items()
        for place in (
            (stack.settings.topic(Topic.CLICKS), partition, offset)
            for offset in range(before[partition], end)
        )
    }
    assert {origin(headers) for _, headers in dead_letters(stack)} == passed
    assert len(passed) <= 500
