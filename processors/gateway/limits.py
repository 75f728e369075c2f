"""How many requests a second somebody may make."""

from typing import Final, NamedTuple

from processors.gateway.answers import ApiError, Code
from schemas.times import SECOND_MS

_WINDOW_MS: Final = SECOND_MS


class Standing(NamedTuple):
    """After a request. ``resets_at``: epoch seconds from which on there is all of the ``limit`` again."""

    limit: int
    remaining: int
    resets_at: int

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """As they go out."""
        return (
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.resets_at),
        )


class TooMany(ApiError):
    """More than the limit."""

    def __init__(self, standing: Standing) -> None:
        super().__init__(
            Code.RATE_LIMIT_EXCEEDED,
            f"More than {standing.limit} requests within a second. Try again in the next one.",
            {"Retry-After": "1"},
        )


class Limits:
    """Counts within whole seconds of the clock, of this process alone.

    What is held is what came within the second that is running; so it needs no bound of its own.
    """

    def __init__(self) -> None:
        self._second = -1
        self._counts: dict[str, int] = {}

    def take(self, who: str, limit: int, now_ms: int) -> tuple[Standing, bool]:
        """One more request of ``who``; False: it is one too many."""
        second = now_ms // _WINDOW_MS
        if second != self._second:
            self._second, self._counts = second, {}
        count = self._counts[who] = self._counts.get(who, 0) + 1
        return Standing(limit, max(0, limit - count), second + 1), count <= limit
