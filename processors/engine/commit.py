"""The order of effects of one batch, all in one place::

    1. begin                  local only
    2. send                   outputs and changelog records, all partitions; group and partitions are added to
                              the transaction first (see :mod:`.transaction`)
    3. wait for every ack     all must be seen: ending a transaction does not look at failed sends
    4. offsets                under the generation that read the events: the fence. Refused: abort, drop all
    5. end                    from here on the batch is history, whoever owns the partitions now
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

from processors.engine.batch import Effects
from processors.engine.errors import Refused, Superseded, Unexpected
from processors.engine.kafka.transaction import FencedGeneration, Fields, GroupMember, TransactionalProducer
from processors.engine.steps import OnStep, Step
from processors.engine.stores import StateStore

_NO_HEADERS: list[tuple[str, bytes]] = []


class Transactor:
    """Makes the effects of batches true, one batch at a time."""

    def __init__(
        self, changelog: Mapping[str, str], producer: TransactionalProducer, on_step: OnStep
    ) -> None:
        """``changelog``: topic per table."""
        self._changelog = changelog
        self._producer = producer
        self._on_step = on_step

    async def run(
        self,
        effects: Effects,
        member: GroupMember,
        stores: Mapping[tuple[str, int], StateStore],
        is_current: Callable[[], bool],
    ) -> None:
        """Commit the batch and store its states. Raises :class:`Superseded` if it did not happen.

        ...or if it happened but the stores are somebody else's by now: either way the generation must begin
        anew.
        """
        producer, on_step = self._producer, self._on_step
        records = self._records(effects)
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
        for (table, partition), write in effects.states.items():
            # A store that was revoked meanwhile is closed, or open again for a later generation's restore.
            if not is_current():
                raise Superseded("committed, but the generation ended before the local write")
            store = stores[table, partition]
            if write.items:
                position = last_offsets[TopicPartition(self._changelog[table], partition)]
                store.write(write.items, position, effects.now_ms, write.spent)
            else:
                store.spend(write.spent)
            on_step(Step.STORED)

    def _records(self, effects: Effects) -> dict[TopicPartition, list[Fields]]:
        """All that is to be produced. Outputs of a topic that is also a changelog do not exist."""
        now_ms = effects.now_ms
        records = {
            TopicPartition(*place): [
                (key, value, list(headers) if headers else _NO_HEADERS, now_ms if at is None else at)
                for _, key, value, headers, at in outputs
            ]
            for place, outputs in effects.outputs.items()
        }
        for (table, partition), write in effects.states.items():
            if write.items:
                changelog = TopicPartition(self._changelog[table], partition)
                records[changelog] = [(key, value, _NO_HEADERS, now_ms) for key, value in write.items.items()]
        return records
