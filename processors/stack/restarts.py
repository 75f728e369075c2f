"""When to start again what has died."""

from typing import Final

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
STEADY_S: Final = 60.0
"""Who lived that long has recovered from what it died of before."""


class Restarts:
    """Of one process: a pause before each, twice as long as the one before.

    ``most``: so many in a row may be in vain; None: any number.
    """

    def __init__(self, most: int | None = None) -> None:
        self.in_vain = 0
        self._most = most

    def pause_after(self, lived_s: float) -> float | None:
        """It has died, or its start has failed: seconds to wait before the next one; None: give it up."""
        if lived_s > STEADY_S:
            self.in_vain = 0
        if self.in_vain == self._most:
            return None
        self.in_vain += 1
        return float(min(FIRST_PAUSE_S * 2 ** min(self.in_vain - 1, 10), LONGEST_PAUSE_S))
