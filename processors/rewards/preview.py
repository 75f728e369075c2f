"""What a policy would pay for the leads and sales that the topics hold. Nothing is written."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from aiokafka import ConsumerRecord

from processors.kafka.reading import TopicReader
from processors.progress import Progress
from processors.rewards.caps import answered
from processors.rewards.explaining import Earned, explained
from processors.rewards.facts import RewardFact, granted_by
from processors.rewards.ledger import Ledger
from processors.rewards.policy import Policy
from processors.rewards.reading import read_lead, read_sale
from processors.rewards.settling import Who
from processors.rewards.state import State, dump, load
from processors.settings import Settings
from schemas.decoding import Refused
from schemas.reward_caps import RewardClaim
from schemas.rewards import RefusalReason, RewardStatus
from schemas.topics import Topic, customer_key

_NEVER_OVER_MS: Final = 1 << 50
"""What waits here is another program's, and nobody's business."""


_STATUSES: Final[tuple[RewardStatus, ...]] = ("pending", "payable", "held")


class Earner(NamedTuple):
    """A partner, and a currency in which it earns."""

    partner_id: str
    currency: str


class Preview:
    """What would be owed. Keeps some 400 bytes in memory for each customer with a lead.

    Caps are used up in the order in which leads and sales are taken, by those that are.
    ``rewards``: how many, by kind; ``amounts`` by status, in minor units. ``refusals`` by reason.
    ``unreadable``: records that are neither a lead nor a sale. ``customer``: of this one only.
    """

    def __init__(self, workspace_id: str, policy: Policy, now_ms: int, customer: str | None = None) -> None:
        self._workspace_id = workspace_id
        self._key = None if customer is None else customer_key(workspace_id, customer)
        self._program_id = policy.program_id
        self._ledger = Ledger({(workspace_id, policy.program_id): policy}, _NEVER_OVER_MS)
        self._now_ms = now_ms
        self._states: dict[str, bytes] = {}
        self._used: Counter[bytes] = Counter()
        self.rewards: dict[Earner, Counter[str]] = {}
        self.amounts: dict[Earner, Counter[RewardStatus]] = {}
        self.refusals: Counter[RefusalReason] = Counter()
        self.unreadable = 0

    @property
    def customers(self) -> int:
        """How many have a lead or a sale."""
        return len(self._states)

    def take(self, topic: Topic, records: Iterable[ConsumerRecord]) -> None:
        """Of ``leads`` or of ``sales``; in any order, and what was taken before changes nothing."""
        read = read_lead if topic is Topic.LEADS else read_sale
        mine = customer_key(self._workspace_id, "")
        for record in records:
            key = record.key or b""
            if not key.startswith(mine) or self._key not in (None, key):
                continue
            try:
                found = read(record.value)
            except Refused:
                self.unreadable += 1
                continue
            stored = self._states.get(found.customer)
            state = None if stored is None else load(stored)
            after = self._decided(Who(found.workspace_id, found.customer), state, found.fact)
            self._states[found.customer] = dump(after)

    def count(self) -> None:
        """Add it all up. Once, when everything was taken."""
        for stored in self._states.values():
            self._add(load(stored))

    def earned(self) -> Iterator[Earned]:
        """Every lead and sale, and what comes of it. For one customer: all of them are many."""
        for stored in self._states.values():
            yield from explained(load(stored))

    def table(self) -> Iterator[tuple[str, ...]]:
        """A line for each partner and currency, below the names of the columns."""
        yield "partner", "currency", "leads", "sales", *_STATUSES
        for earner in sorted(self.rewards):
            counts, amounts = self.rewards[earner], self.amounts[earner]
            sums = (str(amounts[status]) for status in _STATUSES)
            yield *earner, str(counts["lead"]), str(counts["sale"]), *sums

    def notes(self) -> Iterator[str]:
        """What earned nothing, and what was no use."""
        for reason, count in self.refusals.most_common():
            yield f"earned nothing, {reason}: {count:,}"
        if self.unreadable:
            yield f"neither a lead nor a sale: {self.unreadable:,} records"

    def document(self) -> dict[str, object]:
        """All of it, for programs."""
        return {
            "workspaceId": self._workspace_id,
            "programId": self._program_id,
            "customers": self.customers,
            "rewards": [
                {
                    "partnerId": earner.partner_id,
                    "currency": earner.currency,
                    "leads": self.rewards[earner]["lead"],
                    "sales": self.rewards[earner]["sale"],
                    "amounts": {status: self.amounts[earner][status] for status in _STATUSES},
                }
                for earner in sorted(self.rewards)
            ],
            "refusals": {reason.value: count for reason, count in self.refusals.most_common()},
        }

    def _decided(self, who: Who, state: State | None, fact: RewardFact) -> State:
        """Also what its caps have to say."""
        after, said = self._ledger.apply(who, state, fact, self._now_ms)
        for one in said:
            if isinstance(one, RewardClaim):
                cap = one.topic_key()
                self._used[cap], share = answered(self._used[cap], one)
                if share is not None:
                    after = self._decided(who, after, granted_by(share))
        return after

    def _add(self, state: State) -> None:
        for one in state.rewards.values():
            if one.status != "cancelled":
                earner = Earner(one.standing.partner_id, one.standing.currency)
                self.rewards.setdefault(earner, Counter())[one.standing.kind] += 1
                self.amounts.setdefault(earner, Counter())[one.status] += one.standing.amount
        for source in state.sources.values():
            if source.said is not None and source.program_id == self._program_id:
                self.refusals[source.said[0]] += 1


async def read_preview(
    settings: Settings,
    workspace_id: str,
    policy: Policy,
    now_ms: int,
    progress: Progress,
    customer: str | None = None,
) -> Preview:
    """Read both topics to their ends of now. Raises what :class:`TopicReader` raises."""
    found = Preview(workspace_id, policy, now_ms, customer)
    topics = {settings.topic(topic): topic for topic in (Topic.LEADS, Topic.SALES)}
    async with TopicReader(settings) as reader:
        spans = await reader.spans(topics.values())
        progress.expect(sum(span.end - span.begin for span in spans.values()))
        async for records in reader.records(spans):
            found.take(topics[records[0].topic], records)
            progress.advance(len(records))
    found.count()
    return found
