"""A transactional producer for consume-transform-produce, fenced by the consumer group.

It speaks the classic protocol of KIP-98 with the group's fence of KIP-447, which every broker since Kafka 2.5
knows. The order of requests is fixed:

1. AddOffsetsToTxn and AddPartitionsToTxn, one behind the other on one connection, before anything is
   produced. While the coordinator writes a transition, the broker's verification of a Produce (KIP-890) fails
   and is answered with a misleading NOT_ENOUGH_REPLICAS.
2. Produce, one record batch per partition and request.
3. TxnOffsetCommit under the (generation, member) that read the events, after all acknowledgements, for the
   same reason. A former owner gets ILLEGAL_GENERATION or UNKNOWN_MEMBER_ID.
4. EndTxn.

Every request is repeated as it is until it is answered: the coordinator takes each of them twice without
harm, and the broker knows a repeated record batch by its sequence number. What bounds the repetition is the
caller's deadline.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Container, Coroutine, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import errors
from aiokafka.client import ConnectionGroup, CoordinationType
from aiokafka.errors import KafkaError, OffsetMetadataTooLargeError, ProducerFenced
from aiokafka.structs import TopicPartition

from processors.engine.group import GroupMember
from processors.engine.kafka import protocol as p
from processors.engine.kafka import wire
from processors.engine.kafka.packing import CODECS, pack
from processors.engine.kafka.retrying import Again, names_of, telling
from processors.engine.producer import FencedGeneration, Fields
from processors.kafka.connection import KafkaConnection

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_BACKOFF_S = 0.1
_METADATA_S = 1.0
#: The markers of the previous transaction are still being written.
_CONCURRENT_BACKOFF_S = 0.003
_SEQUENCES = 1 << 31

_FENCED_GROUP = {p.ILLEGAL_GENERATION, p.UNKNOWN_MEMBER_ID, p.REBALANCE_IN_PROGRESS, p.FENCED_INSTANCE_ID}
_FENCED_PRODUCER = {p.INVALID_PRODUCER_EPOCH, p.PRODUCER_FENCED}
_REFUSED = {
    errors.TopicAuthorizationFailedError.errno,
    errors.GroupAuthorizationFailedError.errno,
    errors.TransactionalIdAuthorizationFailed.errno,
    errors.InvalidTransactionTimeout.errno,
}
_FIND_COORDINATOR_AGAIN = {p.REQUEST_TIMED_OUT, p.COORDINATOR_NOT_AVAILABLE, p.NOT_COORDINATOR}
_RETRY = {
    *_FIND_COORDINATOR_AGAIN,
    p.UNKNOWN_TOPIC_OR_PARTITION,
    p.COORDINATOR_LOAD_IN_PROGRESS,
    p.CONCURRENT_TRANSACTIONS,
    p.OPERATION_NOT_ATTEMPTED,
}


def by_topic(rows: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    """Group (topic, x) pairs the way Kafka requests want them."""
    topics: dict[str, list[Any]] = defaultdict(list)
    for topic, row in rows:
        topics[topic].append(row)
    return topics


class TransactionalProducer:
    """A :class:`.producer.Producer` on aiokafka's connections. In the loop that it was made in."""

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        transactional_id: str,
        transaction_timeout_ms: int,
        topics: Iterable[str] = (),
        request_timeout_ms: int = 10_000,
        max_batch_size: int = 512 << 10,
        compression_type: str | None = None,
        published: Container[str] = (),
        again: Again | None = None,
        **options: Any,
    ) -> None:
        """``topics``: whose leaders to know before the first transaction. ``max_batch_size``: bytes before
        compression. ``published``: topics that others read, whose batches are in gzip. ``options``: of
        ``AIOKafkaClient``.
        """
        self.client = connection.client(request_timeout_ms=request_timeout_ms, **options)
        self._name = transactional_id
        self._topics = frozenset(topics)
        self._transaction_timeout_ms = transaction_timeout_ms
        self._request_timeout_ms = request_timeout_ms
        self._max_batch_size = max_batch_size
        self._codec = CODECS[compression_type]
        self._published = published
        self._again = again or telling()
        self._coordinators: dict[CoordinationType, int] = {}
        #: Id and epoch.
        self._producer = (-1, -1)
        #: Of the next record, per partition.
        self._sequences: defaultdict[TopicPartition, int] = defaultdict(int)
        self._member: GroupMember | None = None
        self._open = False

    # --- life

    async def start(self) -> None:
        """Connect, and abort what a former producer of this name left open."""
        await self.client.bootstrap()
        if self._topics:
            await asyncio.wait([self.client.set_topics(self._topics)], timeout=_METADATA_S)
        request = wire.init_producer_id(self._name, self._transaction_timeout_ms)
        while True:
            body = await self._ask(CoordinationType.TRANSACTION, self._name, request)
            error, producer = wire.initialised(body)
            if not error:
                self._producer = producer
                self._sequences.clear()
                return
            await self._pause({error}, CoordinationType.TRANSACTION)

    async def stop(self) -> None:
        """Close the connections. An open transaction stays open until it times out."""
        await self.client.close()

    async def flush(self) -> None:
        """For Faust; nothing is ever left over."""

    # --- a transaction

    def begin(self, member: GroupMember) -> None:
        """See :class:`.producer.Producer`."""
        self._member = member

    async def add(self, partitions: Collection[TopicPartition]) -> None:
        """See :class:`.producer.Producer`."""
        self._open = True
        requests = [(wire.add_offsets(self._name, self._producer, self._group.group_id), wire.error_of)]
        if partitions:
            topics = by_topic((tp.topic, tp.partition) for tp in partitions)
            added = wire.add_partitions(self._name, self._producer, topics)
            requests.append((added, wire.errors_of_partitions))
        await self._transact(CoordinationType.TRANSACTION, self._name, requests)

    async def send(self, records: Mapping[TopicPartition, Sequence[Fields]]) -> dict[TopicPartition, int]:
        """See :class:`.producer.Producer`."""
        last: dict[TopicPartition, int] = {}
        begins = {tp: 0 for tp, of_partition in records.items() if of_partition}
        while begins:
            batches: dict[TopicPartition, bytes] = {}
            counts: dict[TopicPartition, int] = {}
            for tp, begin in begins.items():
                batches[tp], counts[tp] = self._pack(tp, records[tp], begin)
            for tp, offset in (await self._produce(batches)).items():
                last[tp] = offset + counts[tp] - 1
            ends = {tp: begin + counts[tp] for tp, begin in begins.items()}
            begins = {tp: end for tp, end in ends.items() if end < len(records[tp])}
        return last

    async def commit_offsets(
        self, offsets: Mapping[TopicPartition, int], metadata: Mapping[TopicPartition, str] | None = None
    ) -> None:
        """See :class:`.producer.Producer`."""
        topics = by_topic((tp.topic, (tp.partition, offset)) for tp, offset in sorted(offsets.items()))
        request = wire.commit_offsets(self._name, self._producer, self._group, topics, metadata or {})
        group_id, asked = self._group.group_id, [(request, wire.errors_of_offsets)]
        try:
            await self._transact(CoordinationType.GROUP, group_id, asked)
        except OffsetMetadataTooLargeError:
            log.error(
                "records that ended a worker are not remembered: set the broker's offset.metadata.max.bytes"
                " to 4096, as it is by default"
            )
            await self.commit_offsets(offsets)

    async def commit(self) -> None:
        """See :class:`.producer.Producer`."""
        await self._end(commit=True)

    async def abort(self) -> None:
        """See :class:`.producer.Producer`."""
        await self._end(commit=False)

    async def _end(self, *, commit: bool) -> None:
        if self._open:
            request = wire.end(self._name, self._producer, commit=commit)
            await self._transact(CoordinationType.TRANSACTION, self._name, [(request, wire.error_of)])
        self._open = False

    @property
    def _group(self) -> GroupMember:
        if self._member is None:
            raise RuntimeError("no transaction has begun")
        return self._member

    # --- coordinators

    async def _transact(
        self, kind: CoordinationType, key: str, requests: Sequence[tuple[wire.Request, wire.Errors]]
    ) -> None:
        """Send the requests at once, and all of them again until all have worked."""
        while True:
            answers = await _together([self._ask(kind, key, request) for request, _ in requests])
            found = [errors_of(body) for body, (_, errors_of) in zip(answers, requests, strict=True)]
            codes = set[int]().union(*found)
            if not codes:
                return
            await self._pause(codes, kind)

    async def _ask(self, kind: CoordinationType, key: str, request: wire.Request) -> bytes:
        while True:
            try:
                node = await self._coordinator(kind, key)
                body: bytes = await self.client.send(node, request, group=ConnectionGroup.COORDINATION)
            except KafkaError as exc:
                if getattr(exc, "errno", None) in _REFUSED:
                    raise type(exc)(key) from exc
                if not exc.retriable:
                    raise
                self._again(request, exc)
                self._coordinators.pop(kind, None)
                self.client.force_metadata_update()
                await asyncio.sleep(_BACKOFF_S)
            else:
                return body

    async def _coordinator(self, kind: CoordinationType, key: str) -> int:
        node = self._coordinators.get(kind)
        if node is None:
            node = self._coordinators[kind] = await self.client.coordinator_lookup(kind, key)
        return node

    async def _pause(self, codes: set[int], kind: CoordinationType) -> None:
        """Before the next attempt. Raises if there should be none."""
        if codes & _FENCED_GROUP:
            raise FencedGeneration(f"offset commit refused: {names_of(codes)}")
        if codes & _FENCED_PRODUCER:
            raise ProducerFenced
        if p.OFFSET_METADATA_TOO_LARGE in codes:
            raise OffsetMetadataTooLargeError
        if refused := codes & _REFUSED:
            raise errors.for_code(refused.pop())(self._name)
        if not codes <= _RETRY:
            raise KafkaError(f"the transaction's coordinator answered {names_of(codes)}")
        if codes <= {p.CONCURRENT_TRANSACTIONS, p.OPERATION_NOT_ATTEMPTED}:
            await asyncio.sleep(_CONCURRENT_BACKOFF_S)
            return
        self._again(f"to the coordinator of the {kind.name.lower()}", codes)
        if codes & _FIND_COORDINATOR_AGAIN:
            self._coordinators.pop(kind, None)
        await asyncio.sleep(_BACKOFF_S)

    # --- records

    def _pack(self, tp: TopicPartition, records: Sequence[Fields], start: int) -> tuple[bytes, int]:
        """One record batch of as many records as its size allows, and their number."""
        sequence = self._sequences[tp]
        codec = CODECS["gzip"] if tp.topic in self._published else self._codec
        left = records[start:] if start else records
        batch, count = pack(left, codec, self._producer, sequence, self._max_batch_size)
        self._sequences[tp] = (sequence + count) % _SEQUENCES
        return batch, count

    async def _produce(self, batches: Mapping[TopicPartition, bytes]) -> dict[TopicPartition, int]:
        """First offset of each. Leaders are asked at the same time, as often as it takes."""
        offsets: dict[TopicPartition, int] = {}
        left = dict(batches)
        while left:
            nodes: dict[int, dict[TopicPartition, bytes]] = defaultdict(dict)
            for tp, batch in left.items():
                nodes[await self._leader(tp)][tp] = batch
            answers = await _together([self._produce_to(node, sent) for node, sent in nodes.items()])
            for answer in answers:
                offsets.update(answer)
            left = {tp: batch for tp, batch in left.items() if tp not in offsets}
            if left:
                await self._look_around()
        return offsets

    async def _leader(self, tp: TopicPartition) -> int:
        while True:
            node: int | None = self.client.cluster.leader_for_partition(tp)
            if node is not None and node >= 0:
                return node
            log.info("looking for a leader", extra={"topic": tp.topic, "partition": tp.partition})
            self.client.add_topic(tp.topic)
            await self._look_around()

    async def _look_around(self) -> None:
        """Fresh metadata, and a pause. If there are none, the next attempt finds out."""
        await asyncio.wait([self.client.force_metadata_update()], timeout=_METADATA_S)
        await asyncio.sleep(_BACKOFF_S)

    async def _produce_to(
        self, node: int, batches: Mapping[TopicPartition, bytes]
    ) -> dict[TopicPartition, int]:
        """First offset of those that are written; the others may be tried again."""
        topics: dict[str, dict[int, bytes]] = defaultdict(dict)
        for tp, batch in batches.items():
            topics[tp.topic][tp.partition] = batch
        request = wire.produce(self._name, self._request_timeout_ms, topics)
        try:
            answers = wire.produced(await self.client.send(node, request))
        except KafkaError as exc:
            if not exc.retriable:
                raise
            self._again(request, exc)
            return {}
        codes = {answer.error for answer in answers.values()}
        if codes & _FENCED_PRODUCER:
            raise ProducerFenced
        for tp in batches:
            code = answers[tp].error
            if code in _REFUSED:
                raise errors.for_code(code)(tp.topic)
            if code and not errors.for_code(code).retriable:
                raise KafkaError(f"{len(batches[tp])} bytes for {tp} were refused: {names_of({code})}")
        if codes - {p.NO_ERROR}:
            self._again(request, codes - {p.NO_ERROR})
        return {tp: answers[tp].offset for tp in batches if not answers[tp].error}


async def _together(calls: Sequence[Coroutine[Any, Any, _T]]) -> Sequence[_T]:
    """At the same time; of one alone no task is made: it is on its way at once."""
    return [await calls[0]] if len(calls) == 1 else await asyncio.gather(*calls)
