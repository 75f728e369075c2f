"""What is said of sales and rewards once they are there: the topic ``reward-events`` (docs/rewards.md)."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from schemas.events import EVENT_TYPES, CustomerEvent, Event
from schemas.fields import InvoiceId
from schemas.ids import sale_id
from schemas.rewards import ChangeKind
from schemas.texts import ID, ID_PATTERN, PRESENT_PATTERN, SUSPICIOUS_LENGTHS, check_id

OnceId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=ID,
        description="What tells it from others: each counts once.",
        extra_json_schema={"pattern": ID_PATTERN, "allOf": [{"pattern": PRESENT_PATTERN}]},
    ),
]
RewardId = Annotated[str, Meta(pattern=r"^rw_[0-9a-f]{32}(?![\s\S])", description="rw_ and 32 hex digits.")]
SaleId = Annotated[
    str,
    Meta(
        pattern=r"^sl_[0-9a-f]{32}(?![\s\S])",
        description="sl_ and 32 hex digits, for a sale without an invoiceId.",
    ),
]
Refunded = Annotated[int, Meta(ge=1, le=2**63 - 1, description="In minor units of the sale's currency.")]
Note = Annotated[str, Meta(max_length=1_000, description="For people; nothing goes by it.")]


class RewardEvent(CustomerEvent, frozen=True, kw_only=True, rename="camel", gc=False):
    """What is common to them. Of the customer whose sale or reward it is."""

    type_name: ClassVar[ChangeKind]

    event_id: OnceId
    reason: Note | None = None
    actor: Note | None = None

    def __post_init__(self) -> None:
        CustomerEvent.__post_init__(self)
        if not self.event_id:
            raise ValueError("eventId: required, and not blank")

    @property
    def target(self) -> str:
        """The saleId of a refund, else the rewardId."""
        raise NotImplementedError

    @property
    def refunded(self) -> int:
        """How much of the sale is paid back."""
        return 0

    def topic_key(self) -> bytes:
        """The record key."""
        return self.customer_key()


class Refund(RewardEvent, frozen=True, kw_only=True, rename="camel", gc=False):
    """``amount`` of a sale was paid back. Refunds of a sale add up."""

    type_name = "refund"

    amount: Refunded
    invoice_id: InvoiceId | None = None
    sale_id: SaleId | None = None

    def __post_init__(self) -> None:
        RewardEvent.__post_init__(self)
        invoice = (self.invoice_id or "").strip()
        if len(invoice) in SUSPICIOUS_LENGTHS or not invoice.isprintable():
            check_id("invoiceId", invoice)
        if bool(invoice) == bool(self.sale_id):
            raise ValueError("invoiceId: required, or saleId instead")

    @property
    def target(self) -> str:
        return self.sale_id or sale_id(self.workspace_id, self.customer, (self.invoice_id or "").strip())

    @property
    def refunded(self) -> int:
        return self.amount


class _OfReward(RewardEvent, frozen=True, kw_only=True, rename="camel", gc=False):
    reward_id: RewardId

    @property
    def target(self) -> str:
        return self.reward_id


class Hold(_OfReward, frozen=True, kw_only=True, rename="camel", gc=False):
    """A reward is not to be paid until it is released."""

    type_name = "hold"


class Release(_OfReward, frozen=True, kw_only=True, rename="camel", gc=False):
    """A reward that is held may be paid."""

    type_name = "release"


class Cancel(_OfReward, frozen=True, kw_only=True, rename="camel", gc=False):
    """A reward is taken back for good."""

    type_name = "cancel"


AnyRewardEvent = Refund | Hold | Release | Cancel

REWARD_EVENT_TYPES: Final[dict[str, type[Refund] | type[Hold] | type[Release] | type[Cancel]]] = {
    kind.type_name: kind for kind in (Refund, Hold, Release, Cancel)
}
SENT_TYPES: Final[dict[str, type[Event]]] = {**EVENT_TYPES, **REWARD_EVENT_TYPES}
"""All that producers may send, by the ``type`` that it gives."""
