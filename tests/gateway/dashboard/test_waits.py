"""How long leads took, from the shortest wait to the longest."""

from processors.gateway.dashboard.journeys import Took
from processors.gateway.dashboard.waits import BORDERS, Waited, buckets


def test_what_nobody_has_waited_is_there_between_what_somebody_has() -> None:
    shown = buckets(Waited(None, {480: 1, 60: 6, 120: 3}, Took.of([90.0, 500.0])))
    assert [(one.from_s, one.to_s, one.leads, one.share, one.by_then, one.width) for one in shown] == [
        (60, 120, 6, 0.6, 0.6, "100.00%"),
        (120, 240, 3, 0.3, 0.9, "50.00%"),
        (240, 480, 0, 0.0, 0.9, "0.00%"),
        (480, 960, 1, 0.1, 1.0, "16.67%"),
    ]


def test_nobody_has_waited() -> None:
    assert buckets(Waited(None, {}, Took.of([]))) == []


def test_who_waited_longest_is_within_a_bucket() -> None:
    [one] = buckets(Waited(None, {BORDERS[-1]: 1}, Took.of([1.0, 1.0])))
    assert one.from_s == BORDERS[-1] < one.to_s
