"""What all rows have in common: the version that decides between two, and what makes a record unreadable."""

from typing import Any, Final

import msgspec
from aiokafka import ConsumerRecord

from schemas.decoding import field_and_rule
from schemas.portable import portable
from schemas.reasons import DeadLetterReason

Row = tuple[Any, ...]
"""Values in the order of a table's columns; times are epoch milliseconds."""

LATEST: Final = (1 << 64) - 1
_OFFSET_BITS: Final = 22
_ATTEMPT_BITS: Final = 56
_MOST_ATTEMPTS: Final = 100
_NOTE: Final = 1 << (_ATTEMPT_BITS - 1)
_OFFSET_MASK: Final = (1 << _OFFSET_BITS) - 1

UNREADABLE: Final = (msgspec.DecodeError, ValueError, OverflowError, RecursionError)
"""What a row function may raise: the record is none of what its topic holds."""


class Unreadable(Exception):
    """A record of a result topic that is no result. ``detail`` names field and rule.

    ``failed``: the error is none that a row function may raise, so that it is a bug of ours.
    """

    def __init__(self, error: Exception) -> None:
        self.failed = not isinstance(error, UNREADABLE)
        self.reason, self.detail = _why(error)
        super().__init__(self.detail)
        self.__cause__ = error


def position(time_ms: int, offset: int) -> int:
    """Where a record stands in its topic: the broker's time, then the low bits of the offset."""
    return max(time_ms, 0) << _OFFSET_BITS | offset & _OFFSET_MASK


def last_wins(record: ConsumerRecord) -> int:
    """A version that grows with the position in the topic."""
    return position(record.timestamp, record.offset)


def first_wins(record: ConsumerRecord) -> int:
    """A version that falls with the position in the topic."""
    return LATEST - last_wins(record)


def last_attempt_wins(record: ConsumerRecord, attempt: int, *, note: bool = False) -> int:
    """Like :func:`first_wins` among reports of one attempt; a later attempt wins against an earlier one.

    An attempt weighs 198 days, more than a topic keeps, and a hundred of them fit above the present. A note
    that an attempt was sent back stands half-way between it and the next one; where attempts are no longer
    told apart it does not count, so that it hides none of them.
    """
    attempts = min(max(attempt - 1, 0), _MOST_ATTEMPTS) << _ATTEMPT_BITS
    return first_wins(record) + attempts + (_NOTE if note and attempt <= _MOST_ATTEMPTS else 0)


def text(raw: msgspec.Raw) -> str:
    """A JSON document that was carried along unread, as every reader takes it.

    Workers of releases before passed it on as it came. Raises ``ValueError``: it may not be UTF-8.
    """
    return portable(bytes(raw)).decode()


def _why(error: Exception) -> tuple[DeadLetterReason, str]:
    detail = str(error)
    if isinstance(error, msgspec.ValidationError):
        if detail.startswith("Expected `object`, got") and " - at " not in detail:
            return DeadLetterReason.NOT_AN_OBJECT, detail
        return DeadLetterReason.SCHEMA_VIOLATION, field_and_rule(detail)
    if isinstance(error, msgspec.DecodeError | UnicodeDecodeError):
        return DeadLetterReason.NOT_JSON, detail
    if isinstance(error, RecursionError):
        return DeadLetterReason.NOT_JSON, "nested too deeply"
    if not isinstance(error, UNREADABLE):
        return DeadLetterReason.PROCESSING_FAILED, f"{type(error).__name__}: {error}"
    return DeadLetterReason.SCHEMA_VIOLATION, detail
