"""What time it is."""

import time


def epoch_ms() -> int:
    """The wall clock: milliseconds since 1970. It may be set back."""
    return time.time_ns() // 1_000_000


def boottime() -> float:
    """Seconds, for deadlines: it goes on while the machine is suspended, unlike the monotonic clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
