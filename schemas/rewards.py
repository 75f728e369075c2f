"""What a partner is owed, and what earned nothing: the ledger of rewards (docs/rewards.md)."""

from enum import StrEnum
from typing import Final, Literal

from msgspec import Struct

from schemas.reward_policy import RewardKind

RewardStatus = Literal["pending", "payable", "held", "cancelled"]
ChangeKind = Literal["refund", "hold", "release", "cancel"]


class RefusalReason(StrEnum):
    """Why a lead, a sale or an event about rewards led to nothing."""

    NO_PARTNER = "no_partner"
    """The link names no program, or no partner."""
    NO_POLICY = "no_policy"
    """Its program has no policy, or none for the time of the lead or sale."""
    EXCLUDED = "excluded"
    """The policy excludes the partner."""
    CONDITION_FAILED = "condition_failed"
    """The policy pays under conditions only, none of which holds."""
    ALREADY_REWARDED = "already_rewarded"
    """An earlier lead of this customer is the one that this partner is rewarded for."""
    ZERO = "zero"
    """The policy pays nothing for it."""
    OVER_DURATION = "over_duration"
    """The first sale of this customer lies too long ago."""
    CURRENCY_MISMATCH = "currency_mismatch"
    """Conditions that hold would pay in different currencies, or the cap is in another one."""
    CAPPED = "capped"
    """The cap has no room left for it."""
    NO_SALE = "no_sale"
    """A refund of a sale that did not come within the hold."""
    NO_REWARD = "no_reward"
    """A hold, release or cancellation of a reward that did not come within the hold."""
    TOO_MANY = "too_many"
    """This customer has more of them than are remembered."""


AFTER_A_WAIT: Final = frozenset({RefusalReason.NO_POLICY, RefusalReason.NO_SALE, RefusalReason.NO_REWARD})
"""What was waited for did not come in time; it may have come since."""


class RewardReason(StrEnum):
    """Why a reward is not simply what was earned. The last seven: its lead or sale has changed since."""

    REFUNDED = "refunded"
    """Part of the sale was refunded, or all of it."""
    HELD = "held"
    """Somebody put it on hold."""
    SELF_REFERRAL = "self_referral"
    """The customer has the partner's e-mail address."""
    CANCELLED = "cancelled"
    """Somebody cancelled it."""
    MOVED = "moved"
    """The lead or sale is another partner's, or another program's."""
    UNDECIDED = "undecided"
    """The lead or sale has changed, and waits for a policy."""
    NO_POLICY = RefusalReason.NO_POLICY.value
    EXCLUDED = RefusalReason.EXCLUDED.value
    CONDITION_FAILED = RefusalReason.CONDITION_FAILED.value
    ZERO = RefusalReason.ZERO.value
    OVER_DURATION = RefusalReason.OVER_DURATION.value
    CURRENCY_MISMATCH = RefusalReason.CURRENCY_MISMATCH.value
    CAPPED = RefusalReason.CAPPED.value
    """The cap has no room for all of it, or, of one that is cancelled, no room at all."""


class Reward(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What a partner is owed for one lead or sale, as of this revision.

    Money is in minor units of ``currency``. ``delta``: ``amount`` less that of the revision before, so that
    the sum over all revisions is what is owed. ``gross``: before refunds and caps. ``policy_version``: the
    ``effectiveFrom`` of the version that decided; ``condition``: the group of it that did, None: none.
    """

    reward_id: str
    revision: int
    workspace_id: str
    program_id: str
    partner_id: str
    customer_id: str
    kind: RewardKind
    source_id: str
    source_revision: int
    policy_version: str
    condition: int | None
    gross: int
    amount: int
    delta: int
    currency: str
    status: RewardStatus
    reason: RewardReason | None
    earned_at: str
    payable_at: str


class RewardRefusal(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """What earned nothing, and why. ``source_id``: of the lead or sale, or the eventId.

    ``revision`` counts what was said of one source. ``reason`` None: what was said no longer holds, it has a
    reward, or is being decided anew.
    """

    source_id: str
    source_revision: int
    revision: int
    kind: RewardKind | ChangeKind
    workspace_id: str
    program_id: str | None
    partner_id: str | None
    customer_id: str
    reason: RefusalReason | None
    timestamp: str
