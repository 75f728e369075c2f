"""Rewards and what earned nothing → rows. Neither names anybody."""

from typing import Final

from aiokafka import ConsumerRecord
from msgspec.json import Decoder

from processors.sink.rows import Row, last_wins
from schemas.rewards import Reward, RewardRefusal
from schemas.times import parse_rfc3339

_reward: Final = Decoder(Reward).decode
_refusal: Final = Decoder(RewardRefusal).decode

REWARD_COLUMNS: Final = (
    *("workspace_id", "reward_id", "revision", "published_at", "program_id", "partner_id", "customer_id"),
    *("kind", "source_id", "source_revision", "policy_version", "condition", "gross", "amount", "delta"),
    *("currency", "status", "reason", "earned_at", "payable_at", "version"),
)


def reward_row(record: ConsumerRecord) -> Row:
    """A revision. Raises one of ``rows.UNREADABLE``, like the other one here."""
    reward = _reward(record.value or b"")
    return (
        reward.workspace_id,
        reward.reward_id,
        reward.revision,
        max(record.timestamp, 0),
        reward.program_id,
        reward.partner_id,
        reward.customer_id,
        reward.kind,
        reward.source_id,
        reward.source_revision,
        parse_rfc3339(reward.policy_version),
        reward.condition,
        reward.gross,
        reward.amount,
        reward.delta,
        reward.currency,
        reward.status,
        reward.reason or "",
        parse_rfc3339(reward.earned_at),
        parse_rfc3339(reward.payable_at),
        last_wins(record),
    )


REFUSAL_COLUMNS: Final = (
    *("workspace_id", "customer_id", "source_id", "source_revision", "revision", "kind", "program_id"),
    *("partner_id", "reason", "timestamp", "version"),
)


def refusal_row(record: ConsumerRecord) -> Row:
    """What was said last of a source counts: it is what holds now."""
    refusal = _refusal(record.value or b"")
    return (
        refusal.workspace_id,
        refusal.customer_id,
        refusal.source_id,
        refusal.source_revision,
        refusal.revision,
        refusal.kind,
        refusal.program_id or "",
        refusal.partner_id or "",
        refusal.reason or "",
        parse_rfc3339(refusal.timestamp),
        last_wins(record),
    )
