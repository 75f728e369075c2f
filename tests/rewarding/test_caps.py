"""Caps: what fits, and who decides. That nothing makes them overflow: test_invariants."""

from processors.audit.model.caps import decided
from processors.rewards.explaining import everything, told
from processors.rewards.state import load
from schemas.times import DAY_MS
from schemas.topics import Topic, customer_key
from tests.rewarding.world import RewardWorld, record_of
from tests.rewards.builders import (
    T0,
    WORKSPACE,
    Document,
    at,
    event,
    lead,
    of_customer,
    of_lead,
    parsed,
    policy,
    sale,
)


def capped(amount: int, per: str = "allTime") -> RewardWorld:
    """2,500 for each lead, and this much of it at most."""
    return RewardWorld(parsed(paying(amount, per)))


def paying(amount: int, per: str = "allTime") -> Document:
    return policy({"lead": {"amount": 2_500, "cap": {"amount": amount, "per": per}}})


def send(world: RewardWorld, *sent: tuple[str, Document]) -> None:
    for customer, document in sent:
        world.send([of_customer(customer, document)], customer)


def newest(world: RewardWorld) -> dict[str, list[tuple[int, str, str | None]]]:
    return {
        customer: [(one.amount, one.status, one.reason) for one in said.newest.values()]
        for customer, said in world.said.items()
    }


def test_what_does_not_fit_is_cut_and_then_there_is_none() -> None:
    world = capped(4_000)
    send(world, ("ann", lead(1)), ("bob", lead(2)), ("cid", lead(3)))
    assert newest(world) == {
        "ann": [(2_500, "payable", None)],
        "bob": [(1_500, "payable", "capped")],
        "cid": [],
    }
    assert [one.gross for one in world.of("bob").rewards] == [2_500]
    assert list(world.of("cid").reasons.values()) == [("capped", 1)]


def test_each_month_has_its_own_room() -> None:
    world = capped(2_500, "month")
    send(world, ("ann", lead(1)), ("bob", lead(2)), ("cid", lead(40)))
    assert {customer: [one[0] for one in rewards] for customer, rewards in newest(world).items()} == {
        "ann": [2_500],
        "bob": [],
        "cid": [2_500],
    }


def test_room_that_is_given_back_serves_later_rewards_only() -> None:
    world = capped(2_500)
    send(world, ("ann", lead(1)), ("bob", lead(2)), ("ann", event("cancel", of_lead())), ("cid", lead(3)))
    assert newest(world) == {
        "ann": [(0, "cancelled", "cancelled")],
        "bob": [],
        "cid": [(2_500, "payable", None)],
    }


def test_of_what_was_cut_the_cap_is_said_and_what_it_would_have_been() -> None:
    world = capped(4_000, "month")
    send(world, ("ann", lead(1)), ("bob", lead(2)), ("cid", lead(3)))
    by = "version 2000-01-01T00:00:00.000Z, base, cap month of 2026-01-01 UTC in usd, at most 4000"
    assert explained_of(world, "bob") == [f"1500 of 2500 usd, payable (capped); {by}"]
    assert explained_of(world, "cid") == [f"earns nothing, capped; would be 2500 usd; {by}"]


def test_what_is_moved_while_its_cap_decides_was_not_taken_back_yet() -> None:
    world = capped(10_000)
    for document in (lead(1), lead(1, revision=2, quantity=3), lead(1, revision=3, partner="other")):
        world.append(record_of(document))
        world.work()
        if document["revision"] == 1:
            world.settle()
    by = "version 2000-01-01T00:00:00.000Z, base, cap allTime in usd, at most 10000"
    assert f"2500 of 2500 usd, payable; {by}" in explained_of(world, "ann")
    world.settle()
    taken_back = f"0 of 2500 usd, cancelled (moved), 2500 taken back; {by}"
    assert sorted(explained_of(world, "ann")) == [taken_back, f"2500 of 2500 usd, payable; {by}"]


def explained_of(world: RewardWorld, customer: str) -> list[str]:
    state = load(world.states("rewards")[customer_key(WORKSPACE, customer)])
    said = world.of(customer)
    sources, _ = everything(state, told(said.rewards, said.refusals))
    return [str(one).partition(": ")[2] for one in sources]


def test_a_cap_of_sales_is_of_each_customer() -> None:
    world = RewardWorld(parsed(policy({"sale": {"percent": 10, "cap": {"amount": 1_500, "per": "allTime"}}})))
    send(world, ("ann", sale(1, "i1")), ("ann", sale(2, "i2")), ("bob", sale(1, "i1")))
    assert {customer: [one[0] for one in rewards] for customer, rewards in newest(world).items()} == {
        "ann": [1_000, 500],
        "bob": [1_000],
    }


def test_a_refund_lowers_what_is_left_first() -> None:
    """As if the sale had been smaller from the beginning."""
    world = RewardWorld(parsed(policy({"sale": {"percent": 10, "cap": {"amount": 700, "per": "allTime"}}})))
    send(world, ("ann", sale(1, "i1")))
    refunded = sale(1, "i1")["saleId"]
    send(world, ("ann", event("refund", refunded, amount=2_000)))
    assert newest(world)["ann"] == [(700, "payable", "refunded")]
    send(world, ("ann", event("refund", refunded, amount=4_000)))
    assert newest(world)["ann"] == [(400, "payable", "refunded")]
    send(world, ("ann", sale(2, "i2")))
    assert [one[0] for one in newest(world)["ann"]] == [400, 300]


def test_a_share_in_another_currency_than_the_cap_is_a_mismatch() -> None:
    world = RewardWorld(parsed(policy({"sale": {"percent": 10, "cap": {"amount": 700, "per": "allTime"}}})))
    send(world, ("ann", sale(1, currency="eur")))
    assert list(world.of("ann").reasons.values()) == [("currency_mismatch", 1)]


def test_versions_in_two_currencies_have_room_of_their_own() -> None:
    cap = {"amount": 4_000, "per": "allTime"}
    rules: Document = {"lead": {"amount": 2_500, "cap": cap}, "sale": {"percent": 10, "cap": cap}}
    later = {"effectiveFrom": at(10), "currency": "eur", **rules}
    world = RewardWorld(parsed(policy(rules, later)))
    send(world, ("ann", lead(1)), ("bob", lead(2)), ("cid", lead(11)), ("dan", lead(12)), ("eve", lead(3)))
    send(world, ("ann", sale(2, amount=30_000)), ("ann", sale(11, "i2", 30_000, currency="eur")))
    amounts = {
        customer: [(one.amount, one.currency) for one in said.newest.values()]
        for customer, said in world.said.items()
    }
    assert amounts == {
        "ann": [(2_500, "usd"), (3_000, "usd"), (3_000, "eur")],
        "bob": [(1_500, "usd")],
        "cid": [(2_500, "eur")],
        "dan": [(1_500, "eur")],
        "eve": [],
    }


def test_while_the_cap_decides_what_was_published_stands() -> None:
    """And what is no longer wanted is given back as soon as it has decided."""
    world = capped(10_000)
    send(world, ("ann", lead(1)))
    for document in (lead(1, revision=2, quantity=3), lead(1, revision=3, partner="other")):
        world.append(record_of(document))
        world.work()
        assert newest(world)["ann"] == [(2_500, "payable", None)]
    world.settle()
    assert sorted(newest(world)["ann"]) == [(0, "cancelled", "moved"), (2_500, "payable", None)]
    policies = {(WORKSPACE, "pg"): paying(10_000)}
    assert decided(world.values(Topic.REWARD_CLAIMS), policies).used == {
        (WORKSPACE, "pg", "pn", "lead", "allTime in usd"): 0,
        (WORKSPACE, "pg", "other", "lead", "allTime in usd"): 2_500,
    }


def test_a_reward_that_becomes_payable_while_its_cap_decides() -> None:
    world = capped(10_000)
    world.now_ms = T0 + DAY_MS
    send(world, ("ann", lead(1)))
    world.append(record_of(lead(1, revision=2, quantity=2)))
    world.work()
    world.pass_time(31 * DAY_MS)
    assert newest(world)["ann"] == [(5_000, "payable", None)]


def test_what_is_known_of_a_cap_does_not_grow_with_its_customers() -> None:
    """But for the digits of the sum: here they are as many from the first customer on."""
    world = capped(10**12)
    send(world, ("whale", lead(1, quantity=400)))
    sizes = []
    for number in range(1_000):
        send(world, (f"c{number}", lead(1)))
        ((key, state),) = world.states("caps").items()
        sizes.append(len(key) + len(state))
    assert sizes[-1] == sizes[9] < 64
    assert int(state) == 1_400 * 2_500


def test_each_period_has_one_sum_of_its_own_however_many_customers_earn_in_it() -> None:
    world = capped(10**12, "month")
    for customer in range(10):
        for month in range(24):
            send(world, (f"c{customer}-{month}", lead(31 * month + 1)))
    states = world.states("caps")
    assert len(states) == 24
    assert max(len(key) + len(state) for key, state in states.items()) < 64
