"""Requests and answers, written and read by hand, against aiokafka's schemas."""

import io
import struct
import tracemalloc
from typing import Any

import pytest
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol import produce, transaction
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from processors.engine.kafka import wire

NAME, GROUP, TOPIC, LONG = "app-0", "gröup", "leads", "t" * 200
PRODUCER = (2**40, 7)

_COMPACT = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)
_OFFSET = (("partition", Int32), ("offset", Int64), ("leader_epoch", Int32), ("metadata", _COMPACT), _TAGS)
#: TxnOffsetCommit v3, which aiokafka does not have.
COMMIT = Schema(
    *(("transactional_id", _COMPACT), ("group_id", _COMPACT), ("producer_id", Int64), ("epoch", Int16)),
    *(("generation_id", Int32), ("member_id", _COMPACT), ("group_instance_id", _COMPACT)),
    ("topics", CompactArray(("topic", _COMPACT), ("partitions", CompactArray(*_OFFSET)), _TAGS)),
    _TAGS,
)
COMMITTED = Schema(
    ("throttle_time_ms", Int32),
    (
        "topics",
        CompactArray(
            ("topic", _COMPACT),
            ("partitions", CompactArray(("partition", Int32), ("error_code", Int16), _TAGS)),
            _TAGS,
        ),
    ),
    _TAGS,
)
#: OffsetFetch v7, which aiokafka does not have either.
FETCH = Schema(
    ("group_id", _COMPACT),
    ("topics", CompactArray(("topic", _COMPACT), ("partitions", CompactArray(Int32)), _TAGS)),
    ("require_stable", Boolean),
    _TAGS,
)
_FETCHED = (*_OFFSET[:4], ("error_code", Int16), _TAGS)
FETCHED = Schema(
    ("throttle_time_ms", Int32),
    ("topics", CompactArray(("topic", _COMPACT), ("partitions", CompactArray(*_FETCHED)), _TAGS)),
    ("error_code", Int16),
    _TAGS,
)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            wire.init_producer_id(NAME, 10_000),
            transaction.InitProducerIdRequest_v0(NAME, 10_000),
        ),
        (
            wire.add_offsets(NAME, PRODUCER, GROUP),
            transaction.AddOffsetsToTxnRequest_v0(NAME, *PRODUCER, GROUP),
        ),
        (
            wire.add_partitions(NAME, PRODUCER, {TOPIC: [3, 1], LONG: [0]}),
            transaction.AddPartitionsToTxnRequest_v0(NAME, *PRODUCER, [(TOPIC, [3, 1]), (LONG, [0])]),
        ),
        (
            wire.produce(NAME, 9_000, {TOPIC: {0: b"batch", 5: b""}, LONG: {1: b"b" * 300}}),
            produce.ProduceRequest_v7(
                NAME, -1, 9_000, [(TOPIC, [(0, b"batch"), (5, b"")]), (LONG, [(1, b"b" * 300)])]
            ),
        ),
        (wire.end(NAME, PRODUCER, commit=True), transaction.EndTxnRequest_v0(NAME, *PRODUCER, True)),
        (wire.end(NAME, PRODUCER, commit=False), transaction.EndTxnRequest_v0(NAME, *PRODUCER, False)),
    ],
    ids=lambda one: None if isinstance(one, wire.Request) else type(one).__name__,
)
def test_requests(ours: wire.Request, theirs: Any) -> None:
    assert ours.encode() == theirs.encode()
    header = ours.build_request_header(2**31 - 1, "cliént").encode()
    assert header == theirs.build_request_header(2**31 - 1, "cliént").encode()
    assert ours.parse_response_header(io.BytesIO(b"\0\0\1\0rest")).correlation_id == 256


@pytest.mark.parametrize("instance_id", [None, "worker-0"])
def test_commit_offsets(instance_id: str | None) -> None:
    topics = {TOPIC: [(partition, 10**12 + partition) for partition in range(200)], LONG: [(0, 0)]}
    ours = wire.commit_offsets(NAME, PRODUCER, (GROUP, 9, "member", instance_id), topics)
    rows: list[Any] = [
        (topic, [(partition, offset, -1, "", {}) for partition, offset in offsets], {})
        for topic, offsets in topics.items()
    ]
    assert ours.encode() == COMMIT.encode([NAME, GROUP, *PRODUCER, 9, "member", instance_id, rows, {}])
    buffer = io.BytesIO(b"\0\0\1\0" + b"\0" + b"body")
    assert ours.parse_response_header(buffer).correlation_id == 256
    assert ours.RESPONSE_TYPE.decode(buffer) == b"body"


def test_offsets_may_carry_metadata() -> None:
    long = "é" * 2000
    told = {(TOPIC, 1): "why", (LONG, 0): long}
    ours = wire.commit_offsets(
        NAME, PRODUCER, (GROUP, 9, "m", None), {TOPIC: [(0, 5), (1, 6)], LONG: [(0, 7)]}, told
    )
    rows: list[Any] = [
        (TOPIC, [(0, 5, -1, "", {}), (1, 6, -1, "why", {})], {}),
        (LONG, [(0, 7, -1, long, {})], {}),
    ]
    assert ours.encode() == COMMIT.encode([NAME, GROUP, *PRODUCER, 9, "m", None, rows, {}])


def test_metadata_is_not_kept() -> None:
    """It is another with every batch, as long as some records are rejected."""
    topics, member = {TOPIC: [(0, 5)]}, (GROUP, 9, "m", None)
    wire.commit_offsets(NAME, PRODUCER, member, topics, {(TOPIC, 0): "x" * 3000})
    tracemalloc.start()
    try:
        for number in range(100):
            wire.commit_offsets(NAME, PRODUCER, member, topics, {(TOPIC, 0): f"{number}" * 3000})
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


def test_answers() -> None:
    initialised = transaction.InitProducerIdResponse_v0(5, 51, 2**40, 7).encode()
    assert wire.initialised(initialised) == (51, PRODUCER)
    assert wire.error_of(transaction.EndTxnResponse_v0(5, 0).encode()) == set()
    assert wire.error_of(transaction.EndTxnResponse_v0(5, -1).encode()) == {-1}
    added = transaction.AddPartitionsToTxnResponse_v0(5, [(TOPIC, [(0, 0), (1, 55)]), (LONG, [(7, 51)])])
    assert wire.errors_of_partitions(added.encode()) == {51, 55}
    # What aiokafka writes of a tag lacks the length.
    committed = [
        (TOPIC, [(0, 0, {}), (1, 22, {3: b"\3tag"})], {}),
        (LONG, [(7, 25, {})], {200: b"\xc8\1" + b"t" * 200}),
    ]
    assert wire.errors_of_offsets(COMMITTED.encode([5, committed, {}])) == {22, 25}
    rows = [(TOPIC, [(0, 0, 10, -1, 3), (1, 6, -1, -1, -1)]), (LONG, [(7, 0, 2**40, -1, 0)])]
    assert wire.produced(produce.ProduceResponse_v7(rows, 5).encode()) == {
        (TOPIC, 0): (0, 10),
        (TOPIC, 1): (6, -1),
        (LONG, 7): (0, 2**40),
    }


@pytest.mark.parametrize("stable", [True, False])
def test_fetch_offsets(stable: bool) -> None:
    topics = {TOPIC: list(range(200)), LONG: [7]}
    ours = wire.fetch_offsets(GROUP, topics, stable=stable)
    rows: list[Any] = [(topic, partitions, {}) for topic, partitions in topics.items()]
    assert ours.encode() == FETCH.encode([GROUP, rows, stable, {}])
    header = struct.pack(">hhih", 9, 7, 1, len("me")) + b"me" + b"\0"
    assert ours.build_request_header(1, "me").encode() == header


def test_fetched_offsets() -> None:
    rows: list[Any] = [
        (TOPIC, [(0, 2**40, 3, "told", 0, {}), (1, -1, -1, None, 88, {3: b"\3tag"})], {}),
        (LONG, [(7, 5, -1, "é" * 2000, 0, {})], {200: b"\xc8\1" + b"t" * 200}),
    ]
    assert wire.fetched_offsets(FETCHED.encode([5, rows, 14, {}])) == (
        14,
        {(TOPIC, 0): (0, 2**40, "told"), (TOPIC, 1): (88, -1, ""), (LONG, 7): (0, 5, "é" * 2000)},
    )
    assert wire.fetched_offsets(FETCHED.encode([5, [], 0, {}])) == (0, {})


@pytest.mark.parametrize("versions", [{}, {26: (1, 5)}])
def test_a_broker_that_does_not_speak_it(versions: dict[int, tuple[int, int]]) -> None:
    request = wire.end(NAME, PRODUCER, commit=True)
    assert request.prepare({26: (0, 5)}) is request
    with pytest.raises(IncompatibleBrokerVersion, match="has EndTxn in versions"):
        request.prepare(versions)
