"""Names of the Kafka headers that the system writes.

On a record they are plain strings (``.value``): aiokafka takes no subclass.
"""

from enum import StrEnum


class Header(StrEnum):
    """Headers of dead letters, and the CloudEvents 1.0 attributes of leads and sales.

    ``VISITOR``: on clicks of a gateway, a hash that tells its visitors of one link apart.

    CloudEvents: Kafka Protocol Binding, section 3.2 (binary content mode).
    """

    REASON = "reason"
    DETAIL = "detail"
    SOURCE_TOPIC = "source-topic"
    SOURCE_PARTITION = "source-partition"
    SOURCE_OFFSET = "source-offset"
    SOURCE_TIMESTAMP = "source-timestamp"
    ATTEMPT = "attempt"
    REPLAYED = "replayed"
    VISITOR = "visitor"
    VALUE_BYTES = "value-bytes"
    VALUE_SHA256 = "value-sha256"
    CONTENT_TYPE = "content-type"
    CE_SPECVERSION = "ce_specversion"
    CE_ID = "ce_id"
    CE_SOURCE = "ce_source"
    CE_TYPE = "ce_type"
    CE_SUBJECT = "ce_subject"
    CE_TIME = "ce_time"


Headers = tuple[tuple[str, bytes], ...]
