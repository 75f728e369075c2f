"""What is stored: bounds, versions of the format, and how little it is."""

import pytest

from processors.rewards.ledger import Bounds
from processors.rewards.state import NewerState, State, dump, load
from tests.rewards.builders import LATE, Book, event, lead, of_lead, parsed, policy, sale

POLICY = {"lead": {"amount": 2_500}, "sale": {"percent": 20, "months": 12}}


def test_a_state_of_a_newer_release_says_so() -> None:
    with pytest.raises(NewerState, match="version 2"):
        load(b"\x02" + dump(State())[1:])


def test_what_an_older_release_stored_is_read() -> None:
    """Fields are only ever appended."""
    assert load(b"\x01\x90") == State()


def test_a_customer_with_one_lead_takes_less_than_a_kilobyte() -> None:
    book = Book(parsed(policy(POLICY)), LATE)
    book.send(lead(1, metadata={"text": "x" * 9_000}))
    assert book.state is not None
    assert len(dump(book.state)) < 400


def test_beyond_what_is_remembered_nothing_earns_and_nothing_changes() -> None:
    book = Book(parsed(policy(POLICY)), LATE, Bounds(sources=2, events=1))
    book.send(lead(1), sale(2, "i1"), event("hold", of_lead(), 3, "e1"))
    before = book.state
    book.send(sale(3, "i2"), event("cancel", of_lead(), 4, "e2"))
    assert book.state == before
    assert sorted(book.reasons.values()) == [("too_many", 1), ("too_many", 1)]
    book.send(lead(1, revision=2, partner="other"))
    assert book.newest[of_lead("other")].amount == 2_500, "what is remembered may still change"


def test_beyond_its_bytes_too() -> None:
    """What waits has all of its metadata; and once there is a policy, hardly anything."""
    book = Book({}, LATE, Bounds(state_bytes=10_000))
    book.send(*(sale(day, f"i{day}", metadata={"text": "x" * 4_000}) for day in (1, 2, 3)))
    assert list(book.reasons.values()) == [("too_many", 1)]
    assert book.state is not None
    assert len(dump(book.state)) < 10_000
    book.ledger = book.ledger.with_policies(parsed(policy(POLICY)))
    book.send(sale(3, "i3", metadata={"text": "x" * 4_000}))
    assert [one.amount for one in book.rewards] == [2_000] * 3
