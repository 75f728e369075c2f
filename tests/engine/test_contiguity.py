"""No range of a log is skipped, whatever the fetcher hands in."""

import pytest
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from processors.engine.contiguity import Contiguity, Fetched, Refusal
from processors.engine.inbox import Inbox
from processors.engine.records import Record
from tests.attribution.effort import examples
from tests.engine.records import record

TP = TopicPartition("t", 0)


def fetched(start: int, end: int, *offsets: int) -> Fetched:
    return Fetched(TP, start, end, [record("t", 0, o, b"k", b"v") for o in offsets])


def offsets(records: list[Record]) -> list[int]:
    return [r.offset for r in records]


def test_nothing_is_accepted_before_its_seek() -> None:
    contiguity = Contiguity()
    assert contiguity.accept(fetched(0, 2, 0, 1)) is Refusal.NOT_EXPECTED
    contiguity.expect({TP: 0})
    contiguity.clear()
    assert contiguity.accept(fetched(0, 2, 0, 1)) is Refusal.NOT_EXPECTED


def test_a_hole_in_front_is_refused_and_the_expectation_stands() -> None:
    contiguity = Contiguity()
    contiguity.expect({TP: 10})
    assert contiguity.accept(fetched(12, 14, 12, 13)) is Refusal.GAP
    assert contiguity.wanted(TP) == 10


def test_a_hole_in_the_log_is_no_hole() -> None:
    """Markers, aborted and compacted records: the fetch covers the range, there is nothing in it."""
    contiguity = Contiguity()
    contiguity.expect({TP: 10})
    assert contiguity.accept(fetched(10, 15, 13)) == fetched(10, 15, 13)
    assert contiguity.accept(fetched(15, 17)) == fetched(15, 17)
    assert contiguity.wanted(TP) == 17


def test_what_was_seen_is_trimmed() -> None:
    contiguity = Contiguity()
    contiguity.expect({TP: 10})
    assert contiguity.accept(fetched(8, 12, 8, 9, 10, 11)) == fetched(10, 12, 10, 11)
    assert contiguity.accept(fetched(8, 12, 8, 9, 10, 11)) is Refusal.SEEN
    assert contiguity.wanted(TP) == 12


@examples(100)
@given(st.data())
def test_any_sequence_of_fetches_yields_every_record_once(data: st.DataObject) -> None:
    """Fetches from anywhere, some lost: with a seek on refusal all records come, once, in order."""
    log = sorted(data.draw(st.sets(st.integers(0, 60))))
    contiguity, inbox = Contiguity(), Inbox()
    contiguity.expect({TP: 0})
    position = 0
    for _ in range(200):
        wanted = contiguity.wanted(TP)
        assert wanted is not None
        if wanted > 60:
            break
        if data.draw(st.booleans()):
            position = data.draw(st.integers(0, 60))  # somebody seeks, or a fetch gets lost
        end = min(61, position + data.draw(st.integers(1, 20)))
        accepted = contiguity.accept(fetched(position, end, *(o for o in log if position <= o < end)))
        if isinstance(accepted, Fetched):
            inbox.put(accepted)
            position = end
        else:
            position = wanted
    taken: list[int] = []
    while inbox:
        for chunk in inbox.take(data.draw(st.integers(1, 7)), {TP: data.draw(st.integers(0, 60))}):
            taken += offsets(list(chunk.records))
    wanted = contiguity.wanted(TP)
    assert wanted is not None
    assert taken == [o for o in log if o < wanted]


def test_a_batch_ends_inside_a_fetch() -> None:
    """The offset to go on at is that of the part taken; the rest is still there."""
    inbox = Inbox()
    inbox.put(fetched(0, 10, 0, 1, 5, 6))
    (chunk,) = inbox.take(3)
    assert (offsets(list(chunk.records)), chunk.next_offset) == ([0, 1, 5], 6)
    (chunk,) = inbox.take(3)
    assert (offsets(list(chunk.records)), chunk.next_offset) == ([6], 10)


@pytest.mark.parametrize(
    ("last", "taken"),
    [
        (5, [[0, 1, 5], [6, 11, 12]]),
        (6, [[0, 1, 5, 6], [11, 12]]),
        (8, [[0, 1, 5, 6], [11, 12]]),
        (10, [[0, 1, 5, 6, 11, 12]]),
        (12, [[0, 1, 5, 6, 11, 12]]),
        (99, [[0, 1, 5, 6, 11, 12]]),
    ],
)
def test_a_batch_ends_with_the_last_one(last: int, taken: list[list[int]]) -> None:
    """Of its partition. Where there is no such record there is nothing to wait for."""
    inbox = Inbox()
    inbox.put(fetched(0, 10, 0, 1, 5, 6))
    inbox.put(fetched(10, 13, 11, 12))
    batches = []
    while inbox:
        chunks = inbox.take(100, {TP: last, TopicPartition("other", 0): 1})
        batches.append([offset for chunk in chunks for offset in offsets(list(chunk.records))])
    assert (batches, inbox.records) == (taken, 0)


def test_inner_topics_overtake() -> None:
    """In their own order, however often a batch ends inside one of their fetches."""
    inbox = Inbox(frozenset({"inner"}))
    inner = TopicPartition("inner", 0)
    inbox.put(fetched(0, 2, 0, 1))
    for start in (0, 3):
        inbox.put(fetched(start, start + 3, start, start + 1, start + 2)._replace(tp=inner))
    taken = [(chunk.tp.topic, offsets(list(chunk.records))) for _ in range(4) for chunk in inbox.take(2)]
    assert taken == [("inner", [0, 1]), ("inner", [2]), ("inner", [3]), ("inner", [4, 5]), (TP.topic, [0, 1])]
