"""Why a customer's leads and sales earn what they earn: which version, condition and cap decided."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from processors.rewards.judging import NO_GROUP, Verdict
from processors.rewards.meaning import deciding
from processors.rewards.state import Published, Source, State
from schemas.reward_policy import RewardKind
from schemas.rewards import ChangeKind, RefusalReason, Reward, RewardReason, RewardRefusal, RewardStatus
from schemas.times import rfc3339


class Earned(Struct, frozen=True, rename="camel"):
    """What came of a lead or a sale. Fields as of :class:`schemas.rewards.Reward`.

    ``refusal``: why it earns nothing; then there is no reward, and ``gross`` is what it would have earned, if
    the policy says that. Neither: it waits for a policy. ``cap``: the period, of ``cap_limit`` in all.
    ``taken_back``: what a reward was before that, as far as it is known.
    """

    kind: RewardKind
    source_id: str
    source_revision: int
    at: str
    program_id: str | None
    partner_id: str | None
    refusal: RefusalReason | None
    policy_version: str | None = None
    condition: int | None = None
    reward_id: str | None = None
    revision: int | None = None
    status: RewardStatus | None = None
    reason: RewardReason | None = None
    gross: int | None = None
    amount: int | None = None
    currency: str | None = None
    cap: str | None = None
    cap_limit: int | None = None
    taken_back: int | None = None

    def __str__(self) -> str:
        if self.refusal is not None:
            would = "" if self.gross is None else f"would be {self.gross} {self.currency}"
            return "; ".join(
                filter(None, (f"{self._what}: earns nothing, {self.refusal}", would, self._decided_by))
            )
        if self.reward_id is None:
            return f"{self._what}: waits for a policy of program {self.program_id}, its time or its cap"
        why = f" ({self.reason})" if self.reason else ""
        before = "" if self.taken_back is None else f", {self.taken_back} taken back"
        amount = f"{self.amount} of {self.gross} {self.currency}, {self.status}{why}{before}"
        return f"{self._what}: {amount}; {self._decided_by}"

    def whole(self) -> str:
        """With the id by which events name the reward, if there is one."""
        return str(self) if self.refusal or self.reward_id is None else f"{self}; {self.reward_id}"

    @property
    def _what(self) -> str:
        return (
            f"{self.at} {self.kind} {self.source_id}/{self.source_revision} of {self.partner_id or 'nobody'}"
        )

    @property
    def _decided_by(self) -> str:
        """Of what the policy does not pay for, only the version: no condition decided, nor the base."""
        if self.policy_version is None:
            return ""
        if self.gross is None:
            return f"version {self.policy_version}"
        by = "base" if self.condition is None else f"condition {self.condition}"
        under = f", cap {self.cap}, at most {self.cap_limit}" if self.cap else ""
        return f"version {self.policy_version}, {by}{under}"


def explained(state: State) -> list[Earned]:
    """Each lead and sale that is remembered, by their times."""
    of_source = {one.standing.source_id: (identity, one) for identity, one in _earned(state)}
    verdicts = deciding(state)
    by_time = sorted(state.sources.items(), key=lambda one: (one[1].at_ms, one[0]))
    return [
        _of(source_id, source, of_source.get(source_id), verdicts.get(source_id))
        for source_id, source in by_time
    ]


def _earned(state: State) -> Iterator[tuple[str, Published]]:
    """Rewards that were not taken back from the source that they name."""
    for identity, published in state.rewards.items():
        source = state.sources[published.standing.source_id]
        standing = published.standing
        named = (source.program_id, source.partner_id) == (standing.program_id, standing.partner_id)
        if named and source.said is None:
            yield identity, published


def _of(
    source_id: str, source: Source, reward: tuple[str, Published] | None, verdict: Verdict | None
) -> Earned:
    refusal = None if source.said is None else source.said[0]
    earned = Earned(
        source.kind,
        source_id,
        source.revision,
        rfc3339(source.at_ms),
        source.program_id or None,
        source.partner_id or None,
        refusal,
    )
    if refusal is not None:
        return earned if verdict is None else _refused_by(earned, verdict)
    return earned if reward is None else _rewarded(earned, *reward)


def _refused_by(earned: Earned, verdict: Verdict) -> Earned:
    if verdict.refusal is RefusalReason.NO_POLICY:
        return earned
    version = rfc3339(verdict.version_ms)
    if verdict.refusal is not None:
        return replace(earned, policy_version=version)
    return replace(
        earned,
        policy_version=version,
        condition=None if verdict.group == NO_GROUP else verdict.group,
        gross=verdict.gross,
        currency=verdict.currency,
        cap=verdict.period or None,
        cap_limit=verdict.limit if verdict.period else None,
    )


def _rewarded(earned: Earned, identity: str, published: Published) -> Earned:
    standing = published.standing
    return replace(
        earned,
        policy_version=rfc3339(standing.version_ms),
        condition=None if standing.group == NO_GROUP else standing.group,
        reward_id=identity,
        revision=published.revision,
        status=published.status,
        reason=standing.reason,
        gross=standing.gross,
        amount=standing.amount,
        currency=standing.currency,
        cap=standing.period or None,
        cap_limit=standing.limit if standing.period else None,
    )


class Told(Struct, frozen=True):
    """What was published of a customer, as far as its state does not say it.

    ``refusals``: by their source, those that hold. ``amounts``: by rewardId, the newest that was not nothing.
    """

    refusals: Mapping[str, RewardRefusal]
    amounts: Mapping[str, int]


def told(rewards: Iterable[Reward], refusals: Iterable[RewardRefusal]) -> Told:
    """In the order in which they were published."""
    newest = {one.source_id: one for one in refusals}
    return Told(
        {source_id: one for source_id, one in newest.items() if one.reason is not None},
        {one.reward_id: one.amount for one in rewards if one.amount},
    )


def taken_back(state: State, amounts: Mapping[str, int]) -> Iterator[Earned]:
    """Rewards whose lead or sale is another partner's by now, or earns nothing any more."""
    stand = {identity for identity, _ in _earned(state)}
    for identity, published in state.rewards.items():
        if identity in stand:
            continue
        standing = published.standing
        earned = Earned(
            standing.kind,
            standing.source_id,
            standing.source_revision,
            rfc3339(standing.earned_ms),
            standing.program_id,
            standing.partner_id,
            None,
        )
        # While its cap decides, what was published stands.
        before = amounts.get(identity) if published.status == "cancelled" else None
        yield replace(_rewarded(earned, identity, published), taken_back=before)


def not_remembered(state: State, refusals: Mapping[str, RewardRefusal]) -> Iterator[Earned]:
    """Leads and sales beyond what is remembered of one customer."""
    for source_id, one in refusals.items():
        if (one.kind == "lead" or one.kind == "sale") and source_id not in state.sources:
            yield Earned(
                one.kind,
                source_id,
                one.source_revision,
                one.timestamp,
                one.program_id,
                one.partner_id,
                one.reason,
            )


def everything(state: State, known: Told) -> tuple[list[Earned], list["EventSaid"]]:
    """What came of leads and sales, and what was said of them; both by their times."""
    sources = (
        *explained(state),
        *taken_back(state, known.amounts),
        *not_remembered(state, known.refusals),
    )
    events = (*events_said(state), *events_refused(state, known.refusals))
    return sorted(sources, key=lambda one: one.at), sorted(events, key=lambda one: one.at)


class EventSaid(Struct, frozen=True, rename="camel"):
    """An event about a sale or reward. ``target``: saleId or rewardId. ``amount``: of a refund.

    ``refusal``: why it led to nothing; what else it said is forgotten then.
    """

    kind: ChangeKind
    event_id: str
    at: str
    target: str | None
    amount: int | None
    refusal: RefusalReason | None = None

    def __str__(self) -> str:
        if self.refusal is not None:
            return f"{self.at} {self.kind}, event {self.event_id}: led to nothing, {self.refusal}"
        amount = "" if self.amount is None else f" of {self.amount}"
        return f"{self.at} {self.kind}{amount} of {self.target}, event {self.event_id}"


def events_said(state: State) -> list[EventSaid]:
    """By their times."""
    changes = sorted(one.change for one in state.events.values())
    return [
        EventSaid(one.kind, one.event_id, rfc3339(one.at_ms), one.target, one.amount or None)
        for one in changes
    ]


def events_refused(state: State, refusals: Mapping[str, RewardRefusal]) -> Iterator[EventSaid]:
    """But for those that were said again since, and wait or count."""
    for event_id, one in refusals.items():
        if one.kind != "lead" and one.kind != "sale" and event_id not in state.events:
            yield EventSaid(one.kind, event_id, one.timestamp, None, None, one.reason)
