"""Names of the Kafka headers that the system writes (contract sections 2 and 4).

On a record they are plain strings (``.value``): aiokafka takes no subclass.
"""

from collections.abc import Iterable
from enum import StrEnum


class Header(StrEnum):
    """Headers of dead letters, and the CloudEvents 1.0 attributes of leads and sales.

    CloudEvents: Kafka Protocol Binding, section 3.2 (binary content mode).
    """

    REASON = "reason"
    DETAIL = "detail"
    SOURCE_TOPIC = "source-topic"
    SOURCE_PARTITION = "source-partition"
    SOURCE_OFFSET = "source-offset"
    SOURCE_TIMESTAMP = "source-timestamp"
    ATTEMPT = "attempt"
    CONTENT_TYPE = "content-type"
    CE_SPECVERSION = "ce_specversion"
    CE_ID = "ce_id"
    CE_SOURCE = "ce_source"
    CE_TYPE = "ce_type"
    CE_SUBJECT = "ce_subject"
    CE_TIME = "ce_time"


Headers = tuple[tuple[str, bytes], ...]


def attempts(headers: Iterable[tuple[str, bytes | None]]) -> int:
    """How often a record was a dead letter already: replaying one counts on."""
    return next((number(value) for name, value in headers if name == Header.ATTEMPT), 0)


def number(value: bytes | None, most: int = (1 << 31) - 1) -> int:
    """Of what anybody may have written into a header; 0 when it is no number up to ``most``."""
    # A long one is not read: Python refuses thousands of digits.
    found = int(value) if value and len(value) < 20 and value.isdigit() else 0
    return found if found <= most else 0
