"""What the producer makes of answers that a healthy broker does not give."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.client import CoordinationType
from aiokafka.errors import KafkaConnectionError, KafkaError, ProducerFenced
from aiokafka.protocol import produce, transaction
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from processors.engine.group import GroupMember
from processors.engine.kafka import protocol as p
from processors.engine.kafka.packing import CODECS
from processors.engine.kafka.transaction import TransactionalProducer
from processors.engine.producer import FencedGeneration, Fields
from processors.kafka.connection import KafkaConnection
from tests.engine.kafka.test_wire import COMMITTED

MEMBER = GroupMember("group", 3, "member", None)
OUT, LOG = TopicPartition("out", 0), TopicPartition("log", 1)
FIELDS = (b"key", b"value", [("name", b"header")], 1_700_000_000_000)

Answer = bytes | Exception


class Cluster:
    """As much of ``AIOKafkaClient`` as the producer asks for. ``answers``: by API, in order."""

    def __init__(self, answers: dict[int, list[Answer]]) -> None:
        self.answers = answers
        self.asked: list[tuple[int, int, bytes]] = []
        self.lookups: list[CoordinationType] = []
        self.refreshed = 0
        self.cluster = self
        self.leaders = {OUT: [1], LOG: [2]}

    async def bootstrap(self) -> None: ...

    async def coordinator_lookup(self, kind: CoordinationType, _key: str) -> int:
        self.lookups.append(kind)
        return len(self.lookups)

    def leader_for_partition(self, tp: TopicPartition) -> int | None:
        known = self.leaders[tp]
        return known.pop(0) if len(known) > 1 else known[0]

    def force_metadata_update(self) -> "asyncio.Future[None]":
        self.refreshed += 1
        return _done()

    def add_topic(self, _topic: str) -> "asyncio.Future[None]":
        return _done()

    async def send(self, node: int, request: Any, **_group: Any) -> bytes:
        self.asked.append((node, request._key, request.encode()))
        answers = self.answers[request._key]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def bodies(self, key: int) -> list[bytes]:
        """What was sent of one API."""
        return [body for _, api, body in self.asked if api == key]


def _done() -> "asyncio.Future[None]":
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def initialised(error: int = 0) -> bytes:
    encoded: bytes = transaction.InitProducerIdResponse_v0(0, error, 77, 5).encode()
    return encoded


def added(error: int = 0) -> bytes:
    encoded: bytes = transaction.AddOffsetsToTxnResponse_v0(0, error).encode()
    return encoded


def partitions(error: int = 0) -> bytes:
    encoded: bytes = transaction.AddPartitionsToTxnResponse_v0(0, [("out", [(0, error)])]).encode()
    return encoded


def committed(error: int = 0) -> bytes:
    encoded: bytes = COMMITTED.encode([0, [("in", [(0, error, {})], {})], {}])
    return encoded


def written(error: int = 0, offset: int = 40, topic: str = "out", partition: int = 0) -> bytes:
    rows = [(topic, [(partition, error, offset, -1, 0)])]
    encoded: bytes = produce.ProduceResponse_v7(rows, 0).encode()
    return encoded


NewProducer = Callable[..., tuple[TransactionalProducer, Cluster]]


@pytest.fixture
async def new_producer(monkeypatch: pytest.MonkeyPatch) -> NewProducer:
    """With the answers given, by API key; of the others a good one. Its pauses take no time."""

    async def at_once(_: float) -> None: ...

    monkeypatch.setattr(asyncio, "sleep", at_once)

    def new(answers: dict[int, list[Answer]], **settings: Any) -> tuple[TransactionalProducer, Cluster]:
        good = {22: initialised(), 25: added(), 24: partitions(), 0: written(), 28: committed(), 26: added()}
        producer = TransactionalProducer(
            KafkaConnection(bootstrap="nowhere:1"),
            transactional_id="app-0",
            transaction_timeout_ms=10_000,
            **settings,
        )
        producer.client = cluster = Cluster({**{key: [answer] for key, answer in good.items()}, **answers})
        return producer, cluster

    return new


async def transact(producer: TransactionalProducer) -> dict[TopicPartition, int]:
    await producer.start()
    return await once_more(producer)


async def once_more(producer: TransactionalProducer) -> dict[TopicPartition, int]:
    producer.begin(MEMBER)
    await producer.add([OUT])
    last = await producer.send({OUT: [FIELDS, FIELDS]})
    await producer.commit_offsets({TopicPartition("in", 0): 9})
    await producer.commit()
    return last


LOST = KafkaConnectionError("gone")


@pytest.mark.parametrize(
    ("key", "first"),
    [
        (22, transaction.InitProducerIdResponse_v0(0, p.CONCURRENT_TRANSACTIONS, -1, -1).encode()),
        (25, added(p.CONCURRENT_TRANSACTIONS)),
        (25, added(p.NOT_COORDINATOR)),
        (24, partitions(p.CONCURRENT_TRANSACTIONS)),
        (24, partitions(p.OPERATION_NOT_ATTEMPTED)),
        (0, written(6, -1)),
        (0, written(19, -1)),
        (28, committed(p.COORDINATOR_LOAD_IN_PROGRESS)),
        (26, added(p.CONCURRENT_TRANSACTIONS)),
        *[(key, LOST) for key in (22, 25, 24, 0, 28, 26)],
    ],
)
async def test_asked_again_as_it_was(new_producer: NewProducer, key: int, first: Answer) -> None:
    producer, cluster = new_producer({})
    cluster.answers[key] = [first, *cluster.answers[key]]
    assert await transact(producer) == {OUT: 41}
    sent = cluster.bodies(key)
    assert len(sent) == 2
    assert sent[0] == sent[1]


@pytest.mark.parametrize("code", [p.NOT_COORDINATOR, None])
async def test_the_coordinator_is_looked_for_again(new_producer: NewProducer, code: int | None) -> None:
    producer, cluster = new_producer({26: [LOST if code is None else added(code), added()]})
    await transact(producer)
    transactional, of_group = CoordinationType.TRANSACTION, CoordinationType.GROUP
    assert cluster.lookups == [transactional, of_group, transactional]
    assert [node for node, key, _ in cluster.asked if key == 26] == [1, 3]


def batches_of(cluster: Cluster) -> list[Any]:
    """Record batches in the order in which they were sent; each Produce has one."""
    bodies = cluster.bodies(0)
    return [MemoryRecords(body[body.index(b"out") + len("out") + 12 :]).next_batch() for body in bodies]


def sequences(cluster: Cluster) -> list[int]:
    return [batch.base_sequence for batch in batches_of(cluster)]


@pytest.mark.parametrize(("published", "codec"), [((), CODECS["snappy"]), (("out",), CODECS["gzip"])])
async def test_what_others_read_is_in_gzip(
    new_producer: NewProducer, published: tuple[str, ...], codec: int
) -> None:
    producer, cluster = new_producer({}, compression_type="snappy", published=published)
    await producer.start()
    producer.begin(MEMBER)
    await producer.add([OUT])
    await producer.send({OUT: [FIELDS] * 50})
    assert [batch.compression_type for batch in batches_of(cluster)] == [codec]


async def test_a_former_owner_aborts_and_goes_on(new_producer: NewProducer) -> None:
    producer, cluster = new_producer({28: [committed(p.ILLEGAL_GENERATION), committed()]})
    with pytest.raises(FencedGeneration, match="IllegalGeneration"):
        await transact(producer)
    await producer.abort()
    assert cluster.bodies(26)[0].endswith(b"\0")
    assert await once_more(producer) == {OUT: 41}
    assert cluster.bodies(26)[1].endswith(b"\1")
    assert sequences(cluster) == [0, 2]
    await transact(producer)  # a new epoch
    assert sequences(cluster)[2:] == [0]


@pytest.mark.parametrize("key", [25, 24, 0, 28, 26])
async def test_fenced_by_a_successor(new_producer: NewProducer, key: int) -> None:
    make = {25: added, 24: partitions, 0: written, 28: committed, 26: added}[key]
    producer, _ = new_producer({key: [make(p.INVALID_PRODUCER_EPOCH)]})
    with pytest.raises(ProducerFenced):
        await transact(producer)


@pytest.mark.parametrize(
    ("key", "answer", "words"),
    [
        (22, initialised(50), r"^\[Error 50\] InvalidTransactionTimeout"),
        (25, added(53), "TransactionalIdAuthorizationFailed"),
        (0, written(10, -1), "bytes for .*out.* were refused: MessageSizeTooLarge"),
        (0, written(45, -1), "OutOfOrderSequence"),
        (0, written(46, -1), "DuplicateSequence"),
        (26, added(48), "InvalidTxnState"),
    ],
)
async def test_what_nobody_can_mend_is_named(
    new_producer: NewProducer, key: int, answer: Answer, words: str
) -> None:
    producer, _ = new_producer({key: [answer]})
    with pytest.raises(KafkaError, match=words):
        await transact(producer)


async def test_metadata_that_the_broker_does_not_take_is_left_out(
    new_producer: NewProducer, caplog: pytest.LogCaptureFixture
) -> None:
    """Or nothing could be committed, by no life of any worker."""
    producer, cluster = new_producer({28: [committed(p.OFFSET_METADATA_TOO_LARGE), committed()]})
    await producer.start()
    producer.begin(MEMBER)
    await producer.add([OUT])
    tp = TopicPartition("in", 0)
    await producer.commit_offsets({tp: 9}, {tp: "too much"})
    refused, taken = cluster.bodies(28)
    assert refused.replace(b"\x09too much", b"\x01") == taken
    assert "offset.metadata.max.bytes" in caplog.text


async def test_only_what_was_refused_is_sent_again(new_producer: NewProducer) -> None:
    """Two leaders; one of them has moved."""
    refused = written(6, -1, "log", 1)
    producer, cluster = new_producer({0: [written(), refused, written(0, 7, "log", 1)]})
    cluster.leaders[LOG] = [-1, 2, 3]
    await producer.start()
    producer.begin(MEMBER)
    await producer.add([OUT, LOG])
    assert await producer.send({OUT: [FIELDS], LOG: [FIELDS] * 3}) == {OUT: 40, LOG: 9}
    assert [node for node, key, _ in cluster.asked if key == 0] == [1, 2, 3]
    assert cluster.refreshed


async def test_large_batches_are_split_and_sequences_go_on(new_producer: NewProducer) -> None:
    """A Produce may have one record batch per partition."""
    offsets = [written(0, at) for at in (100, 102, 104, 105)]
    producer, cluster = new_producer({0: list(offsets)}, max_batch_size=150)
    await producer.start()
    producer.begin(MEMBER)
    await producer.add([OUT])
    records: list[Fields] = [(b"key%d" % number, b"v" * 20, [], 1_700_000_000_000) for number in range(5)]
    assert await producer.send({OUT: records, LOG: []}) == {OUT: 104}
    assert await producer.send({OUT: records[:1]}) == {OUT: 105}
    batches = batches_of(cluster)
    assert sequences(cluster) == [0, 2, 4, 5]
    assert {(batch.producer_id, batch.producer_epoch) for batch in batches} == {(77, 5)}
    assert [record.key for batch in batches[:-1] for record in batch] == [key for key, *_ in records]


async def test_sequences_wrap_around(new_producer: NewProducer) -> None:
    producer, cluster = new_producer({})
    await producer.start()
    producer._sequences[OUT] = 2**31 - 1
    await once_more(producer)
    await once_more(producer)
    assert sequences(cluster) == [2**31 - 1, 1]


async def test_an_empty_transaction_is_none(new_producer: NewProducer) -> None:
    producer, cluster = new_producer({})
    await producer.start()
    producer.begin(MEMBER)
    assert await producer.send({}) == {}
    await producer.commit()
    assert {key for _, key, _ in cluster.asked} == {22}
