"""Would a restart help, and is this process at work?

Nothing here looks at a server that is away: a process that waits for one is as healthy as can be.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from processors.clock import boottime

SILENCE_S: Final = 30.0
"""A loop that has not turned for so long hangs: what it waits for without being blocked lets it turn."""
_BEAT_S: Final = 1.0


class Pulse:
    """When a loop last turned, for other threads. The clock goes on while the machine is suspended."""

    def __init__(self, clock: Callable[[], float] = boottime) -> None:
        self._clock = clock
        self._turned = clock()

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Of this loop from now on; call it from its thread."""
        self._turned = self._clock()
        loop.call_later(_BEAT_S, self.follow, loop)

    @property
    def silence_s(self) -> float:
        """How long it has not turned."""
        return self._clock() - self._turned


@dataclass(frozen=True)
class Health:
    """Asked from the thread that answers, so neither may block.

    ``silences``: of each loop, for how many seconds it has not turned. ``unready``: why the process is not at
    work yet, or None.
    """

    silences: Callable[[], Mapping[str, float]]
    unready: Callable[[], str | None]
    most_s: float = SILENCE_S

    def sick(self) -> str | None:
        """Why a restart would help, or None."""
        for loop, seconds in self.silences().items():
            if seconds > self.most_s:
                return f"the {loop} loop has not turned for {seconds:.0f} s"
        return None
