"""The ledger of rewards of one partition, against its invariants and the reference model."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

import orjson
from msgspec.json import encode

from processors.audit.model.caps import decided
from processors.audit.model.rewards import Document, Owed, OwedReward, owed
from schemas.decoding import Refused
from schemas.portable import whole_characters
from schemas.reward_decoding import decode_reward_event
from schemas.reward_events import AnyRewardEvent
from schemas.reward_sources import RewardSource, decode_lead_source, decode_sale_source
from schemas.rewards import AFTER_A_WAIT
from schemas.times import parse_rfc3339, rfc3339, to_ms
from schemas.topics import REWARD_OUTPUTS, Topic, customer_key, split_key

Policies = Mapping[tuple[str, str], Document]

_PERSONAL: Final = ("email", "avatar")
"""Of a customer in a lead or sale, where they are addresses; a name may be any word."""
_ADDRESS: Final = ("@", "://")
_DECODERS: Final = {Topic.LEADS: decode_lead_source, Topic.SALES: decode_sale_source}


class Difference(NamedTuple):
    """``what`` is wrong with ``identity``: a rewardId, or the id of a lead or sale."""

    workspace_id: str
    customer: str
    identity: str
    what: str

    def __str__(self) -> str:
        return f"{self.workspace_id} {self.customer}: {self.identity} {self.what}"


class Caps(NamedTuple):
    """``room`` as of the model; ``answers`` by rewardId, period and number. ``gone``: some claims
    are there no more.
    """

    room: Mapping[tuple[str, str], int]
    answers: Mapping[tuple[str, str, int], int]
    gone: bool

    @classmethod
    def of(cls, claims: Iterable[Document], policies: Policies, *, gone: bool) -> Self:
        """As they are decided from the beginning, each cap in this order."""
        found = decided(claims, policies)
        return cls(found.room, {answer[:3]: answer[3] for answer in found.answers}, gone)


@dataclass
class Summary:
    """``customers`` that were judged; ``apart``: those that were not, and why."""

    customers: int = 0
    revisions: int = 0
    differences: int = 0
    apart: Counter[str] = field(default_factory=Counter)

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.customers:,} customers, {self.revisions:,} revisions of rewards"
        yield from (f"  apart, {reason}: {count:,}" for reason, count in self.apart.most_common())
        yield f"{self.differences:,} difference{'' if self.differences == 1 else 's'}"


@dataclass
class _Known:
    """Of one customer. ``personal``: what its leads and sales say of the person. ``rewards``: the newest
    revision of each; ``sums`` of the deltas of all of them.
    """

    results: list[Document] = field(default_factory=list)
    personal: set[str] = field(default_factory=set)
    events: list[Document] = field(default_factory=list)
    rewards: dict[str, Document] = field(default_factory=dict)
    sums: Counter[str] = field(default_factory=Counter)
    refusals: dict[str, Document] = field(default_factory=dict)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    settled: bool = True


class LedgerAudit:
    """Of all records of one partition, added in the order of each topic. What is neither result nor
    event is left out.
    """

    def __init__(self, policies: Policies, caps: Caps, now_ms: int, *, gone: bool) -> None:
        """``gone``: retention has removed leads, sales or events, so that not all can be recomputed."""
        self._policies = policies
        self._caps = caps
        self._now_ms = now_ms
        self._gone = gone
        self._known: defaultdict[bytes, _Known] = defaultdict(_Known)

    def add(self, topic: Topic, key: bytes, value: bytes | None, record_ms: int, *, settled: bool) -> None:
        """``settled``: whoever decides had read it when the audit began, or it is what was decided."""
        if topic is Topic.REWARD_CLAIMS:
            return  # under the key of its cap: they are known whole
        known = self._known[key]
        known.settled &= settled
        try:
            if topic is Topic.REWARD_EVENTS:
                event, at_ms = decode_reward_event(value, record_ms, self._now_ms)
                if event.topic_key() == key:  # else it is sent on to where it belongs
                    known.events.append(_event(event, at_ms))
            elif topic in (Topic.LEADS, Topic.SALES):
                source, at_ms = _DECODERS[topic](value)
                if customer_key(source.workspace_id, source.customer.external_id) == key:
                    known.results.append(_result(source, at_ms))
                    known.personal |= _addresses(value or b"")
            elif topic is Topic.REWARD_SHARES:
                self._add_share(known, orjson.loads(value or b""))
            elif topic is Topic.REWARDS:
                self._add_reward(known, orjson.loads(value or b""))
            elif topic is Topic.REWARD_REFUSALS:
                refusal = orjson.loads(value or b"")
                known.refusals[refusal["sourceId"]] = refusal
        except (Refused, orjson.JSONDecodeError, LookupError, TypeError):
            if topic in REWARD_OUTPUTS:  # of what is read it is a dead letter
                known.wrong.append((topic, "holds a record under this key that cannot be read"))

    def verdicts(self, summary: Summary) -> Iterator[Difference]:
        """What is wrong, customer by customer; it is counted in ``summary``."""
        for key, known in self._known.items():
            if not (known.results or known.events or known.rewards or known.refusals or known.wrong):
                continue  # of its erasure, or of its status, nothing follows
            summary.revisions += sum(one["revision"] for one in known.rewards.values())
            found = list(_of_topic(known))
            if not known.settled:
                summary.apart["not settled"] += 1
            elif any(one["reason"] == "too_many" for one in known.refusals.values()):
                summary.apart["more than is remembered"] += 1
            else:
                expected = self._owed(known)
                recomputed = list(_recomputed(known, expected))
                if recomputed and self._is_beyond(known, expected):
                    summary.apart["beyond the input"] += 1
                elif recomputed and self._has_waited_in_vain(known):
                    summary.apart["has waited in vain"] += 1
                else:
                    summary.customers += 1
                    found += recomputed
            summary.differences += len(found)
            for identity, what in found:
                yield Difference(*split_key(key), identity, what)

    def _owed(self, known: _Known, in_vain: Collection[str] = ()) -> Owed:
        events = [one for one in known.events if one["eventId"] not in in_vain]
        return owed(known.results, events, self._policies, self._caps.room, in_vain)

    def _has_waited_in_vain(self, known: _Known) -> bool:
        """Is a difference that what was waited for came when the wait was over?"""
        in_vain = {identity for identity, one in known.refusals.items() if one["reason"] in AFTER_A_WAIT}
        return bool(in_vain) and not list(_recomputed(known, self._owed(known, in_vain)))

    @staticmethod
    def _add_reward(known: _Known, reward: Document) -> None:
        identity = reward["rewardId"]
        before = known.rewards.get(identity)
        if reward["revision"] != (before["revision"] if before else 0) + 1:
            known.wrong.append((identity, "has a revision twice, or lacks one"))
        known.sums[identity] += reward["delta"]
        known.rewards[identity] = reward

    def _add_share(self, known: _Known, share: Document) -> None:
        right = self._caps.answers.get((share["rewardId"], share["period"], share["number"]))
        if right != share["amount"] and not self._caps.gone:
            what = f"was granted {share['amount']} in {share['period']}, and {right} is right"
            known.wrong.append((share["rewardId"], what))

    def _is_beyond(self, known: _Known, expected: Owed) -> bool:
        """May a difference be because of what retention has removed?"""
        if self._caps.gone and expected.periods:
            return True
        sources = {one.get("saleId") or one["leadId"] for one in known.results}
        return self._gone and not {one["sourceId"] for one in known.rewards.values()} <= sources


def _recomputed(known: _Known, expected: Owed) -> Iterator[tuple[str, str]]:
    for identity in sorted(known.rewards.keys() | expected.rewards.keys()):
        published, wanted = known.rewards.get(identity), expected.rewards.get(identity)
        if wanted is None:
            if published and (published["status"], published["amount"]) != ("cancelled", 0):
                yield identity, f"is {_told(published)}, and nothing is owed"
        elif published is None:
            yield identity, f"is not published; {wanted.amount} {wanted.currency} are owed"
        elif differs := list(_differing(published, wanted)):
            yield identity, f"differs in {', '.join(differs)}"
    yield from _refused(known, expected)


def _of_topic(known: _Known) -> Iterator[tuple[str, str]]:
    """What no waiting excuses."""
    yield from known.wrong
    yield from _named(known)
    for identity, reward in known.rewards.items():
        if known.sums[identity] != reward["amount"]:
            yield identity, f"has deltas of {known.sums[identity]}, and an amount of {reward['amount']}"
        if not 0 <= reward["amount"] <= reward["gross"]:
            yield identity, f"has an amount of {reward['amount']}, and was worth {reward['gross']}"


def _named(known: _Known) -> Iterator[tuple[str, str]]:
    """Rewards and refusals say nothing of a person that leads and sales say."""
    for identity, one in (*known.rewards.items(), *known.refusals.items()):
        if any(text in value for value in one.values() if isinstance(value, str) for text in known.personal):
            yield identity, "names a person"


def _refused(known: _Known, expected: Owed) -> Iterator[tuple[str, str]]:
    said = {
        identity: (one["reason"], one["sourceRevision"])
        for identity, one in known.refusals.items()
        if one["reason"] is not None and one["kind"] in ("lead", "sale")
    }
    for identity in sorted(said.keys() | expected.refusals.keys()):
        wanted, found = expected.refusals.get(identity), said.get(identity)
        # Without a policy it may still be waiting for one.
        if wanted != found and (wanted is None or found is not None or wanted[0] != "no_policy"):
            yield identity, f"is refused for {found and found[0]}, and should be for {wanted and wanted[0]}"


def _differing(published: Document, wanted: OwedReward) -> Iterator[str]:
    for name, found, right in (
        ("source", published["sourceId"], wanted.source_id),
        ("sourceRevision", published["sourceRevision"], wanted.source_revision),
        ("policyVersion", parse_rfc3339(published["policyVersion"]), to_ms(wanted.policy_version)),
        ("condition", published["condition"], wanted.condition),
        ("gross", published["gross"], wanted.gross),
        ("amount", published["amount"], wanted.amount),
        ("currency", published["currency"], wanted.currency),
        # When it becomes payable is a matter of time.
        ("status", published["status"].replace("pending", "payable"), wanted.status),
    ):
        if found != right:
            yield name


def _told(reward: Document) -> str:
    return f"{reward['amount']} {reward['currency']}, {reward['status']}"


def _result(source: RewardSource, at_ms: int) -> Document:
    """As the model wants it."""
    return {**orjson.loads(encode(source)), "timestamp": rfc3339(at_ms)}


def _addresses(value: bytes) -> set[str]:
    person = orjson.loads(whole_characters(value))["customer"]
    said = [str(person.get(name)) for name in _PERSONAL]
    return {text for text in said if any(part in text for part in _ADDRESS)}


def _event(event: AnyRewardEvent, at_ms: int) -> Document:
    """As the model wants it."""
    return {
        "type": event.type_name,
        "eventId": event.event_id,
        "target": event.target,
        "timestamp": at_ms,
        "amount": event.refunded,
    }
