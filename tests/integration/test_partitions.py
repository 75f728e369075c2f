"""More partitions: everything is computed anew beside the old, from events that stand where they stood."""

import json
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from schemas.topics import Topic
from tests.integration.stack import INPUTS, Stack, wait_for
from tests.integration.test_replay import EVENTS, RESULTS, SEED, newest, send, traffic

pytestmark = pytest.mark.integration


def test_more_partitions(kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path) -> None:
    """As docs/scaling.md says it."""
    servers = kafka.bootstrap, clickhouse.url
    with Stack(*servers, "wider", tmp_path, LEADSTREAM_PARTITIONS="3") as before:
        before.create()
        worker, sink = before.worker("worker-0"), before.sink()
        send(before, traffic(SEED)[: EVENTS // 2])
        before.wait_until_processed()
        assert (worker.stop(), sink.stop()) == (0, 0)
    more_partitions(before, 6)
    changed = {
        "LEADSTREAM_PARTITIONS": "6",
        "LEADSTREAM_APPLICATION_ID": "worker-6",
        "LEADSTREAM_OUTPUT_PREFIX": "wider.6.",
    }
    with Stack(*servers, "wider", tmp_path, **changed) as after:
        live = {"LEADSTREAM_APPLICATION_ID": before.settings.application_id}
        del after.env["LEADSTREAM_OUTPUT_PREFIX"]
        options = ("--application-id", "worker-6", "--output-prefix", "wider.6.")
        done = after.run("replay", "state", *options, env=live)
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
        assert b"0 topics created" not in done.stderr

        for topic, identity in RESULTS:
            assert len(newest(before, topic, identity)) > EVENTS / 250
            assert newest(after, topic, identity) == newest(before, topic, identity)
        # What comes now meets what was there.
        after.env |= changed
        after.worker("worker-6")
        send(after, traffic(SEED)[EVENTS // 2 :])
        wait_for(
            lambda: after.drained(after.settings.worker_group, INPUTS), 60, lambda: "it does not catch up"
        )
        done = after.run("audit", "--no-clickhouse", "--json")
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
        summary = json.loads(done.stdout.splitlines()[-1])["summary"]
        assert summary["unprocessed"] == 0
        assert summary["lead"]["apart"].keys() <= {"contested"}


def more_partitions(stack: Stack, count: int) -> None:
    """Of everything that producers, workers and readers know, but not of the state."""
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})
    wider = [NewPartitions(stack.settings.topic(topic), count) for topic in Topic]
    for future in admin.create_partitions(wider).values():
        future.result()
