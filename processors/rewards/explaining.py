"""Why a customer's leads and sales earn what they earn: which version and condition decided."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from processors.rewards.judging import NO_GROUP
from processors.rewards.state import Published, Source, State
from schemas.reward_policy import RewardKind
from schemas.rewards import ChangeKind, RefusalReason, RewardReason, RewardStatus
from schemas.times import rfc3339


class Earned(Struct, frozen=True, rename="camel"):
    """What came of a lead or a sale. Fields as of :class:`schemas.rewards.Reward`.

    ``refusal``: why it earns nothing; then there is no reward. Neither: it waits for a policy.
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

    def __str__(self) -> str:
        if self.refusal is not None:
            return f"{self._what}: earns nothing, {self.refusal}"
        if self.reward_id is None:
            return f"{self._what}: waits for a policy of program {self.program_id}, its time or its cap"
        by = f"version {self.policy_version}, " + (
            "base" if self.condition is None else f"condition {self.condition}"
        )
        why = f" ({self.reason})" if self.reason else ""
        under = f", cap {self.cap}" if self.cap else ""
        return f"{self._what}: {self.amount} of {self.gross} {self.currency}, {self.status}{why}; {by}{under}"

    def whole(self) -> str:
        """With the id by which events name the reward, if there is one."""
        return str(self) if self.refusal or self.reward_id is None else f"{self}; {self.reward_id}"

    @property
    def _what(self) -> str:
        return (
            f"{self.at} {self.kind} {self.source_id}/{self.source_revision} of {self.partner_id or 'nobody'}"
        )


def explained(state: State) -> list[Earned]:
    """By their times."""
    of_source = {one.standing.source_id: (identity, one) for identity, one in _earned(state)}
    by_time = sorted(state.sources.items(), key=lambda one: (one[1].at_ms, one[0]))
    return [_of(source_id, source, of_source.get(source_id)) for source_id, source in by_time]


def _earned(state: State) -> Iterator[tuple[str, Published]]:
    """Rewards that were not taken back from the source that they name."""
    for identity, published in state.rewards.items():
        source = state.sources[published.standing.source_id]
        standing = published.standing
        if (source.program_id, source.partner_id) == (standing.program_id, standing.partner_id):
            yield identity, published


def _of(source_id: str, source: Source, reward: tuple[str, Published] | None) -> Earned:
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
    if refusal is not None or reward is None:
        return earned
    identity, published = reward
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
    )


class EventSaid(Struct, frozen=True, rename="camel"):
    """An event about a sale or reward. ``target``: saleId or rewardId. ``amount``: of a refund."""

    kind: ChangeKind
    event_id: str
    at: str
    target: str
    amount: int | None

    def __str__(self) -> str:
        amount = "" if self.amount is None else f" of {self.amount}"
        return f"{self.at} {self.kind}{amount} of {self.target}, event {self.event_id}"


def events_said(state: State) -> list[EventSaid]:
    """By their times."""
    changes = sorted(one.change for one in state.events.values())
    return [
        EventSaid(one.kind, one.event_id, rfc3339(one.at_ms), one.target, one.amount or None)
        for one in changes
    ]
