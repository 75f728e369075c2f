"""What programs pay, as the records of its topic say it."""

from itertools import count

import orjson
from aiokafka import ConsumerRecord

from processors.rewarding.policies import PolicyBook
from tests.rewards.builders import WORKSPACE, Document, policy

PROGRAM = (WORKSPACE, "pg")
POLICY = policy({"lead": {"amount": 2_500}})
_offsets = count()


def told(book: PolicyBook, value: Document | bytes | None, key: bytes = b"w1:pg") -> bool:
    raw = orjson.dumps(value) if isinstance(value, dict) else value
    size = len(raw or b"")
    return book.apply(
        ConsumerRecord("reward-policies", 0, next(_offsets), 0, 0, key, raw, None, len(key), size, ())
    )


def test_the_newest_counts_and_who_has_the_old_ones_keeps_them() -> None:
    book = PolicyBook()
    assert told(book, POLICY)
    before = book.policies
    assert told(book, policy(*POLICY["versions"], {"effectiveFrom": "2030-01-01T00:00:00Z"}))
    assert [len(one[PROGRAM].versions) for one in (before, book.policies)] == [1, 2]
    assert told(book, None)
    assert (book.policies, list(book.documents())) == ({}, [])


def test_by_what_cannot_be_read_nobody_is_paid_nor_by_what_it_replaced() -> None:
    newer, another = {**POLICY, "tiers": []}, policy(*POLICY["versions"], program="another")
    for unreadable in (newer, b"nonsense", another, b"[" * 100_000):
        book = PolicyBook()
        told(book, POLICY)
        told(book, policy(*POLICY["versions"], program="two"), b"w1:two")
        assert not told(book, unreadable)
        assert list(book.policies) == [(WORKSPACE, "two")]
        assert book.unreadable == {PROGRAM}
        assert told(book, POLICY)
        assert set(book.policies) == {PROGRAM, (WORKSPACE, "two")}
        assert not book.unreadable
    assert not told(book, POLICY, b"\xff:pg")
    assert len(book.policies) == 2
