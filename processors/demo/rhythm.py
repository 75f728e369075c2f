"""When things happen: by day rather than by night, on weekdays rather than at weekends, and ever more."""

from typing import Final

from schemas.times import DAY_MS, HOUR_MS

# Of each hour, UTC: audiences in Europe and America together.
_HOURS: Final = (4, 3, 3, 3, 3, 4, 6, 9, 12, 14, 15, 15, 16, 18, 20, 21, 20, 19, 17, 15, 13, 11, 8, 6)
_WEEKEND: Final = 0.55
_GROWTH: Final = 0.35
"""By how much the last day is busier than the first."""


class Rhythm:
    """Maps how much has happened to when: ``at(0)`` is ``start_ms``, ``at(1)`` is ``end_ms``.

    Ask with growing fractions only; an answer costs next to nothing then.
    """

    def __init__(self, start_ms: int, end_ms: int) -> None:
        self._starts: list[int] = [*range(start_ms, end_ms, HOUR_MS), end_ms]
        weights = [
            _weight(begin, (begin - start_ms) / (end_ms - start_ms)) * (end - begin)
            for begin, end in zip(self._starts, self._starts[1:], strict=False)
        ]
        total = sum(weights)
        self._shares = [weight / total for weight in weights]
        self._hour = 0
        self._before = 0.0

    def at(self, fraction: float) -> int:
        """The moment at which ``fraction`` of everything has happened, in epoch milliseconds."""
        last = len(self._shares) - 1
        while self._hour < last and self._before + self._shares[self._hour] < fraction:
            self._before += self._shares[self._hour]
            self._hour += 1
        begin, end = self._starts[self._hour], self._starts[self._hour + 1]
        within = min(1.0, (fraction - self._before) / self._shares[self._hour])
        return begin + int((end - begin) * within)


def _weight(moment_ms: int, progress: float) -> float:
    days, in_day = divmod(moment_ms, DAY_MS)
    weekend = _WEEKEND if (days + 3) % 7 >= 5 else 1.0  # 1970-01-01 was a Thursday
    return _HOURS[in_day // HOUR_MS] * weekend * (1 + _GROWTH * progress)
