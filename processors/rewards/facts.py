"""What happens to a customer, as far as rewards go by it."""

from msgspec import Struct

from schemas.reward_caps import RewardShare
from schemas.reward_policy import RewardKind
from schemas.rewards import ChangeKind


class Earning(Struct, frozen=True, array_like=True, gc=False):
    """A revision of a lead or a sale: all that a policy may ask of it.

    ``at_ms``: event time. Of a link without program or partner these are empty, and so are texts that are
    absent. ``amount``, ``currency``: of a sale, in minor units. ``email_hash``: of the customer's address.
    """

    kind: RewardKind
    source_id: str
    revision: int
    at_ms: int
    program_id: str
    partner_id: str
    quantity: int = 1
    amount: int = 0
    currency: str = ""
    event_name: str = ""
    country: str = ""
    link_id: str = ""
    payment_processor: str = ""
    metadata: bytes = b""
    email_hash: str = ""


class Change(Struct, frozen=True, array_like=True, order=True, gc=False):
    """An event about a reward, or the refund of a sale. Of several with one ``event_id`` the least counts.

    ``target``: the saleId of a refund, else the rewardId. ``amount``: what is refunded of the sale.
    """

    at_ms: int
    kind: ChangeKind
    event_id: str
    target: str
    amount: int = 0


class Forgotten(Struct, frozen=True):
    """The customer was erased."""


class Granted(Struct, frozen=True, array_like=True, gc=False):
    """Of what a reward asked for under a cap, how much is its own."""

    reward_id: str
    period: str
    number: int
    amount: int


def granted_by(share: RewardShare) -> Granted:
    """The fact in an answer."""
    return Granted(share.reward_id, share.period, share.number, share.amount)


RewardFact = Earning | Change | Forgotten | Granted
