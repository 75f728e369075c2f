"""How often something was how large."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

QUICK_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Bounds for what a process does itself."""
LONG_S: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 6 * 3600.0, 86_400.0)
"""Bounds for what may wait for others."""


class Histogram:
    """One thread adds; any other may read meanwhile, and sees each value no later than its next look.

    ``counts``: of values up to each of ``bounds`` and above the one before, then of larger ones.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = QUICK_S) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """The same value so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    @property
    def times(self) -> int:
        """How many values there were."""
        return sum(self.counts)
