"""Bytes that could not be used, and the point at which that is no longer an accident."""

from collections import deque

from processors.engine import Halt, Output, Record
from schemas.decoding import Refused
from schemas.headers import Header, Headers

WINDOW = 1_000
"""Consecutive records of which a share may be dead letters (contract section 5)."""


def dead_letter(topic: str, record: Record, refused: Refused) -> Output:
    """The record as it came, with headers that say why it could not be used (contract section 4)."""
    return Output(topic, record.key, record.value, _headers(record, refused))


def _headers(record: Record, refused: Refused) -> Headers:
    return (
        (Header.REASON.value, refused.reason.encode()),
        (Header.DETAIL.value, refused.detail.encode(errors="replace")),
        (Header.SOURCE_TOPIC.value, record.topic.encode()),
        (Header.SOURCE_PARTITION.value, b"%d" % record.partition),
        (Header.SOURCE_OFFSET.value, b"%d" % record.offset),
        (Header.SOURCE_TIMESTAMP.value, b"%d" % record.timestamp),
        (Header.ATTEMPT.value, b"%d" % (attempts(record) + 1)),
    )


def attempts(record: Record) -> int:
    """How often this record was a dead letter already: replaying one counts on."""
    for name, value in record.headers:
        if name == Header.ATTEMPT and value.isdigit():
            return int(value)
    return 0


class DeadLetterLimit:
    """Stops a worker that would drain its topics into ``dead-letters``, as after a bad deployment.

    Counts over all topics of a worker. ``limit``: the share of :data:`WINDOW` consecutive records.
    """

    def __init__(self, limit: float) -> None:
        self._most = limit * WINDOW
        self._dead: deque[int] = deque()
        #: Records so far. Whoever uses one counts it here, without the price of a call.
        self.seen = 0

    def dead(self, refused: Refused) -> None:
        """A record was not; raises :class:`Halt` when there are too many."""
        self.seen += 1
        self._dead.append(self.seen)
        while self._dead[0] <= self.seen - WINDOW:
            self._dead.popleft()
        if self.seen >= WINDOW and len(self._dead) > self._most:
            raise Halt(
                f"{len(self._dead)} of the last {WINDOW} records could not be used, the last one because of "
                f"{refused}. Nothing was skipped. Mend the producer or deploy a worker that can read them; "
                "to let them pass as dead letters, start with LEADSTREAM_DEAD_LETTER_LIMIT=1."
            )
