"""What has died is started again, later each time; not for ever, where that was said."""

from processors.stack.restarts import LONGEST_PAUSE_S, STEADY_S, Restarts


def test_pauses_grow_up_to_a_bound() -> None:
    restarts = Restarts()
    pauses = [restarts.pause_after(1) for _ in range(9)]
    assert pauses[:4] == [0.5, 1, 2, 4]
    assert pauses[-2:] == [LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_who_has_lived_for_long_begins_anew() -> None:
    restarts = Restarts(most=2)
    assert [restarts.pause_after(1), restarts.pause_after(1)] == [0.5, 1]
    assert [restarts.pause_after(STEADY_S + 1), restarts.pause_after(1)] == [0.5, 1]
    assert restarts.pause_after(1) is None


def test_a_bound_is_kept_although_starts_are_slow() -> None:
    restarts = Restarts(most=1)
    assert restarts.pause_after(STEADY_S + 1) == 0.5
    assert restarts.pause_after(0) is None
