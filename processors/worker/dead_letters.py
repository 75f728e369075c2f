"""Bytes that could not be used, and the point at which that is no longer an accident."""

from collections import deque

from processors.engine import Halt, Output, Record
from schemas import dead_letters
from schemas.decoding import Refused

WINDOW = 1_000
"""Consecutive records of which a share may be dead letters (contract section 5)."""


def dead_letter(topic: str, record: Record, refused: Refused) -> Output:
    """The record as it came, as far as it fits, with headers that say why it could not be used."""
    return Output(topic, *dead_letters.dead_letter(record, refused.reason, refused.detail))


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
        # Not only after a whole window: a worker that is started again and again would drain its topics.
        if len(self._dead) > self._most:
            raise Halt(
                f"{len(self._dead)} of the last {min(self.seen, WINDOW)} records could not be used, "
                f"the last one because of {refused}. Nothing was skipped. Mend the producer or deploy a "
                "worker that can read them; to let them pass as dead letters, start with "
                "LEADSTREAM_DEAD_LETTER_LIMIT=1."
            )
