"""Error codes, and a Kafka request that aiokafka 0.14 speaks only in a version too old for us.

OffsetFetch v7 carries ``require_stable``: it answers only when no transaction with offsets of these
partitions is undecided (aiokafka: v3, which shows the offset before it). It is a "flexible" version;
aiokafka's compact types and header choice cover it.
"""

from typing import Any, ClassVar

from aiokafka.protocol.api import Request, RequestStruct, Response
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

_STRING = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)
#: The value of every ``tags`` field.
NO_TAGS: dict[int, bytes] = {}

NO_ERROR = 0
UNKNOWN_TOPIC_OR_PARTITION = 3
REQUEST_TIMED_OUT = 7
OFFSET_METADATA_TOO_LARGE = 12
COORDINATOR_LOAD_IN_PROGRESS = 14
COORDINATOR_NOT_AVAILABLE = 15
NOT_COORDINATOR = 16
ILLEGAL_GENERATION = 22
UNKNOWN_MEMBER_ID = 25
REBALANCE_IN_PROGRESS = 27
INVALID_PRODUCER_EPOCH = 47
CONCURRENT_TRANSACTIONS = 51
OPERATION_NOT_ATTEMPTED = 55
FENCED_INSTANCE_ID = 82
UNSTABLE_OFFSET_COMMIT = 88
PRODUCER_FENCED = 90


class OffsetFetchResponseV7(Response):  # type: ignore[misc]
    """Offset and error code per topic and partition."""

    API_KEY: ClassVar[int] = 9
    API_VERSION: ClassVar[int] = 7
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("topic", _STRING),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", _STRING),
                        ("error_code", Int16),
                        _TAGS,
                    ),
                ),
                _TAGS,
            ),
        ),
        ("error_code", Int16),
        _TAGS,
    )


class OffsetFetchRequestV7(RequestStruct):  # type: ignore[misc]
    """Wire form of :class:`OffsetFetchRequest`."""

    API_KEY: ClassVar[int] = 9
    API_VERSION: ClassVar[int] = 7
    FLEXIBLE_VERSION: ClassVar[bool] = True
    RESPONSE_TYPE = OffsetFetchResponseV7
    SCHEMA = Schema(
        ("group_id", _STRING),
        ("topics", CompactArray(("topic", _STRING), ("partitions", CompactArray(Int32)), _TAGS)),
        ("require_stable", Boolean),
        _TAGS,
    )


class OffsetFetchRequest(Request[OffsetFetchRequestV7]):  # type: ignore[misc]
    """Committed offsets of a group."""

    API_KEY: ClassVar[int] = 9

    def __init__(self, *fields: Any) -> None:
        self._fields = fields

    def build(self, request_struct_class: type[OffsetFetchRequestV7]) -> OffsetFetchRequestV7:
        """Called by aiokafka once the version is negotiated."""
        return request_struct_class(*self._fields)
