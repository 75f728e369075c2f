"""The garbage collector of a process that works in batches."""

import gc
from typing import Final

_BATCHES: Final = 100_000
READING: Final = 1_000_000
"""For whoever reads what stays: there is nothing to be found."""
ANSWERS: Final = 10_000
"""For whoever answers meanwhile: to look through so many takes a millisecond or two."""


def collect_rarely(made: int = _BATCHES) -> None:
    """``made``: after so many new objects it is looked for cycles.

    Call before the work begins, and again when much was read that stays.

    A batch makes tens of thousands of small objects and no cycles: by default, a good part of the CPU goes
    into looking for cycles among them. Those that a reconnect leaves behind are still found, a little later.
    """
    gc.freeze()
    gc.set_threshold(made, 20, 100)
