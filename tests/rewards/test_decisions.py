"""Who is owed what: each decision of docs/rewards.md by an example."""

import pytest

from schemas.rewards import Reward, RewardRefusal
from schemas.times import DAY_MS
from tests.rewards.builders import (
    CUSTOMER,
    ERASURE,
    HOLD,
    LATE,
    T0,
    WORKSPACE,
    Book,
    Document,
    at,
    event,
    lead,
    of_lead,
    of_sale,
    parsed,
    policy,
    sale,
)

PRO: Document = {"on": "lead", "all": [{"field": "metadata.plan", "equals": "pro"}], "amount": 5_000}


def book(*versions: Document, now_ms: int = LATE) -> Book:
    """With one policy."""
    return Book(parsed(policy(*versions)), now_ms)


def amounts(book: Book) -> dict[str, int]:
    """By kind and partner; sales added up."""
    found: dict[str, int] = {}
    for one in book.newest.values():
        key = f"{one.kind} {one.partner_id}"
        found[key] = found.get(key, 0) + one.amount
    return found


def test_a_lead_pays_once_whatever_it_is_called() -> None:
    ledger = book({"lead": {"amount": 2_500}})
    ledger.send(lead(1, "Sign Up"), lead(2, "Demo"), lead(3, "Trial", link="another"))
    assert amounts(ledger) == {"lead pn": 2_500}
    assert set(ledger.reasons.values()) == {("already_rewarded", 1)}


def test_the_earliest_lead_pays_also_when_it_comes_late() -> None:
    ledger = book({"lead": {"amount": 2_500}})
    later, earlier = lead(2, "Demo", quantity=3), lead(1, "Sign Up", quantity=2)
    ledger.send(later)
    (refusal, reward) = sorted(ledger.send(earlier), key=lambda one: isinstance(one, Reward))
    assert isinstance(reward, Reward)
    assert isinstance(refusal, RewardRefusal)
    assert (reward.revision, reward.amount, reward.delta) == (2, 5_000, -2_500)
    assert (reward.source_id, reward.earned_at) == (earlier["leadId"], at(1))
    assert (refusal.source_id, refusal.reason) == (later["leadId"], "already_rewarded")


def test_of_leads_at_one_moment_the_lesser_id_counts() -> None:
    ledger = book({"lead": {"amount": 2_500}})
    both = lead(1, "Sign Up"), lead(1, "Demo")
    ledger.send(*both)
    assert ledger.newest[of_lead()].source_id == min(one["leadId"] for one in both)


def test_another_partner_may_earn_for_the_same_customer() -> None:
    ledger = book({"lead": {"amount": 2_500}})
    ledger.send(lead(1), lead(2, "Demo", partner="other"))
    assert amounts(ledger) == {"lead pn": 2_500, "lead other": 2_500}


def test_a_lead_that_pays_nothing_uses_nothing_up() -> None:
    ledger = book({"lead": {"amount": 0}, "conditions": [PRO]})
    ledger.send(lead(1, "Sign Up"), lead(2, "Demo", metadata={"plan": "pro"}))
    assert amounts(ledger) == {"lead pn": 5_000}
    assert list(ledger.reasons.values()) == [("zero", 1)]


def test_nor_does_one_whose_conditions_fail() -> None:
    ledger = book({"conditions": [PRO]})
    ledger.send(lead(1, "Sign Up"), lead(2, "Demo", metadata={"plan": "pro"}))
    assert amounts(ledger) == {"lead pn": 5_000}
    assert list(ledger.reasons.values()) == [("condition_failed", 1)]


def test_of_the_groups_that_hold_the_highest_counts_also_below_the_base() -> None:
    groups = [{**PRO, "amount": 1_000}, {**PRO, "amount": 2_000}, {**PRO, "amount": 1_500}]
    ledger = book({"lead": {"amount": 2_500}, "conditions": groups})
    ledger.send(lead(1, metadata={"plan": "pro"}))
    reward = ledger.newest[of_lead()]
    assert (reward.amount, reward.condition) == (2_000, 1)


def test_a_partner_has_terms_of_its_own_instead() -> None:
    """Of leads the base and the conditions; of sales what everybody has."""
    partners = {"pn": {"lead": {"amount": 4_000}}, "other": {"excluded": True}}
    version = {"lead": {"amount": 2_500}, "sale": {"amount": 7}, "conditions": [PRO], "partners": partners}
    ledger = book(version)
    ledger.send(lead(1, metadata={"plan": "pro"}), sale(2), lead(3, "Demo", partner="other"))
    assert amounts(ledger) == {"lead pn": 4_000, "sale pn": 7}
    assert list(ledger.reasons.values()) == [("excluded", 1)]


@pytest.mark.parametrize("missing", [{"program": None}, {"partner": None}], ids=["program", "partner"])
def test_only_a_link_of_a_program_and_a_partner_earns(missing: Document) -> None:
    ledger = book({"lead": {"amount": 2_500}})
    ledger.send(lead(1, **missing))
    assert list(ledger.reasons.values()) == [("no_partner", 1)]


def test_the_time_of_the_lead_chooses_the_version() -> None:
    versions = ({"lead": {"amount": 1}}, {"effectiveFrom": at(10), "lead": {"amount": 2}})
    for day, amount in ((9.999, 1), (10, 2)):
        ledger = book(*versions)
        ledger.send(lead(day))
        assert ledger.newest[of_lead()].amount == amount
    ledger = book({"effectiveFrom": at(10), "lead": {"amount": 2}})
    ledger.send(lead(9.999))
    assert list(ledger.reasons.values()) == [("no_policy", 1)]


@pytest.mark.parametrize(
    ("amount", "percent", "earned"),
    [
        (10_000, 20, 2_000),
        (999, 20.0, 200),
        (1, 50, 1),
        (1, 49.99, 0),
        (2**63 - 1, 100, 2**63 - 1),
        (3, 0.01, 0),
    ],
)
def test_a_share_is_rounded_half_up_to_minor_units(amount: int, percent: float, earned: int) -> None:
    ledger = book({"sale": {"percent": percent}})
    ledger.send(sale(1, amount=amount))
    assert amounts(ledger) == ({"sale pn": earned} if earned else {})


@pytest.mark.parametrize(
    ("months", "days"), [(None, [0, 31, 59, 4_000]), (0, [0]), (1, [0]), (2, [0, 31]), (12, [0, 31, 59])]
)
def test_sales_earn_for_so_many_months_from_the_first(months: int | None, days: list[int]) -> None:
    """From the first of January: the 31st day after it is the first of February."""
    ledger = book({"sale": {"amount": 1, **({} if months is None else {"months": months})}})
    ledger.send(*(sale(day, f"i{day}") for day in (4_000, 59, 31, 0)))
    paid = {invoice for invoice in (0, 31, 59, 4_000) if ledger.newest[of_sale(f"i{invoice}")].amount}
    assert sorted(paid) == days
    assert {reason for reason, _ in ledger.reasons.values()} <= {"over_duration"}


def test_a_month_that_is_too_short_ends_on_its_last_day() -> None:
    ledger = book({"sale": {"amount": 1, "months": 1}})
    ledger.send(sale(30, "jan 31"), sale(57.9, "feb 27"), sale(58, "feb 28"))
    assert {of_sale("jan 31"), of_sale("feb 27")} == ledger.newest.keys()


def test_a_sale_of_nothing_is_not_the_first() -> None:
    ledger = book({"sale": {"amount": 1, "months": 1}})
    ledger.send(sale(0, "free", amount=0), sale(40, "paid"), sale(60, "again"))
    assert {of_sale("paid"), of_sale("again")} == ledger.newest.keys()
    assert list(ledger.reasons.values()) == [("zero", 1)]


def test_new_and_recurring_sales_may_earn_otherwise() -> None:
    new = {"on": "sale", "all": [{"field": "sale.type", "equals": "new"}], "percent": 50}
    ledger = book({"sale": {"percent": 10}, "conditions": [new]})
    ledger.send(sale(2, "i2"))
    assert amounts(ledger) == {"sale pn": 5_000}
    ledger.send(sale(1, "i1"))
    assert [ledger.newest[of_sale(one)].amount for one in ("i1", "i2")] == [5_000, 1_000]


def test_a_share_keeps_the_currency_of_the_sale_and_an_amount_has_the_policy_s() -> None:
    ledger = book({"sale": {"percent": 10}, "lead": {"amount": 5}})
    ledger.send(sale(1, currency="eur"), lead(1))
    assert {one.kind: one.currency for one in ledger.rewards} == {"sale": "eur", "lead": "usd"}


def test_nothing_is_compared_across_currencies() -> None:
    test = [{"field": "sale.amount", ">": 1}]
    groups = [{"on": "sale", "all": test, "percent": 50}, {"on": "sale", "all": test, "amount": 1}]
    ledger = book({"conditions": groups})
    ledger.send(sale(1, "i1", currency="eur"), sale(2, "i2"))
    assert list(ledger.reasons.values()) == [("currency_mismatch", 1)]
    assert ledger.newest.keys() == {of_sale("i2")}


@pytest.mark.parametrize("payable", [True, False], ids=["payable", "pending"])
def test_a_lead_that_moves_takes_back_and_grants_at_once(payable: bool) -> None:
    ledger = book({"lead": {"amount": 2_500}}, now_ms=T0 + 5 * DAY_MS)
    ledger.send(lead(1))
    if payable:
        ledger.advance(T0 + 31 * DAY_MS)
    assert ledger.newest[of_lead()].status == ("payable" if payable else "pending")
    taken, granted = ledger.send(lead(1, revision=2, partner="other"))
    assert isinstance(taken, Reward)
    assert isinstance(granted, Reward)
    assert (taken.partner_id, taken.status, taken.reason) == ("pn", "cancelled", "moved")
    assert (taken.amount, taken.delta) == (0, -2_500)
    assert (granted.partner_id, granted.delta, granted.revision) == ("other", 2_500, 1)
    assert sum(one.delta for one in ledger.rewards) == 2_500


def test_a_lead_that_comes_back_is_owed_again() -> None:
    ledger = book({"lead": {"amount": 2_500}})
    ledger.send(lead(1), lead(1, revision=2, partner="other"), lead(1, revision=3))
    assert amounts(ledger) == {"lead pn": 2_500, "lead other": 0}
    assert [one.revision for one in ledger.rewards if one.partner_id == "pn"] == [1, 2, 3]


def test_an_older_revision_says_nothing() -> None:
    ledger = book({"lead": {"amount": 2_500}})
    ledger.send(lead(1, revision=2))
    assert ledger.send(lead(1, revision=1, partner="other"), lead(1, revision=2)) == []


def test_refunds_lower_a_reward_in_proportion_to_zero_at_most() -> None:
    ledger = book({"sale": {"percent": 20}})
    sold = sale(1, amount=999)
    ledger.send(sold, event("refund", sold["saleId"], 2, "e1", 500))
    assert (ledger.newest[of_sale()].amount, ledger.newest[of_sale()].reason) == (99, "refunded")
    assert ledger.send(event("refund", sold["saleId"], 2, "e1", 500)) == [], "once per eventId"
    ledger.send(event("refund", sold["saleId"], 3, "e2", 500))
    reward = ledger.newest[of_sale()]
    assert (reward.gross, reward.amount, reward.revision) == (200, 0, 3)


def test_a_refund_that_comes_before_its_sale_waits_for_the_hold() -> None:
    refund = event("refund", sale(1)["saleId"], 2, amount=5_000)
    ledger = book({"sale": {"percent": 20}})
    assert ledger.send(refund) == []
    ledger.send(sale(1))
    assert ledger.newest[of_sale()].amount == 1_000
    in_vain = book({"sale": {"percent": 20}})
    in_vain.send(refund)
    in_vain.advance(LATE + HOLD - 1)
    assert in_vain.refusals == []
    in_vain.advance(LATE + HOLD)
    assert list(in_vain.reasons.values()) == [("no_sale", 1)]
    in_vain.send(sale(1))
    assert in_vain.newest[of_sale()].amount == 2_000


def test_payable_when_the_holding_period_is_over() -> None:
    ledger = book({"lead": {"amount": 2_500}}, now_ms=T0 + 2 * DAY_MS)
    ledger.send(lead(1))
    ledger.advance(T0 + 31 * DAY_MS - 1)
    assert [one.status for one in ledger.rewards] == ["pending"]
    ledger.advance(T0 + 31 * DAY_MS)
    assert [(one.status, one.delta) for one in ledger.rewards] == [("pending", 2_500), ("payable", 0)]


def test_what_is_payable_stays_so_by_a_clock_that_is_behind() -> None:
    ledger = book({"lead": {"amount": 2_500}, "sale": {"amount": 1}}, now_ms=T0 + 40 * DAY_MS)
    ledger.send(lead(1))
    ledger.now_ms = T0 + 2 * DAY_MS
    ledger.send(sale(2))
    assert [one.status for one in ledger.rewards] == ["payable", "pending"]


def test_the_newest_of_holds_and_releases_counts_in_any_order() -> None:
    hold, release = event("hold", of_lead(), 2), event("release", of_lead(), 3)
    for events in ((hold, release), (release, hold)):
        ledger = book({"lead": {"amount": 2_500}})
        ledger.send(lead(1), *events)
        assert ledger.newest[of_lead()].status == "payable"
    ledger.send(event("hold", of_lead(), 4))
    assert (ledger.newest[of_lead()].status, ledger.newest[of_lead()].amount) == ("held", 2_500)


def test_a_partner_who_is_the_customer_is_held_until_somebody_releases_it() -> None:
    ledger = book({"lead": {"amount": 2_500}, "partners": {"pn": {"email": "Pat.Ner@gmail.com"}}})
    ledger.send(lead(1, email="patner+shop@googlemail.com"))
    assert (ledger.newest[of_lead()].status, ledger.newest[of_lead()].reason) == ("held", "self_referral")
    ledger.send(event("release", of_lead(), 0))
    assert ledger.newest[of_lead()].status == "payable"


def test_a_lead_reward_that_was_cancelled_is_never_granted_again() -> None:
    ledger = book({"lead": {"amount": 2_500}})
    ledger.send(lead(2), event("cancel", of_lead(), 3), event("release", of_lead(), 4), lead(1, "Demo"))
    reward = ledger.newest[of_lead()]
    assert (reward.status, reward.amount, reward.reason) == ("cancelled", 0, "cancelled")


def test_an_event_about_a_reward_that_never_comes_is_refused_after_the_hold() -> None:
    ledger = book({"lead": {"amount": 2_500}})
    ledger.send(event("cancel", of_lead(), 1))
    ledger.advance(LATE + HOLD)
    assert list(ledger.reasons.values()) == [("no_reward", 1)]


def test_without_a_policy_a_lead_waits_for_the_hold() -> None:
    ledger = Book({}, LATE)
    ledger.send(lead(1))
    ledger.advance(LATE + HOLD - 1)
    assert ledger.rewards == []
    assert ledger.refusals == []
    ledger.advance(LATE + HOLD)
    assert list(ledger.reasons.values()) == [("no_policy", 1)]


def test_a_policy_that_comes_meanwhile_decides() -> None:
    ledger = Book({}, LATE)
    ledger.send(lead(1))
    ledger.advance(LATE + HOLD // 2)
    ledger.ledger = ledger.ledger.with_policies(parsed(policy({"lead": {"amount": 7}})))
    ledger.advance(LATE + HOLD)
    assert amounts(ledger) == {"lead pn": 7}
    assert ledger.refusals == []


def test_somebody_looks_for_the_policy_soon_and_then_ever_less_often() -> None:
    ledger, looks = Book({}, LATE), 0
    ledger.send(lead(1))
    while ledger.state is not None and (due := ledger.ledger.due_ms(ledger.state)) is not None:
        ledger.advance(due)
        looks += 1
    assert 8 < looks < 16


def test_a_lead_later_than_the_clock_waits_for_it() -> None:
    """By then there may be another version for its time."""
    ledger = book({"lead": {"amount": 1}}, now_ms=T0)
    ledger.send(lead(0.5))
    assert ledger.rewards == []
    versions = ({"lead": {"amount": 1}}, {"effectiveFrom": at(0.25), "lead": {"amount": 2}})
    ledger.ledger = ledger.ledger.with_policies(parsed(policy(*versions)))
    ledger.advance(T0 + DAY_MS // 2)
    assert amounts(ledger) == {"lead pn": 2}


def test_an_erasure_cancels_nothing_and_what_comes_later_counts() -> None:
    ledger = book({"lead": {"amount": 2_500}, "sale": {"percent": 20}})
    ledger.send(lead(1), sale(2))
    assert ledger.send(ERASURE) == []
    ledger.send(event("refund", sale(2)["saleId"], 3, amount=10_000))
    assert amounts(ledger) == {"lead pn": 2_500, "sale pn": 0}


def test_of_an_erased_person_nothing_waits_for_a_policy() -> None:
    ledger = Book({}, LATE)
    ledger.send(lead(1, metadata={"plan": "pro"}), ERASURE, lead(2, "Demo"))
    assert set(ledger.reasons.values()) == {("no_policy", 1)}
    assert ledger.state is not None
    assert all(one.held is None for one in ledger.state.sources.values())


def test_nobody_is_told_whose_reward_it_is() -> None:
    ledger = book({"lead": {"amount": 2_500}})
    (reward,) = ledger.send(lead(1))
    assert isinstance(reward, Reward)
    assert reward.customer_id.startswith("cus_")
    assert CUSTOMER not in repr(reward).replace(WORKSPACE, "")
