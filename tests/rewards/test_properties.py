"""The ledger against the reference model, and its invariants, for any history hypothesis can think of."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from processors.audit.model.rewards import Owed, OwedReward, owed
from processors.rewards.state import dump
from schemas.rewards import Reward
from schemas.times import HOUR_MS
from tests.attribution.effort import examples
from tests.rewards.builders import HOLD, LATE, T0, WORKSPACE, Book, Document, Said, parsed, with_hashes
from tests.rewards.strategies import History, histories


def expected_of(history: History) -> Owed:
    results = [one for one in history.documents if "type" not in one]
    events = [one for one in history.documents if one.get("type", "erasure") != "erasure"]
    return owed(
        results, events, {(WORKSPACE, one["programId"]): with_hashes(one) for one in history.policies}
    )


def assert_owed(book: Said, expected: Owed) -> None:
    """What is owed is the model's, and all else that was published is taken back."""
    found = book.newest
    for identity, reward in expected.rewards.items():
        assert as_owed(found.pop(identity)) == reward
    assert all((one.status, one.amount) == ("cancelled", 0) for one in found.values())
    of_sources = {one.source_id: one for one in book.refusals if one.kind in ("lead", "sale")}
    reasons = {one: reason for one, reason in book.reasons.items() if one in of_sources}
    assert reasons == expected.refusals


def as_owed(reward: Reward) -> OwedReward:
    return OwedReward(
        reward.kind,
        reward.program_id,
        reward.partner_id,
        reward.source_id,
        reward.source_revision,
        datetime.fromisoformat(reward.policy_version),
        reward.condition,
        reward.gross,
        reward.amount,
        reward.currency,
        reward.status,
    )


def assert_invariants(book: Said, history: History) -> None:
    """Of what was published, all of it."""
    by_id: dict[str, list[Reward]] = defaultdict(list)
    for reward in book.rewards:
        by_id[reward.reward_id].append(reward)
    for revisions in by_id.values():
        assert [one.revision for one in revisions] == list(range(1, len(revisions) + 1))
        assert sum(one.delta for one in revisions) == revisions[-1].amount
        assert all(0 <= one.amount <= one.gross for one in revisions)
    newest = book.newest.values()
    paid_leads = [(one.program_id, one.partner_id) for one in newest if one.kind == "lead" and one.amount]
    assert len(paid_leads) == len(set(paid_leads))
    sources = newest_sources(history)
    for one in newest:
        link = sources[one.source_id]["link"]
        named = (one.program_id, one.partner_id) == (link["programId"], link["partnerId"])
        assert one.status == "cancelled" or named
    accounted = {one.source_id for one in newest if named_by(one, sources)} | book.reasons.keys()
    assert accounted >= sources.keys()
    assert not {one.source_id for one in newest if one.status != "cancelled"} & book.reasons.keys()


def named_by(reward: Reward, sources: dict[str, Document]) -> bool:
    return bool(reward.source_revision == sources[reward.source_id]["revision"])


def newest_sources(history: History) -> dict[str, Document]:
    newest: dict[str, Document] = {}
    for one in history.documents:
        identity = one.get("saleId") or one.get("leadId")
        if identity and (identity not in newest or one["revision"] > newest[identity]["revision"]):
            newest[identity] = one
    return newest


@examples(700)
@given(histories())
def test_any_order_ends_in_what_the_model_says(history: History) -> None:
    book = Book(parsed(*history.policies), LATE)
    book.send(*history.documents)
    book.advance(LATE + HOLD)
    assert_owed(book, expected_of(history))
    assert_invariants(book, history)


@examples(250)
@given(
    histories(erasures=False),
    st.lists(st.sampled_from((0, 1, 20 * HOUR_MS // 24)), min_size=1),
    st.integers(0, 20),
)
def test_what_has_to_wait_ends_in_the_same(history: History, gaps: Sequence[int], policies_at: int) -> None:
    """Policies, and the moment of an event itself, may come later than the event, within the hold."""
    book = Book({}, T0 + 40 * 24 * HOUR_MS)
    for number, one in enumerate(history.documents):
        if number == policies_at:
            book.ledger = book.ledger.with_policies(parsed(*history.policies))
        book.advance(book.now_ms + gaps[number % len(gaps)])
        book.send(one)
    book.ledger = book.ledger.with_policies(parsed(*history.policies))
    book.advance(LATE)
    assert_owed(book, expected_of(history))
    assert_invariants(book, history)


@examples(250)
@given(histories())
def test_a_replay_says_nothing_and_changes_nothing(history: History) -> None:
    book = Book(parsed(*history.policies), LATE)
    book.send(*history.documents)
    before = book.state
    assert book.send(*history.documents) == []
    assert before is not None
    assert book.state == before


@examples(150)
@given(histories(), st.integers(0, 2**32))
def test_the_state_is_the_same_in_any_order(history: History, seed: int) -> None:
    """But for what was said on the way, and when."""
    shuffled = list(history.documents)
    Random(seed).shuffle(shuffled)
    books = Book(parsed(*history.policies), LATE), Book(parsed(*history.policies), LATE)
    for book, documents in zip(books, (history.documents, shuffled), strict=True):
        book.send(*documents)
    one, other = (book.state for book in books)
    assert one is not None
    assert other is not None
    assert one.events == other.events
    assert {key: (one.verdict, one.later) for key, one in one.sources.items()} == {
        key: (one.verdict, one.later) for key, one in other.sources.items()
    }


@examples(150)
@given(histories())
def test_nothing_personal_is_remembered_or_told(history: History) -> None:
    secret = b"p@example.com"
    book = Book(parsed(*history.policies), LATE)
    outputs = book.send(*history.documents) + book.advance(LATE + HOLD)
    assert book.state is not None
    told = repr(outputs).encode()
    for text in (secret, b"plan", b'"US"', b"Sign Up"):
        assert text not in dump(book.state)
        assert text not in told
