"""Lag in seconds, from lag in records."""

from collections.abc import Callable, Mapping

from processors.clock import epoch_ms

Place = tuple[str, int]
"""Topic and partition."""


class LagSeconds:
    """Remembers when a partition was last seen without a lag: after a quiet hour the next record is no hour
    late.
    """

    def __init__(self, clock: Callable[[], int] = epoch_ms) -> None:
        self._clock = clock
        self._without_ms: dict[Place, int] = {}

    def __call__(self, lag: Mapping[Place, int], reached_ms: Mapping[Place, int]) -> dict[Place, float]:
        """``lag`` in records; ``reached_ms``: the time of the last record that was dealt with, where there is
        one. Since that, or since a look that found no lag, or else since the first look.
        """
        now, before = self._clock(), self._without_ms
        without = self._without_ms = {
            place: before.get(place, now) if records else now for place, records in lag.items()
        }
        return {
            place: max(0, now - max(without[place], reached_ms.get(place, 0))) / 1000 if records else 0.0
            for place, records in lag.items()
        }


def by_label(values: Mapping[Place, float]) -> dict[tuple[str, ...], float]:
    """For a metric with the labels topic and partition."""
    return {(topic, str(partition)): value for (topic, partition), value in values.items()}
