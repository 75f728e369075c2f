"""Why a customer's leads and sales earn what they earn."""

from hypothesis import given

from processors.rewards.explaining import explained
from tests.attribution.effort import examples
from tests.rewards.builders import LATE, Book, Document, event, lead, of_sale, parsed, policy, sale
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
        "earns nothing, already_rewarded",
        "500 of 1000 eur, held (held); version 2000-01-01T00:00:00.000Z, base",
        "waits for a policy of program none, its time or its cap",
        "earns nothing, no_partner",
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
