"""The difference between what was published of a customer and what its facts mean now."""

from functools import lru_cache
from operator import itemgetter
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from processors.rewards.caps import asked
from processors.rewards.facts import Change, Earning
from processors.rewards.judging import NO_GROUP
from processors.rewards.meaning import Meaning, earned, meaning
from processors.rewards.state import Published, Share, Source, Standing, State
from schemas.ids import customer_id
from schemas.reward_caps import RewardClaim
from schemas.rewards import RefusalReason, Reward, RewardRefusal, RewardStatus
from schemas.times import rfc3339

Output = Reward | RewardRefusal | RewardClaim


class Who(Struct, frozen=True, gc=False):
    """``customer``: its external id."""

    workspace_id: str
    customer: str

    @property
    def customer_id(self) -> str:
        """The one that may be published."""
        return customer_id(self.workspace_id, self.customer)


def settled(who: Who, state: State, now_ms: int) -> tuple[State, list[Output]]:
    """The state once this is published, and what is. What is taken back comes before what is granted."""
    uncapped = earned(who.workspace_id, who.customer, state)
    state, claims = _claimed(who, state, uncapped)
    now = meaning(state, uncapped)
    rewards = {}
    told: list[tuple[int, str, Reward]] = []
    for identity, standing in now.rewards.items():
        known = state.rewards.get(identity)
        published = Published(known.revision + 1 if known else 1, _status(standing, known, now_ms), standing)
        if known and replace(published, revision=known.revision) == known:
            continue
        rewards[identity] = published
        reward = _reward(who, identity, published, known)
        told.append((reward.delta, identity, reward))
    if len(told) > 1:
        told.sort(key=itemgetter(0, 1))
    sources = _refused_anew(state, now.refusals)
    if rewards:
        state = replace(state, rewards={**state.rewards, **rewards})
    if sources:
        state = replace(state, sources={**state.sources, **sources})
    refusals = [_refusal(who, source_id, source) for source_id, source in sources.items()]
    return state, [*claims, *[reward for _, _, reward in told], *refusals]


def _claimed(who: Who, state: State, uncapped: Meaning) -> tuple[State, list[RewardClaim]]:
    """With what is asked of caps, and given back to them: that first, so that it serves who asks now."""
    under_caps = [identity for identity, one in uncapped.rewards.items() if one.period]
    claims: list[RewardClaim] = []
    changed: dict[str, tuple[Share, ...]] = {}
    number = state.claims
    for identity in dict.fromkeys((*state.shares, *under_caps)) if state.shares else under_caps:
        standing = uncapped.rewards.get(identity)
        before = state.shares.get(identity, ())
        after, made = asked(before, standing, number + 1)
        for share, amount in made:
            number = max(number, share.number)
            claims.append(_claim(who, identity, 0 if standing is None else standing.limit, share, amount))
        if after != before:
            changed[identity] = after
    if not changed:
        return state, []
    if len(claims) > 1:
        claims.sort(key=lambda one: one.amount > 0)
    shares = {identity: some for identity, some in (state.shares | changed).items() if some}
    return replace(state, shares=shares, claims=number), claims


def _claim(who: Who, identity: str, limit: int, share: Share, amount: int) -> RewardClaim:
    return RewardClaim(
        workspace_id=who.workspace_id,
        customer_external_id=who.customer,
        reward_id=identity,
        program_id=share.program_id,
        partner_id=share.partner_id,
        kind=share.kind,
        period=share.period,
        limit=limit,
        number=share.number,
        amount=amount,
    )


def _status(standing: Standing, known: Published | None, now_ms: int) -> RewardStatus:
    if standing.status != "earned":
        return standing.status
    # By another clock it may have been payable already: then it stays so.
    if known and known.status == "payable" and known.standing.payable_ms == standing.payable_ms:
        return "payable"
    return "payable" if standing.payable_ms <= now_ms else "pending"


def _refused_anew(state: State, refusals: dict[str, RefusalReason]) -> dict[str, Source]:
    anew = {}
    for source_id, source in state.sources.items():
        reason = refusals.get(source_id)
        says = None if reason is None else (reason, source.revision)
        if says != source.said:
            anew[source_id] = replace(source, said=says, refusals=source.refusals + 1)
    return anew


_version: Final = lru_cache(maxsize=1024)(rfc3339)
"""There are few, and each reward names one."""


def _reward(who: Who, identity: str, published: Published, known: Published | None) -> Reward:
    standing = published.standing
    return Reward(
        reward_id=identity,
        revision=published.revision,
        workspace_id=who.workspace_id,
        program_id=standing.program_id,
        partner_id=standing.partner_id,
        customer_id=who.customer_id,
        kind=standing.kind,
        source_id=standing.source_id,
        source_revision=standing.source_revision,
        policy_version=_version(standing.version_ms),
        condition=None if standing.group == NO_GROUP else standing.group,
        gross=standing.gross,
        amount=standing.amount,
        delta=standing.amount - (known.standing.amount if known else 0),
        currency=standing.currency,
        status=published.status,
        reason=standing.reason,
        earned_at=rfc3339(standing.earned_ms),
        payable_at=rfc3339(standing.payable_ms),
    )


def _refusal(who: Who, source_id: str, source: Source) -> RewardRefusal:
    return RewardRefusal(
        source_id=source_id,
        source_revision=source.revision,
        revision=source.refusals,
        kind=source.kind,
        workspace_id=who.workspace_id,
        program_id=source.program_id or None,
        partner_id=source.partner_id or None,
        customer_id=who.customer_id,
        reason=None if source.said is None else source.said[0],
        timestamp=rfc3339(source.at_ms),
    )


def refusal_of_source(who: Who, earning: Earning, reason: RefusalReason) -> RewardRefusal:
    """Of one that is not remembered."""
    return RewardRefusal(
        source_id=earning.source_id,
        source_revision=earning.revision,
        revision=1,
        kind=earning.kind,
        workspace_id=who.workspace_id,
        program_id=earning.program_id or None,
        partner_id=earning.partner_id or None,
        customer_id=who.customer_id,
        reason=reason,
        timestamp=rfc3339(earning.at_ms),
    )


def refusal_of_event(who: Who, change: Change, reason: RefusalReason | None = None) -> RewardRefusal:
    """Without a ``reason``: what it is about did not come."""
    in_vain = RefusalReason.NO_SALE if change.kind == "refund" else RefusalReason.NO_REWARD
    return RewardRefusal(
        source_id=change.event_id,
        source_revision=1,
        revision=1,
        kind=change.kind,
        workspace_id=who.workspace_id,
        program_id=None,
        partner_id=None,
        customer_id=who.customer_id,
        reason=reason or in_vain,
        timestamp=rfc3339(change.at_ms),
    )
