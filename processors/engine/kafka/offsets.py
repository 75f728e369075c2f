"""Committed offsets of the group: where a generation starts, and how far its other members have come."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Set
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from processors.engine.errors import Superseded
from processors.engine.group import StartOffsets
from processors.engine.kafka import private, wire
from processors.engine.kafka import protocol as p
from processors.engine.kafka.transaction import by_topic

log = logging.getLogger(__name__)

_FIND_COORDINATOR_AGAIN = {p.COORDINATOR_NOT_AVAILABLE, p.NOT_COORDINATOR}
_RETRY = {p.UNSTABLE_OFFSET_COMMIT, p.COORDINATOR_LOAD_IN_PROGRESS, p.UNKNOWN_TOPIC_OR_PARTITION}
_POLL_S = 0.05
_NOT_REACHABLE_S = 0.2

Committed = dict[TopicPartition, wire.FetchedOffset]


async def start_offsets(kafka: Any, tps: Set[TopicPartition], go_on: Callable[[], bool]) -> StartOffsets:
    """Stable committed offsets, else the beginning of the log. Runs in the consumer thread."""
    if not tps:
        return StartOffsets({}, {}, 0, 0, {})
    committed, waits = await stable_offsets(private.group_coordinator_of(kafka), tps, go_on)
    begins = await kafka.beginning_offsets(list(tps))
    offsets = {tp: max(known.offset, begins[tp]) for tp, known in committed.items()}
    moved = {tp: at for tp, at in offsets.items() if at != committed[tp].offset}
    lost = sum(at - was for tp, at in moved.items() if (was := committed[tp].offset) >= 0)
    metadata = {tp: known.metadata for tp, known in committed.items() if known.metadata}
    return StartOffsets(offsets, moved, waits, lost, metadata)


async def stable_offsets(
    coordinator: Any, tps: Iterable[TopicPartition], go_on: Callable[[], bool]
) -> tuple[Committed, int]:
    """Committed offsets, and how often the answer was "undecided".

    Waits while a transaction that carries an offset of these partitions is open: a former owner's, which may
    still commit. Starting before it is decided would process its events a second time. Afterwards no older
    generation can commit, because the coordinator refuses its members.
    """
    undecided = 0
    while go_on():
        await coordinator.ensure_coordinator_known()
        try:
            committed, errors = await _fetch(coordinator, tps, stable=True)
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
    committed, errors = await _fetch(coordinator, tps, stable=False)
    if errors:
        raise KafkaError(f"OffsetFetch failed: {sorted(errors)}")
    return {tp: known.offset for tp, known in committed.items() if known.offset >= 0}


async def _fetch(
    coordinator: Any, tps: Iterable[TopicPartition], *, stable: bool
) -> tuple[Committed, set[int]]:
    """And the error codes in the answer."""
    topics = by_topic((tp.topic, tp.partition) for tp in tps)
    request = wire.fetch_offsets(coordinator.group_id, topics, stable=stable)
    code, found = wire.fetched_offsets(await private.coordinator_request(coordinator, request))
    committed = {TopicPartition(*place): known for place, known in found.items()}
    return committed, ({known.error for known in found.values()} | {code}) - {p.NO_ERROR}
