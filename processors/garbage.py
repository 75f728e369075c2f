"""The garbage collector of a process that works in batches."""

import gc


def collect_rarely() -> None:
    """Call before the work begins, and again when much was read that stays.

    A batch makes tens of thousands of small objects and no cycles: by default, a good part of the CPU goes
    into looking for cycles among them. Those that a reconnect leaves behind are still found, a little later.
    """
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
