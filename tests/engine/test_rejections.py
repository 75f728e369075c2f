"""Too many rejected records: what is counted, and whom it stops."""

from collections.abc import Sequence

import pytest
from aiokafka.structs import TopicPartition

from processors.engine.errors import ProcessorHalt
from processors.engine.processor import Output, Rejected
from processors.engine.records import Record
from processors.engine.rejections import SPAN, TooManyRejected, Window
from processors.engine.settings import Limits
from tests.engine.lives import Worker
from tests.engine.records import record
from tests.engine.test_batch import K, Toy

REJECTED = Rejected([], "bad", "workspace acme")
MOST = SPAN // 2
LIMITS = Limits(rejected=0.5, remedy="Mend it.")


def after(window: Window, pattern: Sequence[bool], most: float = MOST) -> tuple[Window, Rejected | None]:
    """When these have come; true: it was rejected."""
    found = [(number, REJECTED) for number, bad in enumerate(pattern, 1) if bad]
    return window.after(len(pattern), found, most)


def test_half_of_the_records_may_be_rejected() -> None:
    window = Window()
    for _ in range(5):
        window, too_much = after(window, [False, True] * SPAN)
        assert too_much is None
        assert window.rejected == MOST


def test_one_more_than_half_is_too_much() -> None:
    pattern = [False] * (MOST - 1) + [True] * (MOST + 1)
    assert after(Window(), pattern[:-1])[1] is None
    assert after(Window(), pattern)[1] is REJECTED


def test_a_partition_that_has_just_begun_is_judged_by_the_same_number() -> None:
    assert after(Window(), [True] * MOST)[1] is None
    assert after(Window(), [True] * (MOST + 1))[1] is REJECTED


def test_what_follows_in_the_same_batch_does_not_make_up_for_it() -> None:
    assert after(Window(), [True] * (MOST + 1) + [False] * 10 * SPAN)[1] is REJECTED


def test_it_does_not_matter_how_they_come_in_batches() -> None:
    pattern = [number % 3 != 0 for number in range(700)]
    whole, window = after(Window(), pattern)[0], Window()
    for start in range(0, len(pattern), 77):
        window, _ = after(window, pattern[start : start + 77])
    assert window == whole


def test_old_ones_are_forgotten() -> None:
    window, _ = after(Window(), [True] * MOST)
    window, _ = after(window, [False] * SPAN)
    assert window.rejected == 0
    assert after(window, [True] * MOST)[1] is None


def test_limit_zero_stops_at_the_first_and_limit_one_never() -> None:
    assert after(Window(), [True], 0)[1] is REJECTED
    assert after(Window(), [True] * 3 * SPAN, SPAN)[1] is None


class Refusing(Toy):
    """``bad…`` is rejected; whose it is follows. ``bad!``: it was rejected before."""

    def parse(self, r: Record, now_ms: int) -> tuple[str, bytes, bytes]:
        if r.value.startswith(b"bad"):
            origin = r.value[3:].decode().rstrip("!")
            raise Rejected([Output("dead", r.key, r.value)], "no good", origin, counts=r.value[-1:] != b"!")
        return super().parse(r, now_ms)


def records(partition: int, values: Sequence[bytes], start: int = 0) -> tuple[str, int, list[Record]]:
    return (
        "in",
        partition,
        [record("in", partition, start + n, K[partition], v) for n, v in enumerate(values)],
    )


def worker(limits: Limits = LIMITS) -> Worker:
    return Worker(limits, Refusing())


def test_the_partition_stands_still_and_says_whose_records_it_is() -> None:
    one = worker()
    assert one.live(records(1, [b"badacme"] * 300 + [b"bad"] * 200)) is not None
    with pytest.raises(TooManyRejected) as many:
        one.compute(records(1, [b"bad"], 500), records(2, [b"1"]))
    assert many.value.tp == TopicPartition("in", 1)
    assert str(many.value) == (
        "in, partition 1, stands still: 501 of the last 501 records could not be used, the last one because "
        "of no good. Of acme are 300. Nothing was skipped. Mend it."
    )


def test_the_count_outlives_the_process() -> None:
    """Under a supervisor that starts it again and again not one more is let through."""
    one = worker()
    one.live(records(1, [b"bad"] * 500))
    for _ in range(3):
        one.start()
        with pytest.raises(TooManyRejected):
            one.compute(records(1, [b"bad"] * 300, 500))


def test_good_records_count_as_well_and_it_is_forgotten_in_the_end() -> None:
    one = worker()
    one.live(records(1, [b"bad"] * 400))
    one.live(records(1, [b"1"] * 600, 400))
    assert one.live(records(1, [b"bad"] * 400, 1000)) is not None
    one.live(records(1, [b"1"] * SPAN, 1400))
    assert not any(one.metadata.values())


def test_nobody_else_is_counted_in() -> None:
    one = worker()
    for start in range(0, 5_000, 250):
        chunks = [records(1, [b"badacme", b"1"] * 125, start), records(2, [b"1"] * 250, start)]
        assert one.live(*chunks) is not None


def test_what_was_rejected_before_does_not_count() -> None:
    one = worker(Limits(rejected=0.0))
    assert one.live(records(1, [b"bad!"] * 2 * SPAN)) is not None
    with pytest.raises(TooManyRejected):
        one.live(records(1, [b"bad"], 2 * SPAN))


def test_without_a_limit_nothing_is_counted() -> None:
    one = worker()
    one.live(records(1, [b"bad"] * 10))
    assert any(one.metadata.values())
    free = worker(Limits())
    free.metadata = one.metadata
    free.start()
    assert free.live(records(1, [b"bad"] * 3 * SPAN, 10)) is not None
    assert not any(free.metadata.values())


def test_a_deployment_that_cannot_read_anything_stops() -> None:
    """Before every one of its partitions is over its limit: after as many as one of them may have."""
    one = worker()
    values = [b"bad"] * 125
    assert one.live(*[records(partition, values) for partition in range(4)]) is not None
    with pytest.raises(ProcessorHalt, match=r"^501 of the last 501 records could not be used"):
        one.compute(records(3, [b"bad"], 125))


def test_good_records_of_before_do_not_hide_it() -> None:
    one = worker()
    for partition in range(4):
        one.live(records(partition, [b"1"] * 2 * SPAN))
    one.live(*[records(partition, [b"bad"] * 125, 2 * SPAN) for partition in range(4)])
    with pytest.raises(ProcessorHalt):
        one.compute(records(3, [b"bad"], 2 * SPAN + 125))


def test_the_records_of_one_origin_stop_no_partition_that_has_not_too_many_of_them() -> None:
    one = worker()
    for start in range(0, 2_000, 100):
        chunks = [records(partition, [b"badacme", b"1"] * 50, start) for partition in range(4)]
        assert one.live(*chunks) is not None
    # More than half of all there is, and yet of one origin: each partition is judged by itself.
    chunks = [records(partition, [b"badacme"] * 200, 2_000) for partition in range(4)]
    with pytest.raises(TooManyRejected):
        one.compute(*chunks)
    fresh = worker()
    assert fresh.live(*[records(partition, [b"badacme"] * 400) for partition in range(4)]) is not None


def test_partitions_that_stand_still_are_not_counted_again() -> None:
    one = worker()
    one.live(records(1, [b"bad"] * 500))
    with pytest.raises(TooManyRejected) as many:
        one.compute(records(1, [b"bad"], 500))
    one.troubles.stopped.add(many.value.tp)
    assert one.live(records(2, [b"bad"])) is not None
