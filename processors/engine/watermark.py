"""Time as far as the input goes: up to when has everything that had arrived been processed?

A worker that comes back after an outage finds its clock far ahead of its input. What it does because nothing
came in time (give up a state that is held, drop one that is past its retention) would be done wrongly by the
clock: what did come in time lies in the topics already. So time here is a *watermark*: the latest time W for
which it is known that everything that had arrived in the source topics by W has been processed; by whichever
worker, for its result may concern us.

It is found by rounds. A round notes the time T, then the end of every source partition (after T, so that
nothing that arrived by T is missed), and is complete when all of them are processed up to there: ours by our
own count, others' by the offsets the group has committed. What comes of a record may be a record in another
source topic: with each completed round everything that had arrived by the start of the first one is one
*hop* further, for a round begins after the one before it was complete. W is therefore the start of the last
completed round but as many as there are further hops: see :func:`hops`.

Rounds cost a few requests each. Trailing transaction markers count in the end of a partition; they are part
of what is fetched, processed and (at leisure) committed. While a worker is behind or a partition without an
owner, time stands still for all: late, but never wrong.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.structs import TopicPartition

from processors.engine.processor import Processor


def hops(processors: Sequence[Processor[Any, Any]]) -> int:
    """How often what comes of one record may have to be processed until nothing of it is under way.

    Once in a topic where it does not belong, then where it does, then in each topic that one processor
    writes and another (or itself) reads: the longest way through them that passes none of them twice.
    """
    reader = {topic: job for job in processors for topic in job.topics}

    def longest(topic: str, passed: frozenset[str]) -> int:
        passed |= {topic}
        onward = (reader[topic].outputs & reader.keys()) - passed
        return 1 + max((longest(following, passed) for following in onward), default=0)

    return 1 + max(longest(topic, frozenset()) for topic in reader)


class Watermark:
    """Bookkeeping of rounds in one generation: what a former one knew says nothing of its partitions now."""

    def __init__(self, hops: int) -> None:
        self._start_ms: int | None = None
        self._completed: deque[int] = deque(maxlen=hops)
        self._ends: dict[TopicPartition, int] = {}
        #: W; 0 while nothing is known.
        self.time_ms = 0

    @property
    def running(self) -> bool:
        """Is a round under way?"""
        return self._start_ms is not None

    def begin(self, start_ms: int, ends: Mapping[TopicPartition, int]) -> None:
        """Start a round: ``ends`` were read after ``start_ms``, and after the last round was complete."""
        self._start_ms = start_ms
        self._ends = dict(ends)

    def advance(self, processed: Mapping[TopicPartition, int]) -> bool:
        """Is the round complete, given the next offset to process per partition? True: W moved."""
        if self._start_ms is None:
            return False
        self._ends = {tp: end for tp, end in self._ends.items() if processed.get(tp, -1) < end}
        if self._ends:
            return False
        self._completed.append(self._start_ms)
        self._start_ms = None
        if len(self._completed) < (self._completed.maxlen or 0):
            return False
        self.time_ms = self._completed[0]
        return True
