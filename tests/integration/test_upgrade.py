"""A rolling upgrade under traffic, back, and on: whichever release runs beside which, the leads are the same.

Two workers on the same topics go through three releases, one worker at a time: the release before this one,
whose formats are frozen in ``tests.upgrade``, this one, and one after it that has appended a field to
everything. Each reads what the others have written: touches, states in the changelogs, states on its disk.
"""

import json
import shutil
import time
from pathlib import Path
from typing import Final

import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.demo.faults import Faults, with_faults
from processors.demo.steps import DemoEvent
from processors.demo.traffic import generate
from processors.engine import changelog_topic
from schemas.topics import Topic
from tests.integration.stack import COMMAND, INPUTS, Service, Stack, wait_for
from tests.upgrade.releases import MARK

pytestmark = pytest.mark.integration

EVENTS: Final = 20_000
SEED: Final = 8
FAULTS: Final = Faults(duplicate_share=0.05, miskeyed_share=0.02, shuffle_window=3_000)
ROLL: Final = (
    # Worker, the release that it goes on as, and whether its disk is lost on the way.
    (0, "current", False),
    (0, "previous", True),  # back
    (0, "current", True),
    (1, "current", False),
    (0, "next", False),
    (0, "current", True),  # back
    (1, "next", True),
)
TABLES: Final = ("clicks", "customers")
OTHER: Final = "tests.upgrade.worker_main"


def test_leads_survive_upgrades(kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path) -> None:
    events = list(with_faults(generate(EVENTS, SEED, time.time_ns() // 1_000_000), FAULTS, SEED))
    # Each part has some events of every customer: a click may meet its lead events releases later.
    parts = [events[number :: len(ROLL) + 1] for number in range(len(ROLL) + 1)]
    with Stack(kafka.bootstrap, clickhouse.url, "upgrade", tmp_path, LEADSTREAM_PARTITIONS="4") as stack:
        stack.create()
        workers = [stack.service("worker", f"worker-{number}") for number in range(2)]
        for worker in workers:
            start(worker, "previous")
        send(stack, parts[0])
        for (number, release, disk_lost), part in zip(ROLL, parts[1:], strict=True):
            wait_until_read(stack)
            send(stack, part)
            roll(workers[number], release, disk_lost=disk_lost)
        wait_until_read(stack)
        check_leads(stack, EVENTS)
        check_that_releases_were_mixed(stack)
        assert [worker.stop() for worker in workers] == [0, 0]


def test_a_release_that_is_too_old_stops(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path
) -> None:
    """It loses nothing: a newer one goes on where it stood."""
    events = list(generate(EVENTS // 4, SEED, time.time_ns() // 1_000_000))
    with Stack(kafka.bootstrap, clickhouse.url, "too-old", tmp_path, LEADSTREAM_PARTITIONS="4") as stack:
        stack.create()
        worker = stack.service("worker", "worker")
        start(worker, "later")
        send(stack, events[::2])
        wait_until_read(stack)
        assert worker.stop() == 0
        send(stack, events[1::2])
        start(worker, "current")
        assert worker.wait() == 70
        assert "version 127: written by a newer release" in worker.log.read_text()

        start(worker, "later")
        wait_until_read(stack)
        check_leads(stack, len(events))


def roll(worker: Service, release: str, *, disk_lost: bool) -> None:
    """In the middle of its work."""
    wait_for(worker.is_ready, 60, lambda: worker.life()[-3000:])
    assert worker.stop() == 0
    if disk_lost:
        shutil.rmtree(worker.env["LEADSTREAM_DATA_DIR"])
    start(worker, release)


def start(worker: Service, release: str) -> None:
    """As that release."""
    ours = release == "current"
    worker.program, worker.command = (COMMAND, ["worker"]) if ours else (OTHER, [release])
    worker.start()


def send(stack: Stack, events: list[DemoEvent]) -> None:
    producer = stack.producer()
    for event in events:
        stack.send(producer, event.topic, event.key, event.value)
    producer.flush()


def wait_until_read(stack: Stack) -> None:
    def read() -> bool:
        for service in stack.services:
            service.check_alive()
        return stack.drained(stack.settings.worker_group, INPUTS)

    wait_for(read, 90, lambda: "the workers did not catch up")


def check_leads(stack: Stack, events: int) -> None:
    """The model computes them from the events; nothing was refused, nothing came twice."""
    done = stack.run("audit", "--no-clickhouse", "--json")
    assert done.returncode == 0, done.stdout.decode()
    summary = json.loads(done.stdout.splitlines()[-1])["summary"]
    assert summary["unprocessed"] == 0
    for kind in ("lead", "sale", "customer"):
        assert summary[kind]["expected"] > events / 100
        assert summary[kind]["agreeing"] > 0.98 * summary[kind]["expected"]
        assert summary[kind]["apart"].keys() <= {"contested"}
    assert next(stack.read(Topic.DEAD_LETTERS), None) is None


def check_that_releases_were_mixed(stack: Stack) -> None:
    """Or the test would prove nothing: both formats are in each of the topics that releases share."""
    group, mark = stack.settings.worker_group, MARK.encode()
    for topic in (*(changelog_topic(group, table) for table in TABLES), stack.settings.topic(Topic.TOUCHES)):
        values = [message.value() or b"" for message in stack.read_topic(topic)]
        marked = sum(mark in value for value in values)
        assert 100 < marked < len(values) - 100, f"{topic}: {marked} of {len(values)}"
