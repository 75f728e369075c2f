"""The audit of rewards: it finds nothing where all is well, and whatever is not."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given

from processors.audit.rewards import Caps, LedgerAudit, Summary
from processors.engine import Output
from schemas.topics import REWARD_INNER, REWARD_INPUTS, REWARD_OUTPUTS, Topic
from tests.attribution.effort import examples
from tests.rewarding.world import NAMES, RewardWorld
from tests.rewards.builders import (
    HOLD,
    LATE,
    WORKSPACE,
    Document,
    event,
    lead,
    of_customer,
    of_lead,
    parsed,
    policy,
    sale,
    with_hashes,
)
from tests.rewards.strategies import History, histories

POLICY = policy(
    {"lead": {"amount": 2_500, "cap": {"amount": 3_000, "per": "month"}}, "sale": {"percent": 20}}
)
TOPICS = (*REWARD_OUTPUTS, *REWARD_INNER, *REWARD_INPUTS[:4])
Change = Callable[[Topic, list[Any]], list[Any]]


def audited(
    world: RewardWorld,
    *policies: Document,
    change: Change = lambda _, values: values,
    unsettled: Topic | None = None,
    gone: bool = False,
) -> tuple[list[str], Summary]:
    """``change``: what the topics hold instead. ``unsettled``: nothing of it was read yet."""
    found = {(WORKSPACE, one["programId"]): with_hashes(one) for one in policies}
    claims = change(Topic.REWARD_CLAIMS, [*world.values(Topic.REWARD_CLAIMS)])
    audit = LedgerAudit(found, Caps.of(claims, found, gone=False), LATE, gone=gone)
    summary = Summary()
    for topic in TOPICS:
        records = world.logs[NAMES[topic]]
        values = change(topic, [record.value and orjson.loads(record.value) for record in records])
        for number, value in enumerate(values):
            record = records[min(number, len(records) - 1)]
            raw = None if value is None else orjson.dumps(value)
            audit.add(topic, record.key or b"", raw, record.timestamp, settled=topic is not unsettled)
    return [f"{one.identity[:3]} {one.what}" for one in audit.verdicts(summary)], summary


@examples(60)
@given(histories(capped=True))
def test_it_finds_nothing_where_all_is_well(history: History) -> None:
    world = RewardWorld(parsed(*history.policies))
    world.send(history.documents)
    world.pass_time(HOLD)
    differences, summary = audited(world, *history.policies)
    assert differences == []
    assert summary.customers == 1
    assert summary.revisions == len(world.of().rewards)


@pytest.fixture(scope="module")
def world() -> RewardWorld:
    world = RewardWorld(parsed(POLICY))
    world.send([lead(1), sale(2), event("refund", sale(2)["saleId"], 3, amount=5_000), lead(5, "Demo")])
    return world


def only(topic: Topic, edit: Callable[[list[Any]], list[Any]]) -> Change:
    return lambda of, values: edit(values) if of is topic else values


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (only(Topic.REWARDS, lambda values: values[:-1]), "rw_ differs in amount"),
        (only(Topic.REWARDS, lambda values: values[1:]), "rw_ is not published; 2500 usd are owed"),
        (only(Topic.REWARDS, lambda values: [*values, values[-1]]), "rw_ has a revision twice, or lacks one"),
        (
            only(Topic.REWARDS, lambda values: [{**one, "delta": one["delta"] + 1} for one in values]),
            "rw_ has deltas of 2501, and an amount of 2500",
        ),
        (
            only(Topic.REWARDS, lambda values: [{**one, "partnerId": "x", "gross": 1} for one in values]),
            "rw_ differs in gross",
        ),
        (
            only(Topic.REWARD_REFUSALS, lambda _: []),
            "ld_ is refused for None, and should be for already_rewarded",
        ),
        (
            only(Topic.REWARD_SHARES, lambda values: [{**one, "amount": 2_499} for one in values]),
            "rw_ was granted 2499 in month of 2026-01-01 UTC in usd, and 2500 is right",
        ),
        (
            only(Topic.REWARD_CLAIMS, lambda values: [{**one, "limit": 3_001} for one in values]),
            "rw_ was granted 2500 in month of 2026-01-01 UTC in usd, and 0 is right",
        ),
        (
            only(Topic.REWARDS, lambda values: [*values, []]),
            "rew holds a record under this key that cannot be read",
        ),
        (only(Topic.SALES, lambda _: []), "rw_ is 1000 usd, payable, and nothing is owed"),
        (only(Topic.REWARD_EVENTS, lambda _: []), "rw_ differs in amount"),
    ],
)
def test_whatever_is_not_right(world: RewardWorld, change: Change, told: str) -> None:
    differences, summary = audited(world, POLICY, change=change)
    assert told in differences
    assert summary.differences == len(differences)


@pytest.mark.parametrize("topic", [*REWARD_INPUTS[:4], Topic.REWARD_SHARES])
def test_what_was_not_read_yet_is_not_judged(world: RewardWorld, topic: Topic) -> None:
    lacking = only(Topic.REWARDS, lambda values: values[1:2])
    _, summary = audited(world, POLICY, change=lacking, unsettled=topic)
    assert summary.apart["not settled"] == (0 if topic is Topic.CUSTOMERS else 1)


def test_what_retention_has_removed_is_told_apart(world: RewardWorld) -> None:
    differences, summary = audited(world, POLICY, change=only(Topic.SALES, lambda _: []), gone=True)
    assert differences == []
    assert summary.apart == {"beyond the input": 1}


def test_what_names_a_person_is_not_right() -> None:
    world = RewardWorld(parsed(POLICY))
    world.send([lead(1, email="ann@example.com"), lead(2, "Demo", email="ann@example.com")])

    def named(topic: Topic, values: list[Any]) -> list[Any]:
        if topic in REWARD_OUTPUTS:
            return [{**one, "reason": "is ann@example.com"} for one in values]
        return values

    assert audited(world, POLICY)[0] == []
    assert [one for one in audited(world, POLICY, change=named)[0] if "person" in one] == [
        "rw_ names a person",
        "ld_ names a person",
    ]


def test_a_word_in_place_of_an_address_names_nobody() -> None:
    world = RewardWorld(parsed(POLICY))
    world.send([lead(1, email="-")])
    assert audited(world, POLICY)[0] == []


def test_without_a_policy_it_may_still_wait() -> None:
    world = RewardWorld({})
    world.send([lead(1), event("hold", of_lead())])
    assert audited(world)[0] == []


def test_what_came_when_the_wait_was_over_is_told_apart() -> None:
    """A lead before the first policy of its program, and a refund long before its sale."""
    world = RewardWorld({})
    world.send([lead(1)])
    world.pass_time(HOLD)
    world.policies = parsed(POLICY)
    world.send([sale(2)])
    differences, summary = audited(world, POLICY)
    assert (differences, summary.apart) == ([], {"has waited in vain": 1})

    world = RewardWorld(parsed(POLICY))
    world.send([event("refund", sale(2)["saleId"], 3, amount=5_000)])
    world.pass_time(HOLD)
    world.send([sale(2)])
    differences, summary = audited(world, POLICY)
    assert (differences, summary.apart) == ([], {"has waited in vain": 1})
    differences, _ = audited(world, POLICY, change=only(Topic.REWARDS, lambda _: []))
    assert differences == ["rw_ is not published; 1000 usd are owed"]


def test_a_reward_that_comes_back_to_a_period_asks_anew() -> None:
    world = RewardWorld(parsed(POLICY))
    world.send([lead(1), lead(40, revision=2)])
    world.send([of_customer("bob", lead(1))], "bob")
    world.send([lead(1, revision=3)])
    assert [one.amount for one in world.of().newest.values()] == [500]
    assert audited(world, POLICY)[0] == []


def test_what_is_no_result_of_its_customer_is_none() -> None:
    world = RewardWorld(parsed(POLICY))
    for topic, value in ((Topic.LEADS, lead(1)), (Topic.SALES, {}), (Topic.LEADS, [])):
        world.append(Output(NAMES[topic], b"w1:somebody", orjson.dumps(value)))
    world.settle()
    differences, summary = audited(world, POLICY)
    assert (differences, summary.customers) == ([], 0)


FIELDS = (*lead(1), "saleId")
WRONG: tuple[object, ...] = (None, 5, "yesterday", [], {}, 2**64 - 1, True)
MOMENTS = ("2026-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 1_767_225_600)


def malformed(document: Document) -> Iterator[Document]:
    """Each is a dead letter, or the ledger can do without what it lacks."""
    for field in FIELDS:
        yield {name: value for name, value in document.items() if name != field}
        yield from ({**document, field: value} for value in WRONG)
    yield from ({**document, "timestamp": moment} for moment in MOMENTS)


@pytest.mark.parametrize("topic", [Topic.LEADS, Topic.SALES])
def test_what_the_ledger_refuses_is_none_to_the_audit(topic: Topic) -> None:
    refused = []
    for document in malformed(lead(1) if topic is Topic.LEADS else sale(1)):
        world = RewardWorld(parsed(POLICY))
        world.append(Output(NAMES[topic], b"w1:ann", orjson.dumps(document)))
        world.send([sale(2, "i2"), lead(3, "Demo")])
        refused.append(len(world.logs[NAMES[Topic.DEAD_LETTERS]]))
        differences, summary = audited(world, POLICY)
        assert (document, differences, summary.customers) == (document, [], 1)
    assert sum(refused) > len(refused) / 2


def test_half_a_character_is_read_as_the_ledger_reads_it() -> None:
    world = RewardWorld(parsed(POLICY))
    value = orjson.dumps(lead(1, "Half", email="ann@example.com")).replace(b"Half", b"\\ud800")
    world.append(Output(NAMES[Topic.LEADS], b"w1:ann", value))
    world.settle()
    assert [one.amount for one in world.of().rewards] == [2_500]
    found = {(WORKSPACE, POLICY["programId"]): POLICY}
    audit = LedgerAudit(
        found, Caps.of(world.values(Topic.REWARD_CLAIMS), found, gone=False), LATE, gone=False
    )
    for of in TOPICS:
        for record in world.logs[NAMES[of]]:
            audit.add(of, record.key or b"", record.value, record.timestamp, settled=True)
    assert list(audit.verdicts(Summary())) == []
