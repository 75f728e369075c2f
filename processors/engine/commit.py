"""The order of effects of one batch, all in one place::

    1. begin                  local only
    2. send                   outputs and changelog records, all partitions; group and partitions are added to
                              the transaction first (see :mod:`.kafka.transaction`)
    3. wait for every ack     all must be seen: ending a transaction does not look at failed sends
    4. offsets                under the generation that read the events: the fence. Refused: abort, drop all
    5. end                    the batch has happened, whoever owns the partitions now
    6. local stores           values and changelog position, in memory first

A death before 5 leaves an open transaction, which the next start with the same transactional id (or the
broker, after ``transaction_timeout_s``) aborts; nobody reads it. A death after 5 leaves stores that lag;
restore reads the rest from the changelog. A freeze between 4 and 5 lets a new owner wait for the outcome
before it starts.
"""

import asyncio
from collections.abc import Callable, Mapping

from aiokafka.errors import ProducerFenced
from aiokafka.structs import TopicPartition

from processors.engine.effects import Effects
from processors.engine.errors import Refused, Superseded, Unexpected
from processors.engine.group import GroupMember
from processors.engine.producer import FencedGeneration, Fields, Producer
from processors.engine.steps import OnStep, Step
from processors.engine.stores import Place, Store

_NO_HEADERS: list[tuple[str, bytes]] = []


async def commit(
    effects: Effects,
    member: GroupMember,
    stores: Mapping[Place, Store],
    changelogs: Mapping[str, str],
    producer: Producer,
    is_current: Callable[[], bool],
    on_step: OnStep,
) -> None:
    """Make the effects true, in one transaction on behalf of ``member``, and store the states.

    ``changelogs``: topic per table. Requests are repeated until they are answered: the caller bounds that.
    Raises :class:`Superseded` if the batch did not happen, or if it did but the stores are somebody else's by
    now: either way the generation must begin anew. After :class:`Unexpected`, or an error of the producer,
    the process has to end.
    """
    last_offsets = await _transact(effects, member, _records(effects, changelogs), producer, on_step)
    for (table, partition), write in effects.states.items():
        # A store that was revoked meanwhile is closed, or open again for a later generation's restore.
        if not is_current():
            raise Superseded("committed, but the generation ended before the local write")
        store = stores[table, partition]
        if write.items:
            position = last_offsets[TopicPartition(changelogs[table], partition)]
            store.write(write.items, position, effects.now_ms, write.spent)
        else:
            store.spend(write.spent)
        on_step(Step.STORED)


async def _transact(
    effects: Effects,
    member: GroupMember,
    records: Mapping[TopicPartition, list[Fields]],
    producer: Producer,
    on_step: OnStep,
) -> dict[TopicPartition, int]:
    """Offset of the last record of each partition. Raises :class:`Refused`: all of it is aborted."""
    producer.begin(member)
    try:
        if records or effects.offsets:
            await producer.add(records.keys())
        on_step(Step.BEGUN)
        sending = asyncio.ensure_future(producer.send(records))
        await asyncio.sleep(0)  # the first request is on its way
        on_step(Step.SENT)
        last_offsets = await sending
        on_step(Step.PRODUCED)
        try:
            if effects.offsets:
                await producer.commit_offsets(effects.offsets, effects.metadata)
        except FencedGeneration as fenced:
            await producer.abort()
            raise Refused(str(fenced)) from fenced
        on_step(Step.OFFSETS)
        await producer.commit()
    except ProducerFenced as exc:
        raise Unexpected(
            "the transaction took longer than its timeout and was aborted by the broker, or another"
            f" process runs under our instance id {member.instance_id!r}"
        ) from exc
    on_step(Step.ENDED)
    return last_offsets


def _records(effects: Effects, changelogs: Mapping[str, str]) -> dict[TopicPartition, list[Fields]]:
    """All that is to be produced. Outputs of a topic that is also a changelog do not exist."""
    now_ms = effects.now_ms
    records = {
        TopicPartition(*place): [
            (
                one.key,
                one.value,
                list(one.headers) if one.headers else _NO_HEADERS,
                now_ms if one.timestamp_ms is None else one.timestamp_ms,
            )
            for one in outputs
        ]
        for place, outputs in effects.outputs.items()
    }
    for (table, partition), write in effects.states.items():
        if write.items:
            changelog = TopicPartition(changelogs[table], partition)
            records[changelog] = [(key, value, _NO_HEADERS, now_ms) for key, value in write.items.items()]
    return records
