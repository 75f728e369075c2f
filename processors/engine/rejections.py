"""How many of the last records of a partition were rejected: a circuit breaker, as values.

Many at once are not the records' fault but a producer's or a deployment's. They are counted per partition of
a source topic, and the count is committed with the offset (:mod:`.trouble`): it is exact, and starts anew
neither with a process nor with an owner.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from aiokafka.structs import TopicPartition

from processors.engine.processor import Rejected

SPAN: Final = 1_000
"""Consecutive records of which a share may be rejected."""


class Window(NamedTuple):
    """The last records of a partition, :data:`SPAN` at most: of one that was rejected, whose it is ('' when
    that cannot be told), of any other None. Counting may have begun later than the partition.
    """

    last: tuple[str | None, ...] = ()

    def after(
        self, records: int, rejections: Iterable[tuple[int, Rejected]], most: float
    ) -> tuple["Window", Rejected | None]:
        """When so many ``records`` more have come, of which these were rejected, by their number from 1.

        With more than ``most`` of them, as of the one that was too much, which comes with it.
        """
        last, come = list(self.last), 0
        for number, rejection in rejections:
            last += [None] * (number - come - 1)
            last.append(rejection.origin)
            del last[:-SPAN]
            come = number
            # Not only after a whole span: a partition may not have as many records.
            if len(last) - last.count(None) > most:
                return Window(tuple(last)), rejection
        last += [None] * min(records - come, SPAN)
        return Window(tuple(last[-SPAN:])), None

    @property
    def rejected(self) -> int:
        """How many were."""
        return len(self.last) - self.last.count(None)

    @property
    def reach(self) -> int:
        """Records from the first rejected one on."""
        first = next((at for at, origin in enumerate(self.last) if origin is not None), len(self.last))
        return len(self.last) - first

    def origins(self) -> Counter[str]:
        """Whose the rejected ones are, as far as that can be told."""
        return Counter(origin for origin in self.last if origin)


class TooManyRejected(Exception):
    """So many of one partition that it has to stand still. ``str()`` is for the operator."""

    def __init__(self, tp: TopicPartition, text: str) -> None:
        super().__init__(text)
        self.tp = tp


def is_everywhere(windows: Sequence[Window], share: float) -> bool:
    """Are they too many over all partitions together, and not most of them of one origin?

    Each partition counts from its first rejected record on, or a deployment that breaks one topic would pass
    for healthy until each of its partitions is over the limit.
    """
    rejected = sum(window.rejected for window in windows)
    if rejected <= share * SPAN or rejected <= share * sum(window.reach for window in windows):
        return False
    named = _origins(windows)
    return not named or named.most_common(1)[0][1] * 2 <= rejected


def in_words(windows: Sequence[Window], last: Rejected) -> str:
    """What was counted, and whose most of it is."""
    rejected = sum(window.rejected for window in windows)
    of = len(windows[0].last) if len(windows) == 1 else sum(window.reach for window in windows)
    text = f"{rejected} of the last {of} records could not be used, the last one because of {last.why}"
    named = _origins(windows)
    if not named:
        return f"{text}. None of them says whose it is"
    origin, times = named.most_common(1)[0]
    return f"{text}. Of {origin} are {times}"


def _origins(windows: Iterable[Window]) -> Counter[str]:
    return sum((window.origins() for window in windows), Counter())
