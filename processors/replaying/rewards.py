"""A ledger of rewards that was computed once more: its settings, and what differs from the live one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from processors.errors import CheckFailed
from processors.replaying.beside import another
from processors.settings import Settings
from schemas.rewards import AFTER_A_WAIT
from schemas.topics import REWARD_INNER, REWARD_INPUTS, Topic, split_key

Document = Mapping[str, Any]
FACTS: Final = tuple(topic for topic in REWARD_INPUTS if topic not in REWARD_INNER)
"""What a ledger is computed from; the rest it writes itself."""

CAPS: Final = "caps, by arrival"
NOT_SETTLED: Final = "not settled"
TOO_MANY: Final = "more than is remembered"
IN_VAIN: Final = "has waited in vain"
GONE: Final = "beyond the input"

_RESULTS: Final = frozenset({"lead", "sale"})
_EARNED: Final = (
    *("kind", "programId", "partnerId", "customerId", "sourceId", "sourceRevision"),
    *("policyVersion", "condition", "gross", "currency", "earnedAt", "payableAt", "status"),
)
"""What a cap does not touch."""
_AFTER_CAPS: Final = ("amount", "reason")


def ledger_beside(live: Settings, rewards_id: str, rewards_prefix: str | None) -> Settings:
    """The settings of the replay: the same facts and policies, another ledger.

    ``rewards_prefix`` None: the live one, the id and a dot. Raises ``Misconfigured`` for what is the live
    system's, and ``ValueError`` for what the rules of the environment do not allow.
    """
    return another(live, "rewards_id", rewards_id, "rewards_prefix", rewards_prefix, Topic.REWARDS)


class Difference(NamedTuple):
    """``what`` is not the same of ``identity``: a rewardId, or the id of a lead or sale. ``apart``: why that
    may be; None: it may not.
    """

    workspace_id: str
    customer: str
    identity: str
    what: str
    apart: str | None

    def __str__(self) -> str:
        why = "" if self.apart is None else f" ({self.apart})"
        return f"{self.workspace_id} {self.customer}: {self.identity} {self.what}{why}"


@dataclass
class Compared:
    """``customers`` with the same rewards and refusals; ``apart``: those without, by the reason."""

    customers: int = 0
    rewards: int = 0
    differing: int = 0
    apart: Counter[str] = field(default_factory=Counter)

    def add(self, known: Mapping[bytes, "Customer"], *, gone: bool) -> Iterator[Difference]:
        """By their keys, some more of them; what is not the same."""
        for key, customer in known.items():
            if not (customer.live.says_anything or customer.replay.says_anything):
                continue
            found = differences(customer, gone=gone)
            if not found:
                self.customers += 1
                self.rewards += len(customer.live.owed())
            elif (why := found[0][2]) is not None:
                self.apart[why] += 1
            else:
                self.differing += 1
            workspace_id, whose = split_key(key)
            for identity, what, apart in found:
                yield Difference(workspace_id, whose, identity, what, apart)

    def require_something(self) -> None:
        """Raises ``CheckFailed``: nobody was compared, as one of both has not processed everything yet."""
        if not self.customers and not self.differing and NOT_SETTLED in self.apart:
            raise CheckFailed(
                "Nothing could be compared: the live ledger has not processed everything yet.",
                "Let `leadstream rewards run` catch up (`leadstream status`), then run this command again.",
            )

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.customers:,} customers with the same rewards, {self.rewards:,} of them"
        yield from (f"  apart, {reason}: {count:,}" for reason, count in self.apart.most_common())
        yield f"{self.differing:,} customer{'' if self.differing == 1 else 's'} with other ones"


@dataclass
class Ledger:
    """Of one customer. ``rewards`` and ``refusals``: the newest, by their ids. ``claimed`` and ``answered``:
    by rewardId, the number of the last claim, and of the last one that was answered. ``behind``: whoever
    decides had not read everything.
    """

    rewards: dict[str, Document] = field(default_factory=dict)
    refusals: dict[str, Document] = field(default_factory=dict)
    claimed: Mapping[str, int] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    behind: bool = False

    @property
    def settled(self) -> bool:
        """Is nothing of it under way?"""
        return not self.behind and all(self.answered.get(key, 0) >= one for key, one in self.claimed.items())

    def owed(self) -> dict[str, Document]:
        """What was taken back whole is as if it had never been."""
        return {
            key: one for key, one in self.rewards.items() if one["amount"] or one["status"] != "cancelled"
        }

    def reasons(self) -> dict[str, tuple[str, int]]:
        """Of leads and sales that earn nothing."""
        return {
            key: (one["reason"], one["sourceRevision"])
            for key, one in self.refusals.items()
            if one["reason"] is not None and one["kind"] in _RESULTS
        }

    @property
    def says_anything(self) -> bool:
        return bool(self.rewards or self.refusals)

    def says(self, *reasons: str) -> bool:
        """Is anything refused for one of them?"""
        return any(one["reason"] in reasons for one in self.refusals.values())


@dataclass
class Customer:
    """Both ledgers, and the ids of leads and sales that can still be read."""

    live: Ledger = field(default_factory=Ledger)
    replay: Ledger = field(default_factory=Ledger)
    sources: set[str] = field(default_factory=set)

    @property
    def ledgers(self) -> tuple[Ledger, Ledger]:
        """In the order of their names."""
        return self.live, self.replay


def differences(customer: Customer, *, gone: bool) -> list[tuple[str, str, str | None]]:
    """Identity, what is not the same, and why that may be. ``gone``: some facts can be read no more."""
    found = list(_differing(customer))
    if not found:
        return []
    live, replay = customer.live, customer.replay
    if not (live.settled and replay.settled):
        why: str | None = NOT_SETTLED
    elif live.says("too_many") or replay.says("too_many"):
        why = TOO_MANY
    elif all(by_caps for *_, by_caps in found):
        why = CAPS
    elif live.says(*AFTER_A_WAIT) or replay.says(*AFTER_A_WAIT):
        why = IN_VAIN
    elif gone and not {one["sourceId"] for one in live.owed().values()} <= customer.sources:
        why = GONE
    else:
        why = None
    return [(identity, what, why) for identity, what, _ in found]


def _differing(customer: Customer) -> Iterator[tuple[str, str, bool]]:
    """Identity, what is not the same, and whether that may come of a cap alone."""
    live, replay = customer.live, customer.replay
    claimed = live.claimed.keys() | replay.claimed.keys()
    before, after = live.owed(), replay.owed()
    capped = set()
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if one is None or other is None:
            known = one or other
            assert known is not None  # noqa: S101 - narrows
            capped.add(known["sourceId"])
            yield key, "is live only" if other is None else "is in the replay only", key in claimed
        elif names := [name for name in (*_EARNED, *_AFTER_CAPS) if _of(one, name) != _of(other, name)]:
            what = f"differs in {', '.join(names)}: {_told(one)} live, {_told(other)} in the replay"
            yield key, what, key in claimed and not set(names) & set(_EARNED) and _may_be_cut(one, other)
    reasons, again = live.reasons(), replay.reasons()
    for key in sorted(reasons.keys() | again.keys()):
        said, then = reasons.get(key), again.get(key)
        if said == then or (said is not None and then is None and said[0] == "no_policy"):
            continue  # to a replay the wait for a policy has only begun
        by_caps = key in capped and "capped" in {one[0] for one in (said, then) if one is not None}
        yield key, f"is refused for {said and said[0]} live, for {then and then[0]} in the replay", by_caps


def _may_be_cut(one: Document, other: Document) -> bool:
    """By its cap, one of them or both: it says so, unless both say what goes before that."""
    reasons = {one["reason"], other["reason"]}
    return reasons == {None, "capped"} or (len(reasons) == 1 and None not in reasons)


def _of(reward: Document, name: str) -> Any:
    # When it becomes payable is a matter of time.
    return "payable" if reward[name] == "pending" else reward[name]


def _told(reward: Document) -> str:
    return f"{reward['amount']} {reward['currency']} {reward['status']}"
