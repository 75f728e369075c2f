"""Committed offsets of the group: where a generation starts, and how far its other members have come."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Set
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from processors.engine.errors import Superseded
from processors.engine.group import StartOffsets
from processors.engine.kafka import private
from processors.engine.kafka import protocol as p
from processors.engine.kafka.transaction import by_topic

log = logging.getLogger(__name__)

_FIND_COORDINATOR_AGAIN = {p.COORDINATOR_NOT_AVAILABLE, p.NOT_COORDINATOR}
_RETRY = {p.UNSTABLE_OFFSET_COMMIT, p.COORDINATOR_LOAD_IN_PROGRESS, p.UNKNOWN_TOPIC_OR_PARTITION}
_POLL_S = 0.05
_NOT_REACHABLE_S = 0.2


class Committed(dict[TopicPartition, int | None]):
    """Offsets; None: none yet. ``metadata``: what was committed with them, where there is any."""

    def __init__(self, rows: Iterable[tuple[TopicPartition, int, str]]) -> None:
        known = list(rows)
        super().__init__((tp, offset if offset >= 0 else None) for tp, offset, _ in known)
        self.metadata = {tp: text for tp, _, text in known if text}


async def start_offsets(kafka: Any, tps: Set[TopicPartition], go_on: Callable[[], bool]) -> StartOffsets:
    """Stable committed offsets, else the beginning of the log. Runs in the consumer thread."""
    if not tps:
        return StartOffsets({}, {}, 0, 0, {})
    committed, waits = await stable_offsets(private.group_coordinator_of(kafka), tps, go_on)
    begins = await kafka.beginning_offsets(list(tps))
    offsets = {tp: max(at or 0, begins[tp]) for tp, at in committed.items()}
    moved = {tp: at for tp, at in offsets.items() if at != committed[tp]}
    lost = sum(at - was for tp, at in moved.items() if (was := committed[tp]) is not None)
    return StartOffsets(offsets, moved, waits, lost, committed.metadata)


async def stable_offsets(
    coordinator: Any, tps: Iterable[TopicPartition], go_on: Callable[[], bool]
) -> tuple[Committed, int]:
    """Committed offsets (None: none yet), and how often the answer was "undecided".

    Waits while a transaction that carries an offset of these partitions is open: a former owner's, which may
    still commit. Starting before it is decided would process its events a second time. Afterwards no older
    generation can commit, because the coordinator refuses its members.
    """
    undecided = 0
    while go_on():
        await coordinator.ensure_coordinator_known()
        try:
            committed, errors = await _fetch(coordinator, tps, require_stable=True)
        except KafkaError:
            await asyncio.sleep(_NOT_REACHABLE_S)
            continue
        if not errors:
            return committed, undecided
        if errors & _FIND_COORDINATOR_AGAIN:
            coordinator.coordinator_dead()
        elif not errors <= _RETRY:
            raise KafkaError(f"OffsetFetch failed: {sorted(errors)}")
        if p.UNSTABLE_OFFSET_COMMIT in errors:
            if not undecided:
                log.info("waiting for the transaction of a former owner to be decided")
            undecided += 1
        await asyncio.sleep(_POLL_S)
    raise Superseded("gave up waiting for stable offsets")


async def committed_offsets(kafka: Any, tps: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """What the group has committed as of now, whoever owns the partitions. Runs in the consumer thread."""
    coordinator = private.group_coordinator_of(kafka)
    await coordinator.ensure_coordinator_known()
    committed, errors = await _fetch(coordinator, tps, require_stable=False)
    if errors:
        raise KafkaError(f"OffsetFetch failed: {sorted(errors)}")
    return {tp: at for tp, at in committed.items() if at is not None}


async def _fetch(
    coordinator: Any, tps: Iterable[TopicPartition], require_stable: bool
) -> tuple[Committed, set[int]]:
    topics = by_topic((tp.topic, tp.partition) for tp in tps)
    asked = [(topic, partitions, p.NO_TAGS) for topic, partitions in topics.items()]
    request = p.OffsetFetchRequest(coordinator.group_id, asked, require_stable, p.NO_TAGS)
    response = await private.coordinator_request(coordinator, request)
    rows = [
        (TopicPartition(topic, partition), offset, metadata, code)
        for topic, partitions, _ in response.topics
        for partition, offset, _, metadata, code, _ in partitions
    ]
    errors = ({code for *_, code in rows} | {response.error_code}) - {p.NO_ERROR}
    return Committed((tp, offset, metadata or "") for tp, offset, metadata, _ in rows), errors
