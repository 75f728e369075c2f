"""Is what was published of rewards what the model says? Counted, not asserted."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import msgspec
import orjson

from processors.audit.model.caps import Decided, decided
from processors.audit.model.rewards import Owed, owed
from processors.audit.rewards_run import audit_rewards
from processors.rewarding import caps, customers
from processors.settings import Settings
from schemas.reward_caps import decode_claim
from schemas.rewards import Reward, RewardRefusal
from schemas.topics import Topic, split_key
from tests.engine.sums import up_to
from tests.faults.state import judge_stores, read_changelog
from tests.integration.judgement import Findings
from tests.integration.stack import Stack
from tests.rewarding.histories import CAPS, POLICIES
from tests.rewards.builders import Document
from tests.rewards.test_properties import as_owed

COMMAND: Final = "rewards run"
UNREADABLE: Final = b'{"type": "nothing"}'
"""A dead letter, wherever it is."""
Customers = Mapping[str, Sequence[Document]]
"""By external id, all that is true of each."""


@dataclass(frozen=True)
class Ledger:
    """What is published, each topic in its order, and what is owed. ``whose``: the customer, by rewardId."""

    rewards: list[Reward]
    whose: Mapping[str, str]
    refusals: list[RewardRefusal]
    claims: list[Document]
    shares: list[Document]
    by_caps: Decided
    owed: Owed

    @classmethod
    def of(cls, stack: Stack, customers: Customers) -> Self:
        """As a ``read_committed`` reader sees it."""
        rewards = [
            (split_key(key)[1], msgspec.json.decode(value, type=Reward))
            for key, value in _records(stack, Topic.REWARDS)
        ]
        claims = [orjson.loads(value) for _, value in _records(stack, Topic.REWARD_CLAIMS)]
        by_caps = decided(claims, POLICIES)
        return cls(
            [one for _, one in rewards],
            {one.reward_id: customer for customer, one in rewards},
            [
                msgspec.json.decode(value, type=RewardRefusal)
                for _, value in _records(stack, Topic.REWARD_REFUSALS)
            ],
            claims,
            [orjson.loads(value) for _, value in _records(stack, Topic.REWARD_SHARES)],
            by_caps,
            _owed(customers, by_caps),
        )

    @property
    def newest(self) -> dict[str, Reward]:
        """By rewardId."""
        return {one.reward_id: one for one in self.rewards}

    def under_caps(self) -> Counter[tuple[str, ...]]:
        """By cap and period, what the newest rewards that count there add up to."""
        amounts: Counter[tuple[str, ...]] = Counter()
        newest = self.newest
        for identity, period in self.owed.periods.items():
            if (one := newest.get(identity)) is not None:
                cap = (one.workspace_id, one.program_id, one.partner_id, one.kind, period)
                amounts[(*cap, self.whose[identity]) if one.kind == "sale" else cap] += one.amount
        return amounts


def _owed(customers: Customers, by_caps: Decided) -> Owed:
    """To everybody: nobody's rewards depend on another customer but for what caps have decided."""
    found = Owed({}, {}, {})
    for documents in customers.values():
        results = [one for one in documents if "type" not in one]
        events = [one for one in documents if "type" in one]
        one = owed(results, events, POLICIES, by_caps.room)
        found.rewards.update(one.rewards)
        found.refusals.update(one.refusals)
        found.periods.update(one.periods)
    return found


def judge_rewards(ledger: Ledger) -> Findings:
    """Each revision once and without a gap, deltas that add up, and in the end what is owed, or why not."""
    findings, newest = Findings(), ledger.newest
    findings.count_repeated(Topic.REWARDS, ((one.reward_id, one.revision) for one in ledger.rewards))
    revisions = Counter(one.reward_id for one in ledger.rewards)
    findings.lost["revisions"] += sum(one.revision > revisions[key] for key, one in newest.items())
    deltas: Counter[str] = Counter()
    for one in ledger.rewards:
        deltas[one.reward_id] += one.delta
    findings.compare("deltas", deltas, {key: one.amount for key, one in newest.items()})
    found = {
        key: as_owed(one)
        for key, one in newest.items()
        # What is not owed any more is taken back.
        if key in ledger.owed.rewards or (one.status, one.amount) != ("cancelled", 0)
    }
    findings.compare(Topic.REWARDS, found, ledger.owed.rewards)

    said: defaultdict[str, list[tuple[str, int] | None]] = defaultdict(list)
    for refusal in ledger.refusals:
        if refusal.kind in ("lead", "sale"):
            known = None if refusal.reason is None else (refusal.reason.value, refusal.source_revision)
            said[refusal.source_id].append(known)
    again = sum(one == other for reasons in said.values() for one, other in pairwise(reasons))
    findings.duplicates[Topic.REWARD_REFUSALS] += again
    reasons = {source: of[-1] for source, of in said.items() if of[-1] is not None}
    findings.compare(Topic.REWARD_REFUSALS, reasons, ledger.owed.refusals)
    return findings


def judge_caps(ledger: Ledger) -> tuple[Findings, str]:
    """Each claim and its answer once, as a replay of the claims decides them; the newest rewards are what was
    granted, and no cap is exceeded. The text says how many were used up: who never meets one proves little.
    """
    findings = Findings()
    asking = [one for one in ledger.claims if one["amount"] > 0]
    for topic, told in ((Topic.REWARD_CLAIMS, asking), (Topic.REWARD_SHARES, ledger.shares)):
        findings.count_repeated(topic, ((one["rewardId"], one["period"], one["number"]) for one in told))
    answers = {(one["rewardId"], one["period"], one["number"]): one["amount"] for one in ledger.shares}
    findings.compare(Topic.REWARD_SHARES, answers, {one[:3]: one[3] for one in ledger.by_caps.answers})
    amounts = ledger.under_caps()
    findings.compare(
        "sums under caps", +amounts, {cap: used for cap, used in ledger.by_caps.used.items() if used}
    )
    over = sum(max(amount - CAPS[cap[3]], 0) for cap, amount in amounts.items())
    findings.unexpected["minor units over a cap"] += over
    full = sum(amount == CAPS[cap[3]] for cap, amount in amounts.items())
    return findings, f"{full:,} of {len(amounts):,} caps used up, {over} minor units over"


def judge_state(stack: Stack, ledger: Ledger) -> Findings:
    """Every store against its changelog, and what is remembered of caps against what their claims make."""
    findings, group = Findings(), stack.settings.rewards_group
    logs = {table: read_changelog(stack, group, table) for table in (customers.TABLE, caps.TABLE)}
    for table, log in logs.items():
        judge_stores(stack, COMMAND, table, log, findings)
    sums: Counter[bytes] = Counter()
    for _, value in _records(stack, Topic.REWARD_CLAIMS):
        claim = decode_claim(value)
        cap = (claim.workspace_id, claim.program_id, claim.partner_id, claim.kind, claim.period)
        whole = (*cap, claim.customer_external_id) if claim.kind == "sale" else cap
        sums[claim.topic_key()] = ledger.by_caps.used[whole]
    remembered = {key: int(raw) for log in logs[caps.TABLE].values() for key, raw in up_to(log, None).items()}
    findings.compare("changelog of caps", {key: used for key, used in remembered.items() if used}, +sums)
    return findings


def judge_dead_letters(stack: Stack) -> Findings:
    """One for each record that cannot be read."""
    findings = Findings()
    places = []
    for message in stack.read(Topic.DEAD_LETTERS):
        headers = {name: value.decode() for name, value in message.headers() or []}
        places.append(tuple(headers[f"source-{name}"] for name in ("topic", "partition", "offset")))
    findings.count_repeated(Topic.DEAD_LETTERS, places)
    expected = [
        (message.topic(), str(message.partition()), str(message.offset()))
        for message in stack.read(Topic.REWARD_EVENTS)
        if message.value() == UNREADABLE
    ]
    findings.compare(Topic.DEAD_LETTERS, dict.fromkeys(places, 1), dict.fromkeys(expected, 1))
    return findings


async def judge_audit(settings: Settings) -> Findings:
    """`leadstream audit --rewards` finds nothing, and leaves nobody apart."""
    findings = Findings()
    differences: list[str] = []
    summary = await audit_rewards(settings, lambda one: differences.append(str(one)), _Silent())
    findings.unexpected["audit"] += len(differences)
    findings.lost["audit"] += summary.apart.total()
    findings.examples += [*differences[:5], *(f"apart: {reason}" for reason in summary.apart)]
    return findings


class _Silent:
    def expect(self, total: int) -> None: ...

    def advance(self, amount: int) -> None: ...

    def reach(self, done: int, total: int) -> None: ...

    def say(self, text: str) -> None: ...


def _records(stack: Stack, topic: Topic) -> Iterator[tuple[bytes, bytes]]:
    for message in stack.read(topic):
        yield message.key(), message.value()
