"""The eight invariants of the ledger, each for any history of three customers under any policies, also with
caps. `leadstream audit --rewards` looks for the same in the topics of a deployment.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

import orjson
from hypothesis import given
from hypothesis import strategies as st

from processors.audit.model.caps import Decided, decided
from processors.audit.model.rewards import Owed, owed
from schemas.rewards import Reward
from schemas.topics import REWARD_INNER, REWARD_OUTPUTS, Topic
from tests.attribution.effort import examples
from tests.rewarding.world import NAMES, RewardWorld, record_of
from tests.rewards.builders import HOLD, WORKSPACE, Document, of_customer, parsed, with_hashes
from tests.rewards.strategies import History, histories
from tests.rewards.test_properties import assert_owed, newest_sources

CUSTOMERS: Final = ("ann", "bob", "cid")
PERSONAL: Final = (b"p@example.com", b"Ann Example", b"203.0.113.7", b"Mozilla/5.0")
"""What leads say of a person, and rewards must not."""


class Played(NamedTuple):
    """What happened, and the world in which it did, with nothing left to do."""

    policies: list[Document]
    told: dict[str, list[Document]]
    world: RewardWorld

    def newest(self) -> dict[str, list[Reward]]:
        """By customer, the newest revision of each reward."""
        return {customer: [*self.world.of(customer).newest.values()] for customer in self.told}

    def by_caps(self) -> Decided:
        return decided(self.world.values(Topic.REWARD_CLAIMS), self._policies())

    def owed(self, customer: str) -> Owed:
        """By the model, of what caps have granted."""
        documents = self.told[customer]
        results = [one for one in documents if "type" not in one]
        events = [one for one in documents if one.get("type", "erasure") != "erasure"]
        return owed(results, events, self._policies(), self.by_caps().room)

    def _policies(self) -> dict[tuple[str, str], Document]:
        return {(WORKSPACE, one["programId"]): with_hashes(one) for one in self.policies}


@st.composite
def played(draw: st.DrawFn, *, capped: bool = True) -> Played:
    """Their facts mixed; so many batches pass before the next one, and answers of caps may be under way."""
    first, *others = draw(histories(capped=capped)), draw(histories()), draw(histories())
    pauses: Sequence[int] = draw(st.lists(st.integers(0, 3), min_size=1, max_size=8))
    told = {
        customer: [of_customer(customer, with_person(one)) for one in history.documents]
        for customer, history in zip(CUSTOMERS, (first, *others), strict=True)
    }
    world = RewardWorld(parsed(*first.policies))
    mixed = [
        (customer, documents[round_])
        for round_ in range(max(map(len, told.values())))
        for customer, documents in told.items()
        if round_ < len(documents)
    ]
    for number, (customer, document) in enumerate(mixed):
        world.append(record_of(document, customer))
        for _ in range(pauses[number % len(pauses)]):
            world.work()
    world.settle()
    world.pass_time(HOLD)
    return Played(first.policies, told, world)


def with_person(document: Document) -> Document:
    """As leads are: with more of a person than the ledger reads."""
    if "customer" not in document:
        return document
    person = {"name": "Ann Example", "email": "p@example.com", **document["customer"]}
    click = {"ip": "203.0.113.7", "ua": "Mozilla/5.0", **document["click"]}
    return {**document, "customer": person, "click": click}


@examples(100)
@given(played())
def test_1_no_two_lead_rewards_above_zero_of_a_program_partner_and_customer(played: Played) -> None:
    for rewards in played.newest().values():
        paid = Counter(
            (one.program_id, one.partner_id) for one in rewards if one.kind == "lead" and one.amount
        )
        assert paid.total() == len(paid)


@examples(100)
@given(played())
def test_2_every_reward_is_of_whom_its_source_names_now_or_it_is_cancelled(played: Played) -> None:
    for customer, rewards in played.newest().items():
        sources = newest_sources(History(played.policies, played.told[customer]))
        for one in rewards:
            link = sources[one.source_id]["link"]
            named = (one.program_id, one.partner_id) == (link["programId"], link["partnerId"])
            assert named or (one.status, one.amount) == ("cancelled", 0)


@examples(100)
@given(played())
def test_3_under_each_cap_the_sum_of_a_period_is_within_it(played: Played) -> None:
    limits: Counter[tuple[str, ...]] = Counter()
    for claim in played.world.values(Topic.REWARD_CLAIMS):
        whose = (claim["customerExternalId"],) if claim["kind"] == "sale" else ()
        cap = (WORKSPACE, claim["programId"], claim["partnerId"], claim["kind"], claim["period"], *whose)
        limits[cap] = max(limits[cap], claim["limit"])
    sums: Counter[tuple[str, ...]] = Counter()
    for customer in played.told:
        newest = played.world.of(customer).newest
        for identity, period in played.owed(customer).periods.items():
            if (one := newest.get(identity)) is not None:
                whose = (customer,) if one.kind == "sale" else ()
                sums[WORKSPACE, one.program_id, one.partner_id, one.kind, period, *whose] += one.amount
    assert all(amount <= limits[cap] for cap, amount in sums.items())
    assert +sums == +Counter(played.by_caps().used), "what is used up is what is published"


@examples(100)
@given(played())
def test_4_an_amount_is_within_its_gross_and_of_a_refunded_sale_within_what_is_left(played: Played) -> None:
    for customer, rewards in played.newest().items():
        documents = played.told[customer]
        sources = newest_sources(History(played.policies, documents))
        events = [one for one in documents if one.get("type", "erasure") != "erasure"]
        once = {one["eventId"]: one for one in sorted(events, key=_order, reverse=True)}
        refunds = [one for one in once.values() if one["type"] == "refund"]
        for reward in rewards:
            assert 0 <= reward.amount <= reward.gross
            if reward.kind == "sale" and reward.status != "cancelled":
                whole = sources[reward.source_id]["amount"]
                refunded = sum(one["amount"] for one in refunds if one["target"] == reward.source_id)
                left = whole - min(refunded, whole)
                assert reward.amount <= Fraction(reward.gross) * left / whole


def _order(event: Document) -> tuple[object, ...]:
    """Of what was told twice under one eventId, the first counts."""
    return event["timestamp"], event["type"], event["eventId"], event["target"], event["amount"]


@examples(100)
@given(played())
def test_5_revisions_are_there_once_without_a_gap_and_their_deltas_add_up(played: Played) -> None:
    for customer in played.told:
        by_id: defaultdict[str, list[Reward]] = defaultdict(list)
        for one in played.world.of(customer).rewards:
            by_id[one.reward_id].append(one)
        for revisions in by_id.values():
            assert [one.revision for one in revisions] == list(range(1, len(revisions) + 1))
            assert sum(one.delta for one in revisions) == revisions[-1].amount


@examples(100)
@given(played())
def test_6_every_lead_and_sale_has_a_reward_or_a_refusal(played: Played) -> None:
    for customer, rewards in played.newest().items():
        sources = newest_sources(History(played.policies, played.told[customer]))
        refused = played.world.of(customer).reasons.keys()
        earning = {one.source_id for one in rewards if one.status != "cancelled"}
        told = {one.source_id for one in rewards if one.source_revision == sources[one.source_id]["revision"]}
        assert told | refused >= sources.keys()
        assert not earning & refused


@examples(100)
@given(played(capped=False))
def test_7_uncapped_rewards_are_the_batch_model_s_whatever_comes_first(played: Played) -> None:
    assert played.world.values(Topic.REWARD_CLAIMS) == []
    for customer in played.told:
        assert_owed(played.world.of(customer), played.owed(customer))


@examples(100)
@given(played())
def test_7_caps_decide_as_a_replay_of_their_claims_does(played: Played) -> None:
    shares = played.world.values(Topic.REWARD_SHARES)
    said = [(one["rewardId"], one["period"], one["number"], one["amount"]) for one in shares]
    assert said == played.by_caps().answers
    for customer in played.told:
        assert_owed(played.world.of(customer), played.owed(customer))


@examples(100)
@given(played())
def test_8_no_topic_and_no_state_of_rewards_says_anything_of_a_person(played: Played) -> None:
    told = [
        part
        for topic in (*REWARD_OUTPUTS, *REWARD_INNER)
        for record in played.world.logs[NAMES[topic]]
        for part in (record.key, record.value, orjson.dumps([str(one) for one in record.headers]))
    ]
    told += [raw for table in ("rewards", "caps") for raw in played.world.states(table).values()]
    assert told
    assert not [text for text in PERSONAL for one in told if text in (one or b"")]
