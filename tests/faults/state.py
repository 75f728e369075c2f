"""Changelogs, local stores and transactions: what no reader sees, and everything rests on."""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from msgspec import to_builtins
from msgspec.structs import replace

from processors.attribution import click_join, customer_join
from processors.attribution.click_join import ClickState
from processors.attribution.customer_join import CustomerState
from processors.clock import epoch_ms
from processors.engine import changelog_topic, partition_for
from processors.engine.state.rocksdb import PartitionStore, new_cache
from processors.worker.processors import CLICKS_TABLE, CUSTOMERS_TABLE
from processors.worker.run import policy_of
from schemas.decoding import Refused
from schemas.topics import customer_key
from tests.engine.sums import up_to
from tests.integration.judgement import SOURCES, Findings, Truth
from tests.integration.stack import Stack
from tests.model.simulate import Network, Record

TABLES: Final = (CLICKS_TABLE, CUSTOMERS_TABLE)
Log = dict[int, list[tuple[int, bytes, bytes | None]]]
"""Partition → (offset, key, stored form)."""
States = dict[bytes, bytes]


def judge_state(stack: Stack, truth: Truth) -> Findings:
    """Both tables against a recomputation from the input topics, every store against its changelog."""
    findings = Findings()
    network = recomputed(stack)
    contested = {customer_key(*key) for key in truth.outcome.contested}
    for table, states, meaning in (
        (CLICKS_TABLE, network.clicks, _clicks),
        (CUSTOMERS_TABLE, network.customers, _customer),
    ):
        log = read_changelog(stack, stack.settings.worker_group, table)
        merged = {key: raw for records in log.values() for key, raw in up_to(records, None).items()}
        expected = {key: meaning(raw) for key, raw in states.items() if key not in contested}
        found = {key: meaning(raw) for key, raw in merged.items() if key not in contested}
        findings.compare(f"changelog of {table}", found, expected)
        judge_stores(stack, "worker", table, log, findings)
    return findings


def judge_stores(stack: Stack, command: str, table: str, log: Log, findings: Findings) -> None:
    """Each, of processes of this command, is the exact prefix of its changelog that its position says; some
    store of each is current.
    """
    current: Counter[int] = Counter()
    for directory in data_directories(stack, command):
        for partition, records in log.items():
            path = directory / "state" / f"{table}-{partition}"
            if not path.exists():
                continue
            opened = PartitionStore(path, new_cache(), epoch_ms())
            found = dict(opened.states())
            where = f"store {directory.name}/{path.name}"
            findings.compare(where, found, up_to(records, opened.position))
            current[partition] += not records or opened.position == records[-1][0]
            opened.close()
    findings.lost[f"current stores of {table}"] += sum(not current[partition] for partition in log)


def data_directories(stack: Stack, command: str) -> list[Path]:
    """Of all its processes there ever were."""
    found = {one.env["LEADSTREAM_DATA_DIR"] for one in stack.services if one.command == command.split()}
    return [Path(one) for one in sorted(found) if (Path(one) / "state").is_dir()]


def read_changelog(stack: Stack, group: str, table: str) -> Log:
    """What is committed in it. Records in a foreign partition would be found by nobody."""
    log: Log = {partition: [] for partition in range(stack.settings.partitions)}
    for message in stack.read_topic(changelog_topic(group, table)):
        assert message.partition() == partition_for(message.key(), stack.settings.partitions)
        log[message.partition()].append((message.offset(), message.key(), message.value()))
    return log


def recomputed(stack: Stack) -> Network:
    """The two joins, alone and in memory, over everything that is in the input topics."""
    network = Network(policy_of(stack.settings), epoch_ms())
    for topic in SOURCES:
        for message in stack.read(topic):
            record = Record(
                topic, message.value(), message.timestamp()[1], message.offset(), message.partition()
            )
            try:
                network.send(record)
            except Refused:
                continue
    return network


_MARKERS_S = 3.0
"""So long may a busy broker take to write the markers of a transaction that has ended. One that nobody ends
is open for its timeout, which is longer."""


def open_transactions(stack: Stack) -> list[str]:
    """Partitions whose readers wait for one that nobody ends."""
    deadline = time.monotonic() + _MARKERS_S
    while found := _waited_for(stack):
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return found


def _waited_for(stack: Stack) -> list[str]:
    """Partitions of which not all can be read that was there before. The coordinators write at any time."""
    admin = AdminClient({"bootstrap.servers": stack.settings.kafka_bootstrap})
    topics = admin.list_topics(timeout=20).topics
    mine = [
        TopicPartition(name, partition)
        for name, topic in topics.items()
        if name.startswith(stack.settings.topic_prefix) or name == "__consumer_offsets"
        for partition in topic.partitions
    ]
    ends: dict[IsolationLevel, dict[TopicPartition, int]] = {}
    for level in (IsolationLevel.READ_UNCOMMITTED, IsolationLevel.READ_COMMITTED):
        asked = admin.list_offsets({tp: OffsetSpec.latest() for tp in mine}, isolation_level=level)
        ends[level] = {tp: future.result().offset for tp, future in asked.items()}
    stable, high = ends[IsolationLevel.READ_COMMITTED], ends[IsolationLevel.READ_UNCOMMITTED]
    return [f"{tp.topic}-{tp.partition}" for tp in mine if stable[tp] < high[tp]]


# What of a state does not depend on the order of arrival.


def _clicks(raw: bytes) -> Mapping[str, Any]:
    state: ClickState = click_join.load(raw)
    held = sorted(one.raw for one in state.held)
    return {"click": state.click, "customers": sorted(state.customers), "held": held, "bot": state.bot}


def _customer(raw: bytes) -> Mapping[str, Any]:
    state: CustomerState = customer_join.load(raw)
    return {
        "touches": to_builtins(state.touches),
        "requests": sorted(replace(one, held=None) for one in state.requests),
        "purchases": sorted(replace(one, held=None) for one in state.purchases),
        "said": (state.name, state.email, state.avatar, state.first_seen_ms),
        "leads": sorted(state.lead_revisions),
        "sales": sorted(state.sale_revisions),
        "erased": state.erased,
    }
