"""What the group coordinator promises us, and what it does not promise stock aiokafka."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from processors.clock import epoch_ms
from processors.engine.group import GroupMember
from processors.engine.kafka import private
from processors.engine.kafka.offsets import stable_offsets
from processors.engine.kafka.transaction import TransactionalProducer
from processors.engine.producer import FencedGeneration
from processors.kafka.connection import KafkaConnection
from tests.engine.harness import Site

pytestmark = pytest.mark.integration


@dataclass
class Group:
    """A consumer that is a member, and a producer in its name."""

    site: Site
    consumer: Any
    producer: TransactionalProducer
    tp: TopicPartition

    def member(self, generation: int = 0, member_id: str | None = None) -> GroupMember:
        """Ourselves, or somebody like us."""
        current, own = private.member(self.consumer)
        return GroupMember(self.site.names.prefix, current + generation, member_id or own, None)

    async def transact(self, value: bytes, offset: int, member: GroupMember) -> None:
        """One batch: a record and an offset."""
        out = TopicPartition(self.site.names("out"), 0)
        self.producer.begin(member)
        await self.producer.add([out])
        await self.producer.send({out: [(None, value, [], epoch_ms())]})
        await self.producer.commit_offsets({self.tp: offset})
        await self.producer.commit()

    async def committed(self) -> int | None:
        """Once it is decided: a commit is answered before its markers are written."""
        coordinator = private.group_coordinator_of(self.consumer)
        offsets, _ = await stable_offsets(coordinator, [self.tp], lambda: True)
        committed = offsets[self.tp].offset
        return None if committed < 0 else committed

    def written(self) -> list[bytes]:
        return [message.value() for message in self.site.read("out")]


@pytest.fixture
async def group(site: Site) -> AsyncIterator[Group]:
    site.create("in", "out", partitions=1)
    consumer = AIOKafkaConsumer(
        site.names("in"),
        bootstrap_servers=site.bootstrap,
        group_id=site.names.prefix,
        enable_auto_commit=False,
        session_timeout_ms=6000,
    )
    producer = TransactionalProducer(
        KafkaConnection(bootstrap=site.bootstrap),
        transactional_id=site.names.prefix,
        transaction_timeout_ms=10_000,
    )
    await consumer.start()
    await producer.start()
    await consumer.getmany(timeout_ms=10)  # waits for the assignment
    assert consumer.assignment()
    yield Group(site, consumer, producer, TopicPartition(site.names("in"), 0))
    await producer.stop()
    await consumer.stop()


async def test_former_owners_are_refused(group: Group) -> None:
    """Another generation (22), an unknown member (25): nothing moves, nothing is read, and we can go on."""
    await group.transact(b"ours", 1, group.member())
    for stranger in (group.member(generation=-1), group.member(member_id="nobody")):
        with pytest.raises(FencedGeneration, match=r"22|25"):
            await group.transact(b"theirs", 99, stranger)
        await group.producer.abort()
        assert await group.committed() == 1
    await group.transact(b"ours again", 2, group.member())
    assert await group.committed() == 2
    assert group.written() == [b"ours", b"ours again"]


async def test_undecided_offsets_are_waited_for(group: Group) -> None:
    """While a transaction holds an offset, a plain fetch shows the old one; ours waits and shows the new."""
    await group.transact(b"first", 1, group.member())
    assert await group.committed() == 1
    group.producer.begin(group.member())
    await group.producer.add([])
    await group.producer.commit_offsets({group.tp: 2})
    coordinator = private.group_coordinator_of(group.consumer)
    waiting = asyncio.ensure_future(stable_offsets(coordinator, [group.tp], lambda: True))
    assert await group.consumer.committed(group.tp) == 1
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    await group.producer.commit()
    offsets, waits = await waiting
    assert {tp: known.offset for tp, known in offsets.items()} == {group.tp: 2}
    assert waits > 0


async def test_stock_aiokafka_is_not_fenced(group: Group) -> None:
    """The control: why all this is needed. A stock producer that is no member overwrites our offset."""
    await group.transact(b"ours", 5, group.member())
    stock = AIOKafkaProducer(
        bootstrap_servers=group.site.bootstrap, transactional_id=f"stock{os.getpid()}", acks="all"
    )
    await stock.start()
    try:
        await stock.begin_transaction()
        await stock.send_offsets_to_transaction({group.tp: 3}, group.site.names.prefix)
        await stock.commit_transaction()
        assert await group.committed() == 3

        # And after an abortable error its abort is none: the next commit commits the aborted record.
        await stock.begin_transaction()
        await stock.send_and_wait(group.site.names("out"), b"aborted", partition=0)
        stock._txn_manager.error_transaction(KafkaError("abortable"))
        await stock.abort_transaction()
        await stock.begin_transaction()
        await stock.send_and_wait(group.site.names("out"), b"next", partition=0)
        await stock.commit_transaction()
    finally:
        await stock.stop()
    assert b"aborted" in group.written()
