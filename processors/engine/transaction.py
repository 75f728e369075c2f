# ruff: noqa: SLF001 - subclasses of aiokafka's producer internals; the names are listed in private.py
"""aiokafka's transactional producer, made fit for consume-transform-produce fenced by the consumer group.

Four things differ from stock aiokafka 0.14:

* Offsets are committed under the (generation, member) that read the events. A former owner gets
  ILLEGAL_GENERATION or UNKNOWN_MEMBER_ID and :class:`FencedGeneration` is raised; the transaction stays open
  and *abortable*. (aiokafka's ``error_transaction()`` forgets the partitions: abort then sends no EndTxn, and
  the next commit would commit the refused records. It is never called here.)
* The group is added to the transaction before the partitions, hence before any Produce. While the coordinator
  writes a transition, the broker's verification of a concurrent Produce (KIP-890) fails and is answered with
  a misleading NOT_ENOUGH_REPLICAS: 100 ms lost.
* Offsets must be sent after all produce acks, for the same reason; the caller sees to that. It must see every
  ack anyway: ``commit_transaction()`` commits although a send has failed.
* The back-off on CONCURRENT_TRANSACTIONS (the markers of the previous transaction are still being written) is
  3 ms instead of 20 and 100.
"""

from asyncio import Future
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.client import CoordinationType
from aiokafka.errors import KafkaError, ProducerFenced
from aiokafka.producer import sender as stock
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from processors.engine import protocol as p

_CONCURRENT_BACKOFF_S = 0.003
stock.BACKOFF_OVERRIDE = _CONCURRENT_BACKOFF_S

_FENCED_GROUP = {p.ILLEGAL_GENERATION, p.UNKNOWN_MEMBER_ID, p.REBALANCE_IN_PROGRESS, p.FENCED_INSTANCE_ID}
_FENCED_PRODUCER = {p.INVALID_PRODUCER_EPOCH, p.PRODUCER_FENCED}
_FIND_COORDINATOR_AGAIN = {p.REQUEST_TIMED_OUT, p.COORDINATOR_NOT_AVAILABLE, p.NOT_COORDINATOR}
_RETRY = {p.UNKNOWN_TOPIC_OR_PARTITION, p.COORDINATOR_LOAD_IN_PROGRESS, p.CONCURRENT_TRANSACTIONS}


class FencedGeneration(KafkaError):  # type: ignore[misc]
    """The coordinator refused our (member, generation): abort; the events belong to somebody else."""


class GroupMember(NamedTuple):
    """On whose behalf offsets are committed."""

    group_id: str
    generation: int
    member_id: str
    instance_id: str | None


def by_topic(rows: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    """Group (topic, x) pairs the way Kafka requests want them."""
    topics: dict[str, list[Any]] = defaultdict(list)
    for topic, row in rows:
        topics[topic].append(row)
    return topics


class _CommitOffsets(stock.TxnOffsetCommitHandler):  # type: ignore[misc]
    def create_request(self) -> p.TxnOffsetCommitRequest:
        manager, member = self._sender._txn_manager, self._sender.member
        rows = by_topic(
            (tp.topic, (tp.partition, offset.offset, -1, offset.metadata, p.NO_TAGS))
            for tp, offset in sorted(self._offsets.items())
        )
        return p.TxnOffsetCommitRequest(
            manager.transactional_id,
            member.group_id,
            manager.producer_id,
            manager.producer_epoch,
            member.generation,
            member.member_id,
            member.instance_id,
            [(topic, partitions, p.NO_TAGS) for topic, partitions in rows.items()],
            p.NO_TAGS,
        )

    def handle_response(self, response: Any) -> float | None:
        """None: done. Else the back-off before the next attempt."""
        manager = self._sender._txn_manager
        codes = {
            TopicPartition(topic, partition): code
            for topic, partitions, _ in response.topics
            for partition, code, _ in partitions
        }
        errors = set(codes.values()) - {p.NO_ERROR}
        if errors & _FENCED_GROUP:
            refused: Future[None] = manager._pending_txn_offsets.popleft()[2]
            refused.set_exception(FencedGeneration(f"offset commit refused: {sorted(errors)}"))
            return None
        if errors & _FENCED_PRODUCER:
            raise ProducerFenced
        for tp, code in codes.items():
            if code == p.NO_ERROR:
                manager.offset_committed(tp, self._offsets[tp].offset, self._group_id)
        if not errors:
            return None
        if errors & _FIND_COORDINATOR_AGAIN:
            self._sender._coordinator_dead(CoordinationType.GROUP)
        elif not errors <= _RETRY:
            raise KafkaError(f"TxnOffsetCommit failed: {sorted(errors)}")
        backoff: float = self._default_backoff
        return _CONCURRENT_BACKOFF_S if errors == {p.CONCURRENT_TRANSACTIONS} else backoff


class _AddGroup(stock.AddOffsetsToTxnHandler):  # type: ignore[misc]
    def handle_response(self, response: Any) -> float | None:
        if response.error_code == p.CONCURRENT_TRANSACTIONS:
            return _CONCURRENT_BACKOFF_S
        backoff: float | None = super().handle_response(response)
        return backoff


class _Sender(stock.Sender):  # type: ignore[misc]
    member: GroupMember

    def _maybe_do_transactional_request(self) -> Any:
        manager = self._txn_manager
        if (
            manager.is_in_transaction()
            and manager._txn_consumer_group is None
            and (manager._pending_txn_partitions or manager._pending_txn_offsets)
        ):
            return stock.create_task(self._do_add_offsets_to_txn(self.member.group_id))
        return super()._maybe_do_transactional_request()

    async def _do_add_offsets_to_txn(self, group_id: str) -> bool:
        node = await self._find_coordinator(CoordinationType.TRANSACTION, self._txn_manager.transactional_id)
        return bool(await _AddGroup(self, group_id).do(node))

    async def _do_txn_offset_commit(self, offsets: Any, group_id: str) -> None:
        node = await self._find_coordinator(CoordinationType.GROUP, group_id)
        await _CommitOffsets(self, offsets, group_id).do(node)


class TransactionalProducer(AIOKafkaProducer):  # type: ignore[misc]
    """``begin``, any number of ``send_batch``, await their acks, ``commit_offsets``, ``commit_transaction``.

    After :class:`FencedGeneration` the only legal call is ``abort_transaction``. After anything else the
    producer is not usable: let the process die, its successor aborts what is open.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._sender = _Sender(
            self.client,
            acks=-1,
            txn_manager=self._txn_manager,
            message_accumulator=self._message_accumulator,
            retry_backoff_ms=settings.get("retry_backoff_ms", 100),
            request_timeout_ms=self._request_timeout_ms,
        )

    async def begin(self, member: GroupMember) -> None:
        """Start a transaction whose offsets will be committed on behalf of ``member``."""
        self._sender.member = member
        await self.begin_transaction()

    def commit_offsets(self, offsets: Mapping[TopicPartition, int]) -> "Future[None]":
        """Next offsets to read, as part of the transaction. Call it after every produce ack."""
        future: Future[None] = self._txn_manager.add_offsets_to_txn(
            {tp: OffsetAndMetadata(offset, "") for tp, offset in offsets.items()},
            self._sender.member.group_id,
        )
        return future
