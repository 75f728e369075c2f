"""The requests of a transaction, and for its offsets, written and read by hand.

A batch needs five of them whatever its size. Through aiokafka's generic schemas, accumulator and sender tasks
they cost a worker that has little to do more than the events themselves. What is sent is documented at
https://kafka.apache.org/protocol; aiokafka's connections carry it (addresses, TLS, SASL, correlation,
timeouts).
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from aiokafka.errors import IncompatibleBrokerVersion

from processors.engine.kafka.encoding import (
    NO_TAGS,
    array,
    compact,
    compact_text,
    int16,
    int32,
    read_compact,
    read_uvarint,
    skip_tags,
    string,
    uvarint,
)

_producer_row = struct.Struct(">qh")
_error_row = struct.Struct(">ih")
_offset_row = struct.Struct(">iqi")
_produced_row = struct.Struct(">ihqqq")
_initialised_row = struct.Struct(">ihqh")

_NO_LEADER_EPOCH = -1
_NO_METADATA = b"\1"
_ALL_REPLICAS = -1


_NAMES = {
    0: "Produce",
    9: "OffsetFetch",
    22: "InitProducerId",
    24: "AddPartitionsToTxn",
    25: "AddOffsetsToTxn",
    26: "EndTxn",
    28: "TxnOffsetCommit",
}


Errors = Callable[[bytes], set[int]]
"""Reads the error codes of an answer; none: it worked."""


class Produced(NamedTuple):
    """The broker's answer to one record batch. ``offset``: of its first record."""

    error: int
    offset: int


class FetchedOffset(NamedTuple):
    """What is committed for one partition; −1: nothing is. ``metadata``: what was told with it."""

    error: int
    offset: int
    metadata: str


class _Bytes:
    """Where aiokafka wants something that encodes itself."""

    __slots__ = ("_encoded",)

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded

    def encode(self) -> bytes:
        return self._encoded


class _ResponseHeader:
    __slots__ = ("correlation_id",)

    def __init__(self, correlation_id: int) -> None:
        self.correlation_id = correlation_id


class _Body:
    """The answer as it came, behind its header."""

    @staticmethod
    def decode(buffer: Any) -> bytes:
        body: bytes = buffer.read()
        return body


class Request:
    """One request, for ``AIOKafkaClient.send``, which answers with the bytes of the response."""

    __slots__ = ("_body", "_flexible", "_key", "_version")

    RESPONSE_TYPE: ClassVar[type[_Body]] = _Body

    def __init__(self, key: int, version: int, body: bytes, *, flexible: bool = False) -> None:
        self._key = key
        self._version = version
        self._body = body
        self._flexible = flexible

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> "Request":
        """Raises ``IncompatibleBrokerVersion`` if the broker does not speak ours."""
        lowest, highest = versions.get(self._key, (0, -1))
        if not lowest <= self._version <= highest:
            raise IncompatibleBrokerVersion(
                f"the broker has {self} in versions {lowest} to {highest}, we need {self._version}"
            )
        return self

    def build_request_header(self, correlation_id: int, client_id: str) -> _Bytes:
        """The header; flexible versions have tags."""
        header = struct.pack(">hhi", self._key, self._version, correlation_id) + string(client_id)
        return _Bytes(header + NO_TAGS if self._flexible else header)

    def encode(self) -> bytes:
        """The body."""
        return self._body

    def parse_response_header(self, buffer: Any) -> _ResponseHeader:
        """Leaves the buffer at the body."""
        correlation_id = int32.unpack(buffer.read(4))[0]
        if self._flexible:
            buffer.read(1)
        return _ResponseHeader(correlation_id)

    def __repr__(self) -> str:
        return _NAMES[self._key]


# --- requests


def init_producer_id(transactional_id: str, timeout_ms: int) -> Request:
    """Aborts what a former producer of this name has open, and shuts it out. Answer: :func:`initialised`."""
    return Request(22, 0, string(transactional_id) + int32.pack(timeout_ms))


def add_offsets(transactional_id: str, producer: tuple[int, int], group_id: str) -> Request:
    """The group's offsets will be part of the transaction. Answer: :func:`error_of`."""
    return Request(25, 0, string(transactional_id) + _producer_row.pack(*producer) + string(group_id))


def add_partitions(
    transactional_id: str, producer: tuple[int, int], topics: Mapping[str, Iterable[int]]
) -> Request:
    """Partitions will be part of the transaction. Answer: :func:`errors_of_partitions`."""
    rows = [array(topics)]
    for topic, partitions in topics.items():
        numbers = list(partitions)
        rows.append(string(topic) + struct.pack(f">i{len(numbers)}i", len(numbers), *numbers))
    return Request(24, 0, string(transactional_id) + _producer_row.pack(*producer) + b"".join(rows))


def produce(transactional_id: str, timeout_ms: int, topics: Mapping[str, Mapping[int, bytes]]) -> Request:
    """One record batch per partition. Answer: :func:`produced`."""
    parts = [string(transactional_id), struct.pack(">hi", _ALL_REPLICAS, timeout_ms), array(topics)]
    for topic, batches in topics.items():
        parts += [string(topic), array(batches)]
        for partition, batch in batches.items():
            parts += [struct.pack(">ii", partition, len(batch)), batch]
    return Request(0, 7, b"".join(parts))


def commit_offsets(
    transactional_id: str,
    producer: tuple[int, int],
    member: tuple[str, int, str, str | None],
    topics: Mapping[str, Iterable[tuple[int, int]]],
    metadata: Mapping[tuple[str, int], str] = MappingProxyType({}),
) -> Request:
    """(Partition, next offset) as part of the transaction, on behalf of (group, generation, member id,
    instance id); with what ``metadata`` has for (topic, partition). Version 3 is the first that names these,
    so that the coordinator can refuse a former owner. Answer: :func:`errors_of_offsets`.
    """
    group_id, generation, member_id, instance_id = member
    parts = [
        *(compact(transactional_id), compact(group_id), _producer_row.pack(*producer)),
        *(int32.pack(generation), compact(member_id), compact(instance_id)),
        uvarint(len(topics) + 1),
    ]
    for topic, offsets in topics.items():
        rows = list(offsets)
        parts += [compact(topic), uvarint(len(rows) + 1)]
        for partition, offset in rows:
            told = metadata.get((topic, partition))
            parts.append(_offset_row.pack(partition, offset, _NO_LEADER_EPOCH))
            parts += [compact_text(told) if told else _NO_METADATA, NO_TAGS]
        parts.append(NO_TAGS)
    parts.append(NO_TAGS)
    return Request(28, 3, b"".join(parts), flexible=True)


def end(transactional_id: str, producer: tuple[int, int], *, commit: bool) -> Request:
    """Commit or abort. Answer: :func:`error_of`."""
    return Request(26, 0, string(transactional_id) + _producer_row.pack(*producer) + bytes((commit,)))


def fetch_offsets(group_id: str, topics: Mapping[str, Iterable[int]], *, stable: bool) -> Request:
    """What the group has committed. Answer: :func:`fetched_offsets`.

    Version 7 is the first with ``stable``: it answers with an error while a transaction that carries offsets
    of these partitions is undecided. aiokafka speaks version 3, which shows the offset before it.
    """
    parts = [compact(group_id), uvarint(len(topics) + 1)]
    for topic, partitions in topics.items():
        numbers = list(partitions)
        parts += [compact(topic), uvarint(len(numbers) + 1)]
        parts += [struct.pack(f">{len(numbers)}i", *numbers), NO_TAGS]
    parts += [bytes((stable,)), NO_TAGS]
    return Request(9, 7, b"".join(parts), flexible=True)


# --- answers


def initialised(body: bytes) -> tuple[int, tuple[int, int]]:
    """Error code, and the producer's (id, epoch)."""
    _, error, producer_id, epoch = _initialised_row.unpack_from(body)
    return error, (producer_id, epoch)


def error_of(body: bytes) -> set[int]:
    """Of an answer that has nothing but an error code."""
    return {int16.unpack_from(body, 4)[0]} - {0}


def errors_of_partitions(body: bytes) -> set[int]:
    """All that are in the answer to :func:`add_partitions`."""
    errors: set[int] = set()
    topics, at = int32.unpack_from(body, 4)[0], 8
    for _ in range(topics):
        at += 2 + int16.unpack_from(body, at)[0]
        (partitions,) = int32.unpack_from(body, at)
        at += 4
        for _ in range(partitions):
            errors.add(_error_row.unpack_from(body, at)[1])
            at += _error_row.size
    return errors - {0}


def errors_of_offsets(body: bytes) -> set[int]:
    """All that are in the answer to :func:`commit_offsets`."""
    errors: set[int] = set()
    topics, at = read_uvarint(body, 4)
    for _ in range(topics - 1):
        length, at = read_uvarint(body, at)
        partitions, at = read_uvarint(body, at + length - 1)
        for _ in range(partitions - 1):
            errors.add(_error_row.unpack_from(body, at)[1])
            at = skip_tags(body, at + _error_row.size)
        at = skip_tags(body, at)
    return errors - {0}


def produced(body: bytes) -> dict[tuple[str, int], Produced]:
    """What became of each partition's record batch."""
    answers: dict[tuple[str, int], Produced] = {}
    topics, at = int32.unpack_from(body)[0], 4
    for _ in range(topics):
        (length,) = int16.unpack_from(body, at)
        at += 2 + length
        topic = body[at - length : at].decode()
        (partitions,) = int32.unpack_from(body, at)
        at += 4
        for _ in range(partitions):
            partition, error, offset, _, _ = _produced_row.unpack_from(body, at)
            answers[topic, partition] = Produced(error, offset)
            at += _produced_row.size
    return answers


def fetched_offsets(body: bytes) -> tuple[int, dict[tuple[str, int], FetchedOffset]]:
    """The error code of the whole answer, and what is known of each (topic, partition)."""
    found: dict[tuple[str, int], FetchedOffset] = {}
    topics, at = read_uvarint(body, 4)
    for _ in range(topics - 1):
        topic, at = read_compact(body, at)
        partitions, at = read_uvarint(body, at)
        for _ in range(partitions - 1):
            partition, offset, _ = _offset_row.unpack_from(body, at)
            metadata, at = read_compact(body, at + _offset_row.size)
            (error,) = int16.unpack_from(body, at)
            found[topic, partition] = FetchedOffset(error, offset, metadata)
            at = skip_tags(body, at + int16.size)
        at = skip_tags(body, at)
    (error,) = int16.unpack_from(body, at)
    return error, found
