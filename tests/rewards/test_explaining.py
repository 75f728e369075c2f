"""Why a customer's leads and sales earn what they earn."""

from hypothesis import given

from processors.rewards.explaining import everything, explained, told
from processors.rewards.ledger import Bounds
from tests.attribution.effort import examples
from tests.rewards.builders import LATE, Book, Document, event, lead, of_lead, of_sale, parsed, policy, sale
from tests.rewards.strategies import History, histories
from tests.rewards.test_properties import expected_of

PRO: Document = {"on": "lead", "all": [{"field": "metadata.plan", "equals": "pro"}], "amount": 5_000}


def test_each_says_what_decided() -> None:
    book = Book(parsed(policy({"lead": {"amount": 1}, "sale": {"percent": 10}, "conditions": [PRO]})), LATE)
    book.send(
        lead(1, metadata={"plan": "pro"}),
        lead(2, "Demo"),
        sale(3, currency="eur"),
        event("refund", sale(3)["saleId"], 4, amount=5_000),
        event("hold", of_sale(), 5),
        lead(6, "Trial", program="none", partner="other"),
        lead(7, "Other", partner=None),
    )
    assert book.state is not None
    assert [str(one).partition(": ")[2] for one in explained(book.state)] == [
        "5000 of 5000 usd, payable; version 2000-01-01T00:00:00.000Z, condition 0",
        "earns nothing, already_rewarded; would be 1 usd; version 2000-01-01T00:00:00.000Z, base",
        "500 of 1000 eur, held (held); version 2000-01-01T00:00:00.000Z, base",
        "waits for a policy of program none, its time or its cap",
        "earns nothing, no_partner",
    ]


VERSION = "version 2000-01-01T00:00:00.000Z"


def lines(book: Book) -> list[str]:
    """All that is said of the customer, without times and ids of leads and sales."""
    assert book.state is not None
    sources, events = everything(book.state, told(book.rewards, book.refusals))
    return [
        *(" ".join([one.kind, one.partner_id or "nobody", str(one).partition(": ")[2]]) for one in sources),
        *(str(one).partition(" ")[2] for one in events),
    ]


def test_what_was_taken_back_is_said_with_what_it_was() -> None:
    book = Book(parsed(policy({"lead": {"amount": 2_500}, "sale": {"percent": 10}})), LATE)
    book.send(lead(1), sale(2), event("refund", sale(2)["saleId"], 3, "re_1", 5_000))
    book.send(lead(1, revision=2, partner="other"), sale(2, revision=2, partner="other"))
    book.send(lead(1, revision=3, partner=None))
    assert lines(book) == [
        "lead nobody earns nothing, no_partner",
        f"lead pn 0 of 2500 usd, cancelled (moved), 2500 taken back; {VERSION}, base",
        f"lead other 0 of 2500 usd, cancelled (moved), 2500 taken back; {VERSION}, base",
        f"sale other 500 of 1000 usd, payable (refunded); {VERSION}, base",
        f"sale pn 0 of 1000 usd, cancelled (moved), 500 taken back; {VERSION}, base",
        f"refund of 5000 of {sale(2)['saleId']}, event re_1",
    ]


def test_what_earns_nothing_any_more_was_taken_back_too() -> None:
    pays_for_one = {"partners": {"pn": {"conditions": [PRO]}}}
    book = Book(parsed(policy(pays_for_one)), LATE)
    book.send(lead(1, metadata={"plan": "pro"}), lead(1, revision=2))
    assert lines(book) == [
        f"lead pn earns nothing, condition_failed; {VERSION}",
        f"lead pn 0 of 5000 usd, cancelled (condition_failed), 5000 taken back; {VERSION}, condition 0",
    ]


def test_events_that_led_to_nothing_are_said_and_those_that_were_said_again_count() -> None:
    book = Book(parsed(policy({"sale": {"percent": 10}})), LATE)
    hold = event("hold", of_lead(), 4, "h_1")
    refund = event("refund", sale(3)["saleId"], 3, "re_1", 500)
    book.send(refund, hold)
    book.advance(LATE * 2)
    assert lines(book) == [
        "refund, event re_1: led to nothing, no_sale",
        "hold, event h_1: led to nothing, no_reward",
    ]
    book.send(refund, sale(3))
    assert lines(book) == [
        f"sale pn 950 of 1000 usd, payable (refunded); {VERSION}, base",
        f"refund of 500 of {sale(3)['saleId']}, event re_1",
        "hold, event h_1: led to nothing, no_reward",
    ]


def test_what_is_beyond_what_is_remembered_is_said() -> None:
    book = Book(parsed(policy({"lead": {"amount": 1}})), LATE, Bounds(sources=1, events=0))
    book.send(lead(1), lead(2, "Demo"), event("hold", of_lead(), 4, "h_1"))
    assert lines(book) == [
        f"lead pn 1 of 1 usd, payable; {VERSION}, base",
        "lead pn earns nothing, too_many",
        "hold, event h_1: led to nothing, too_many",
    ]


def test_of_a_sale_that_pays_no_more_the_terms_of_later_ones_are_said() -> None:
    only_new = {"on": "sale", "all": [{"field": "sale.type", "equals": "new"}], "percent": 50}
    book = Book(parsed(policy({"sale": {"percent": 10, "months": 1}, "conditions": [only_new]})), LATE)
    book.send(sale(1), sale(60, "i2"))
    assert lines(book) == [
        f"sale pn 5000 of 5000 usd, payable; {VERSION}, condition 0",
        f"sale pn earns nothing, over_duration; would be 1000 usd; {VERSION}, base",
    ]


@examples(150)
@given(histories())
def test_it_says_what_the_model_says(history: History) -> None:
    book = Book(parsed(*history.policies), LATE)
    book.send(*history.documents)
    assert book.state is not None
    found, expected = explained(book.state), expected_of(history)
    amounts = {one.reward_id: one.amount for one in found if one.reward_id is not None}
    assert amounts == {identity: one.amount for identity, one in expected.rewards.items()}
    refused = {one.source_id for one in found if one.refusal is not None}
    waiting = {one.source_id for one in found if one.refusal is None and one.reward_id is None}
    assert refused | waiting == expected.refusals.keys()


@examples(150)
@given(histories())
def test_nothing_that_was_published_is_left_out(history: History) -> None:
    book = Book(parsed(*history.policies))
    book.send(*history.documents)
    book.advance(LATE * 2)
    assert book.state is not None
    sources, events = everything(book.state, told(book.rewards, book.refusals))
    assert {one.reward_id for one in sources if one.reward_id} == book.newest.keys()
    shown = {one.source_id for one in sources if one.refusal} | {
        one.event_id for one in events if one.refusal
    }
    assert shown == book.reasons.keys() - book.state.events.keys()
