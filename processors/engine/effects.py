"""The order of effects of one batch, all in one place::

    1. begin                  local only
    2. send                   outputs and changelog records, all partitions; group and partitions are added to
                              the transaction first (see :mod:`.transaction`)
    3. wait for every ack     all must be seen: ending a transaction does not look at failed sends
    4. offsets                under the generation that read the events: the fence. Refused: abort, drop all
    5. end                    from here on the batch is history, whoever owns the partitions now
    6. local stores           values and changelog position in one write each

A death before 5 leaves an open transaction, which the next start with the same transactional id (or the
broker, after ``transaction_timeout_s``) aborts; nobody reads it. A death after 5 leaves stores that lag;
restore reads the rest from the changelog. A freeze between 4 and 5 lets a new owner wait for the outcome
before it starts.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka.errors import ProducerFenced

from processors.engine.batch import Effects
from processors.engine.errors import Refused, Superseded, Unexpected
from processors.engine.processor import Output
from processors.engine.steps import OnStep, Step
from processors.engine.store import PartitionStore
from processors.engine.transaction import FencedGeneration, GroupMember, TransactionalProducer

_NO_HEADERS: list[tuple[str, bytes]] = []
_Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes]], int | None]
#: Future of the broker's answer to a record batch, and the number of records in it.
_Ack = tuple[Any, int]


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
        stores: Mapping[tuple[str, int], PartitionStore],
        is_current: Callable[[], bool],
    ) -> None:
        """Commit the batch and store its states. Raises :class:`Superseded` if it did not happen.

        ...or if it happened but the stores are somebody else's by now: either way the generation must begin
        anew.
        """
        producer, on_step, changelog = self._producer, self._on_step, self._changelog
        await producer.begin(member)
        on_step(Step.BEGUN)
        try:
            acks = [
                await self._send(*place, effects.now_ms, _fields(outputs))
                for place, outputs in effects.outputs.items()
            ]
            for (table, partition), write in effects.states.items():
                records = [(key, value, _NO_HEADERS, None) for key, value in write.items.items()]
                acks.append(await self._send(changelog[table], partition, effects.now_ms, records))
            on_step(Step.SENT)
            ends: dict[tuple[str, int], int] = {}
            for batches in acks:
                for ack, count in batches:
                    sent = await ack
                    ends[sent.topic, sent.partition] = sent.offset + count - 1
            on_step(Step.PRODUCED)
            if effects.offsets:
                await producer.commit_offsets(effects.offsets)
            on_step(Step.OFFSETS)
            await producer.commit_transaction()
        except ProducerFenced as exc:
            raise Unexpected(
                "the transaction took longer than its timeout and was aborted by the broker, or another"
                f" process runs under our instance id {member.instance_id!r}"
            ) from exc
        except FencedGeneration as fenced:
            await producer.abort_transaction()
            raise Refused(str(fenced)) from fenced
        on_step(Step.ENDED)
        for (table, partition), write in effects.states.items():
            # A store that was revoked meanwhile is closed, or open again for a later generation's restore.
            if not is_current():
                raise Superseded("committed, but the generation ended before the local write")
            store = stores[table, partition]
            if write.items:
                position = ends[changelog[table], partition]
                store.write(write.items, position, effects.now_ms, write.spent)
            else:
                store.spend(write.spent)
            on_step(Step.STORED)

    async def _send(self, topic: str, partition: int, now_ms: int, records: Sequence[_Record]) -> list[_Ack]:
        """Hand the records to the producer, in as few record batches as their size allows."""
        producer, acks, done = self._producer, [], 0
        while done < len(records):
            batch = producer.create_batch()
            append, count = batch.append, 0
            for key, value, headers, timestamp in records[done:] if done else records:
                at = now_ms if timestamp is None else timestamp
                if append(timestamp=at, key=key, value=value, headers=headers) is None:
                    break
                count += 1
            if count == 0:
                size = len(records[done][1] or b"")
                raise Unexpected(f"a record of {size} bytes for {topic} does not fit into a batch")
            acks.append((await producer.send_batch(batch, topic, partition=partition), count))
            self._on_step(Step.QUEUED)
            done += count
        return acks


def _fields(outputs: Sequence[Output]) -> list[_Record]:
    return [
        (key, value, list(headers) if headers else _NO_HEADERS, timestamp)
        for _, key, value, headers, timestamp in outputs
    ]
