"""The ledger as a processor of the engine: what it makes of records, and of time."""

import orjson
import pytest
from hypothesis import given
from msgspec.structs import replace

from processors.engine import Output, Record, Rejected
from processors.kafka.placement import partition_for
from processors.rewarding.customers import RewardsProcessor
from processors.rewarding.following import StalePolicies
from processors.rewards.policy import Policies
from schemas.headers import Header
from schemas.ids import customer_id
from schemas.times import DAY_MS, HOUR_MS, parse_rfc3339
from schemas.topics import Topic
from tests.attribution.effort import examples
from tests.rewarding.world import NAMES, RewardWorld, record_of
from tests.rewards.builders import (
    CUSTOMER,
    ERASURE,
    HOLD,
    LATE,
    T0,
    WORKSPACE,
    event,
    lead,
    of_lead,
    parsed,
    policy,
    sale,
)
from tests.rewards.strategies import History, histories
from tests.rewards.test_properties import assert_invariants, assert_owed, expected_of

CANCEL = orjson.loads(record_of(event("cancel", of_lead("nobody"))).value or b"")
POLICIES = parsed(policy({"lead": {"amount": 2_500}, "sale": {"percent": 20}}))


@examples(120)
@given(histories())
def test_on_the_engine_too_any_order_ends_in_what_the_model_says(history: History) -> None:
    world = RewardWorld(parsed(*history.policies))
    world.send(history.documents)
    world.pass_time(HOLD)
    assert_owed(world.of(), expected_of(history))
    assert_invariants(world.of(), history)


def test_customers_do_not_meet() -> None:
    world = RewardWorld(POLICIES)
    for customer in ("ann", "bob"):
        world.send([{**lead(1), "leadId": f"ld_{customer}", "customer": {"externalId": customer}}], customer)
    assert {one: [reward.amount for reward in world.of(one).rewards] for one in world.said} == {
        "ann": [2_500],
        "bob": [2_500],
    }


def test_a_reward_is_a_cloud_event_that_names_nobody() -> None:
    world = RewardWorld(POLICIES)
    world.send([lead(1, email="ann@example.com", metadata={"ip": "192.0.2.1"})])
    (record,) = world.logs[NAMES[Topic.REWARDS]]
    headers = dict(record.headers)
    assert record.key == f"{WORKSPACE}:{CUSTOMER}".encode()
    assert headers[Header.CE_TYPE.value] == b"leadstream.reward"
    assert headers[Header.CE_ID.value] == f"{of_lead()}.1".encode()
    assert headers[Header.CE_SUBJECT.value] == customer_id(WORKSPACE, CUSTOMER).encode()
    told = (record.value or b"") + b"".join(value for _, value in record.headers)
    assert not [one for one in (b"example.com", b"192.0.2.1", b'"ann"') if one in told]


def test_it_becomes_payable_when_the_holding_period_is_over() -> None:
    world = RewardWorld(POLICIES, now_ms=T0 + DAY_MS)
    world.send([lead(1)])
    world.pass_time(30 * DAY_MS - 1)
    assert [one.status for one in world.of().rewards] == ["pending"]
    world.pass_time(1)
    assert [(one.status, one.delta) for one in world.of().rewards] == [("pending", 2_500), ("payable", 0)]


def test_what_waits_for_its_policy_is_decided_when_there_is_one() -> None:
    world = RewardWorld({}, now_ms=T0 + DAY_MS)
    world.send([lead(1)])
    world.pass_time(HOUR_MS)
    assert world.of().rewards == []
    world.policies = POLICIES
    world.pass_time(2 * HOUR_MS)
    assert [one.amount for one in world.of().rewards] == [2_500]


def test_what_waits_in_vain_is_refused_when_the_hold_is_over() -> None:
    world = RewardWorld({}, now_ms=T0 + DAY_MS)
    world.send([lead(1), event("refund", sale(0)["saleId"], amount=5), event("cancel", of_lead("nobody"))])
    world.pass_time(HOLD - 1)
    assert world.of().refusals == []
    world.pass_time(1)
    assert {(one.kind, one.reason) for one in world.of().refusals} == {
        ("lead", "no_policy"),
        ("refund", "no_sale"),
        ("cancel", "no_reward"),
    }


def test_a_refund_by_its_invoice_lowers_the_reward() -> None:
    """Also one that comes before its sale. The saleId is the one that purchases of this invoice have."""
    world = RewardWorld(POLICIES)
    refund = {"type": "refund", "eventId": "re_1", "invoiceId": "i1", "amount": 2_500, "timestamp": LATE}
    whose = {"workspaceId": WORKSPACE, "customerExternalId": CUSTOMER}
    world.append(
        Output(NAMES[Topic.REWARD_EVENTS], f"{WORKSPACE}:{CUSTOMER}".encode(), orjson.dumps(refund | whose))
    )
    world.send([sale(1, "i1", 10_000)])
    assert [(one.gross, one.amount, one.reason) for one in world.of().rewards] == [(2_000, 1_500, "refunded")]


def test_an_event_under_another_key_is_sent_on() -> None:
    world = RewardWorld(POLICIES)
    world.send([lead(1)])
    world.append(replace(record_of(event("cancel", of_lead())), key=b"w1:somebody"))
    world.work()
    world.work()
    assert world.of().rewards[-1].status == "cancelled"
    assert [one.key for one in world.logs[NAMES[Topic.REWARD_EVENTS]]] == [b"w1:somebody", b"w1:ann"]


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [
        (Topic.LEADS, b"w1:ann", b"{}"),
        (Topic.LEADS, b"w1:another", orjson.dumps(lead(1))),
        (Topic.LEADS, b"w1:ann", orjson.dumps({**lead(1), "timestamp": "2026-01-01"})),
        (Topic.SALES, b"w1:ann", orjson.dumps({**sale(1), "timestamp": "yesterday"})),
        *(
            (topic, b"w1:ann", orjson.dumps({**document, "timestamp": moment}))
            for topic, document in (
                (Topic.LEADS, lead(1)),
                (Topic.SALES, sale(1)),
                (Topic.REWARD_EVENTS, CANCEL),
            )
            for moment in (
                "0001-01-01T00:00:00+14:00",
                "1999-12-31T23:59:59.999Z",
                "7000-01-01T00:00:00Z",
                "9999-12-31T23:59:59.999Z",
                "9999-12-31T23:59:59-14:00",
            )
        ),
        (Topic.REWARD_EVENTS, b"w1:ann", orjson.dumps({**CANCEL, "timestamp": 2**63})),
        (Topic.LEADS, b"w1:ann", orjson.dumps({**lead(1), "quantity": 2**64 - 1})),
        (Topic.LEADS, b"w1:ann", orjson.dumps({**lead(1), "revision": 2**64 - 1})),
        (Topic.SALES, b"w1:ann", orjson.dumps({**sale(1), "amount": 2**64 - 1})),
        (Topic.SALES, b"w1:ann", orjson.dumps({**sale(1), "amount": -1})),
        (Topic.SALES, b"w1:ann", None),
        (Topic.REWARD_EVENTS, b"w1:ann", b'{"type":"refund"}'),
        (Topic.REWARD_EVENTS, b"w1:ann", b"nonsense"),
        (Topic.CUSTOMERS, b"ann", None),
        (Topic.CUSTOMERS, b"w1:\xff", None),
        (Topic.CUSTOMERS, b"\x00:a", None),
        (Topic.CUSTOMERS, None, b"{}"),
    ],
)
def test_what_cannot_be_used_is_a_dead_letter_and_nothing_else_stops(
    topic: Topic, key: bytes | None, value: bytes | None
) -> None:
    world = RewardWorld(POLICIES)
    world.append(Output(NAMES[topic], key, value))
    world.send([lead(1)])
    (letter,) = world.logs[NAMES[Topic.DEAD_LETTERS]]
    assert dict(letter.headers)[Header.SOURCE_TOPIC.value] == NAMES[topic].encode()
    assert [one.amount for one in world.of().rewards] == [2_500]


@pytest.mark.parametrize(
    ("topic", "value"),
    [
        (Topic.LEADS, orjson.dumps(lead(1))),
        (Topic.SALES, orjson.dumps(sale(1))),
        (Topic.CUSTOMERS, b"{}"),
        (Topic.CUSTOMERS, None),
    ],
)
def test_a_result_in_another_partition_is_not_written_once_more(topic: Topic, value: bytes | None) -> None:
    """The topics are the workers': who reads them there would read it twice."""
    job, key = RewardsProcessor(NAMES, HOLD, lambda: POLICIES, 8), b"w1:ann"
    own = partition_for(key, 8)
    assert job.parse(Record(NAMES[topic], own, 0, T0, key, value, ()), T0)[:2] == (NAMES[topic], key)
    with pytest.raises(Rejected, match="its partition is not that of its key") as rejected:
        job.parse(Record(NAMES[topic], (own + 1) % 8, 0, T0, key, value, ()), T0)
    assert [one.topic for one in rejected.value.outputs] == [NAMES[Topic.DEAD_LETTERS]]


def test_the_longest_periods_of_a_policy_have_an_end_whatever_the_time_of_a_lead() -> None:
    rates = {"lead": {"amount": 2_500}, "sale": {"percent": 20, "months": 1_200}}
    late = {"timestamp": "6999-12-31T23:59:59.999Z"}
    policies = parsed(policy({**rates, "holdingPeriod": "1000000d"}))
    world = RewardWorld(policies, now_ms=parse_rfc3339(late["timestamp"]))
    world.send([lead(1) | late, sale(1) | late, sale(1, "i2") | late])
    assert [one.status for one in world.of().rewards] == ["pending"] * 3
    assert {one.payable_at[:4] for one in world.of().rewards} == {"9737"}


def test_an_erasure_is_a_tombstone_and_other_news_of_customers_are_none() -> None:
    world = RewardWorld({}, now_ms=T0 + DAY_MS)
    world.append(Output(NAMES[Topic.CUSTOMERS], f"{WORKSPACE}:{CUSTOMER}".encode(), b'{"status":"pending"}'))
    world.send([lead(1, email="ann@example.com")])
    assert world.of().refusals == []
    world.send([ERASURE])
    assert [one.reason for one in world.of().refusals] == ["no_policy"]
    assert not [raw for raw in world.states("rewards").values() if b"@" in raw]


def test_without_knowing_the_policies_nothing_is_decided() -> None:
    """The process ends, and no offset has moved."""
    world = RewardWorld(POLICIES)

    def stale() -> Policies:
        raise StalePolicies("the topic of the policies was last seen 301 s ago")

    world.job._policies = stale
    world.append(record_of(lead(1)))
    with pytest.raises(StalePolicies):
        world.work()
    assert world.processed[next(iter(world.processed))] == 0
