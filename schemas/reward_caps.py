"""What the ledger of rewards tells itself about caps (docs/architecture.md, "Caps"). Names nobody but by the
customer's external id, under which the answer has to come back.
"""

from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from schemas.ids import cap_id
from schemas.reward_policy import RewardKind
from schemas.topics import customer_key


def _key(
    workspace_id: str, program_id: str, partner_id: str, kind: RewardKind, period: str, customer: str
) -> bytes:
    return customer_key(workspace_id, cap_id(workspace_id, program_id, partner_id, kind, period, customer))


_key_for_leads: Final = lru_cache(maxsize=4096)(_key)
"""Asked for twice a claim, and the same for all customers of a partner."""


class RewardClaim(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Room that a reward asks for under a cap, or gives back: then ``amount`` is below zero.

    ``number`` counts those of its customer that ask. ``limit``: of the cap, in minor units.
    """

    workspace_id: str
    customer_external_id: str
    reward_id: str
    program_id: str
    partner_id: str
    kind: RewardKind
    period: str
    limit: int
    number: int
    amount: int

    def topic_key(self) -> bytes:
        """The record key, ``workspaceId:capId``: all that share a cap in one period meet there."""
        whose = self.workspace_id, self.program_id, self.partner_id, self.kind, self.period
        if self.kind == "lead":
            return _key_for_leads(*whose, "")
        return _key(*whose, self.customer_external_id)


class RewardShare(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The answer to a claim: ``amount`` of what was asked for is the reward's."""

    workspace_id: str
    customer_external_id: str
    reward_id: str
    period: str
    number: int
    amount: int

    def topic_key(self) -> bytes:
        """The record key."""
        return customer_key(self.workspace_id, self.customer_external_id)


decode_claim: Final = Decoder(RewardClaim).decode
decode_share: Final = Decoder(RewardShare).decode
