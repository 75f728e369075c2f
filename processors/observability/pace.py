"""A line a minute about what a process does; fewer while there is nothing to say.

For whoever reads the log of a process that nobody scrapes. The figures are those of ``/metrics``, as they
have grown within the minute.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

EVERY_S: Final = 60.0
_RAREST: Final = 60
"""In minutes: so often an idle process says at least that it is one."""


@dataclass(frozen=True)
class Look:
    """What a process has done, and how it stands.

    ``work``: what it counts, since it started; ``times`` and ``seconds``: how many batches or requests that
    were, and how long they took together. ``troubles``: other counters, told as they have grown. ``waiting``:
    how much of its work waits for it; None: it cannot know. ``now``: how it stands, told as it is.
    """

    work: int
    times: int
    seconds: float
    troubles: Mapping[str, int] = field(default_factory=dict)
    waiting: int | None = 0
    now: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Names:
    """How a process calls its work, and how long one time of it takes: ``records`` and ``batch_ms``."""

    work: str
    took: str


@dataclass(frozen=True)
class Line:
    """For a log."""

    level: int
    event: str
    keys: Mapping[str, object]


class Pace:
    """Which line is due, if any. The caller looks once in ``EVERY_S``, and says how long it really was."""

    def __init__(self, names: Names, first: Look) -> None:
        self._names = names
        self._before = first
        self._quiet = 0
        self._quiet_s = 0.0

    def line(self, look: Look, seconds: float) -> Line | None:
        """What to say of the ``seconds`` that have passed since the last look.

        At work, and where work waits and is not done: a line each time. Idle: after 1, 2, 4… minutes, then
        once in an hour.
        """
        before, self._before = self._before, look
        done, troubles = look.work - before.work, _grown(look, before)
        if done:
            self._quiet, self._quiet_s = 0, 0.0
            return Line(logging.INFO, "working", self._at_work(look, before, seconds, troubles))
        self._quiet += 1
        self._quiet_s += seconds
        keys = {"for_s": round(self._quiet_s), **troubles, **look.now}
        if look.waiting:
            return Line(logging.WARNING, f"no {self._names.work} processed, though some wait", keys)
        if any(troubles.values()) or _is_due(self._quiet):
            return Line(logging.INFO, "idle", keys)
        return None

    def _at_work(
        self, look: Look, before: Look, seconds: float, troubles: Mapping[str, int]
    ) -> dict[str, object]:
        done, times = look.work - before.work, look.times - before.times
        took = {self._names.took: round(1000 * (look.seconds - before.seconds) / times, 1)} if times else {}
        rate = {"per_s": round(done / seconds, 1)} if seconds > 0 else {}
        return {self._names.work: done, **rate, **took, **troubles, **look.now}


class Telling:
    """Says what ``read`` finds, into ``log``, as long as a loop turns."""

    def __init__(
        self,
        log: logging.Logger,
        names: Names,
        read: Callable[[], Look],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``read`` is asked in the loop, and may not block."""
        self._log = log
        self._read = read
        self._clock = clock
        self._pace = Pace(names, read())
        self._looked = clock()

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on; call it from the loop's thread, or before it runs."""
        loop.call_later(EVERY_S, self._tell, loop)

    def _tell(self, loop: asyncio.AbstractEventLoop) -> None:
        now = self._clock()
        line = self._pace.line(self._read(), now - self._looked)
        self._looked = now
        if line is not None:
            self._log.log(line.level, line.event, extra=dict(line.keys))
        self.follow(loop)


def _grown(look: Look, before: Look) -> dict[str, int]:
    return {name: count - before.troubles.get(name, 0) for name, count in look.troubles.items()}


def _is_due(minutes: int) -> bool:
    """At powers of two, then at multiples of the rarest."""
    return minutes & (minutes - 1) == 0 if minutes < _RAREST else minutes % _RAREST == 0
