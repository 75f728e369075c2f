"""What happens to many customers, under policies with caps that are used up; and whether what was published
of it is right.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import orjson
from msgspec.json import Decoder

from processors.audit.model.caps import decided
from processors.audit.model.rewards import owed
from schemas.ids import reward_id
from schemas.rewards import Reward, RewardRefusal
from schemas.topics import Topic, split_key
from tests.rewards.builders import WORKSPACE, Document, Said, event, lead, policy, sale
from tests.rewards.test_properties import assert_owed

CAPS: Final = {"lead": 12_500, "sale": 500}
"""By month and partner; for ever, by customer."""
POLICY: Final = policy(
    {"lead": {"amount": 2_500}, "sale": {"percent": 20, "months": 1}},
    {
        "effectiveFrom": "2026-01-11T00:00:00Z",
        "lead": {"amount": 1_000, "cap": {"amount": CAPS["lead"], "per": "month"}},
        "sale": {"amount": 300, "cap": {"amount": CAPS["sale"], "per": "allTime"}},
    },
)
POLICIES: Final = {(WORKSPACE, "pg"): POLICY}
_reward: Final = Decoder(Reward).decode
_refusal: Final = Decoder(RewardRefusal).decode

Values = Iterable[tuple[bytes, bytes]]
"""Keys and values of records, each partition in its order."""


def documents_of(
    customer: str, draw: random.Random, partners: Sequence[str] = ("pn", "p2", "p3")
) -> list[Document]:
    """A lead that moves to another partner, sales, refunds, and what people decide, in any order."""
    partner, other = draw.sample(partners, 2)
    day = draw.randint(1, 20)
    found = [
        lead(day, partner=partner),
        lead(draw.randint(1, 20), "Demo", partner=partner),
        *(sale(day + number, f"i{number}", draw.randint(1, 9_999), partner=partner) for number in range(3)),
    ]
    if draw.random() < 0.5:
        found.append(lead(day - 1, partner=other, revision=2))
    for number, one in enumerate(found):
        identity = "saleId" if "saleId" in one else "leadId"
        found[number] = {
            **one,
            identity: f"{one[identity][:-8]}{int(customer):08x}",
            "customer": {"externalId": customer, "email": None},
        }
    refunded = found[2]
    found.append(event("refund", refunded["saleId"], day, f"refund of {customer}", draw.randint(1, 5_000)))
    identity = reward_id(WORKSPACE, "pg", partner, customer, draw.choice(("lead", found[3]["saleId"])))
    kind = draw.choice(("hold", "cancel", "release"))
    found.append(event(kind, identity, day, f"{kind} of {customer}"))
    return draw.sample(found, len(found))


def check(customers: Mapping[str, list[Document]], read: Callable[[Topic], Values]) -> None:
    """``read``: all that a reader of what is committed finds in a topic."""
    said: defaultdict[str, Said] = defaultdict(Said)
    for key, value in read(Topic.REWARDS):
        said[split_key(key)[1]].keep([_reward(value)])
    for key, value in read(Topic.REWARD_REFUSALS):
        said[split_key(key)[1]].keep([_refusal(value)])
    by_caps = decided((orjson.loads(value) for _, value in read(Topic.REWARD_CLAIMS)), POLICIES)
    answers = [orjson.loads(value) for _, value in read(Topic.REWARD_SHARES)]
    told = sorted((one["rewardId"], one["period"], one["number"], one["amount"]) for one in answers)
    assert told == sorted(by_caps.answers)
    assert all(used <= CAPS[cap[3]] for cap, used in by_caps.used.items())
    assert {"lead", "sale"} == {
        one.kind for of in said.values() for one in of.refusals if one.reason == "capped"
    }
    assert said.keys() == customers.keys()
    for customer, documents in customers.items():
        results = [one for one in documents if "type" not in one]
        events = [one for one in documents if "type" in one]
        assert_owed(said[customer], owed(results, events, POLICIES, by_caps.room))
        revisions = defaultdict(list)
        for one in said[customer].rewards:
            revisions[one.reward_id].append(one)
        for rewards in revisions.values():
            assert [one.revision for one in rewards] == list(range(1, len(rewards) + 1))
            assert sum(one.delta for one in rewards) == rewards[-1].amount
