"""Leads and sales as they are published → facts. Whoever reads them needs no more of them than this."""

from typing import Final

from msgspec import Raw, Struct, field
from msgspec.json import Decoder
from msgspec.structs import replace

from processors.rewards.facts import Earning
from schemas.decoding import Refused, decoded
from schemas.email_hash import email_hash
from schemas.reasons import DeadLetterReason
from schemas.reward_policy import RewardKind
from schemas.times import parse_rfc3339


class _Customer(Struct, frozen=True, rename="camel", gc=False):
    external_id: str
    email: str | None = None


class _Click(Struct, frozen=True, rename="camel", gc=False):
    country: str | None = None


class _Link(Struct, frozen=True, rename="camel", gc=False):
    id: str | None = None
    partner_id: str | None = None
    program_id: str | None = None


class _Result(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a lead and a sale have in common."""

    revision: int
    workspace_id: str
    event_name: str
    quantity: int
    timestamp: str
    metadata: Raw = field(default_factory=Raw)
    customer: _Customer
    click: _Click
    link: _Link


class _Lead(_Result, frozen=True, kw_only=True, rename="camel"):
    lead_id: str


class _Sale(_Result, frozen=True, kw_only=True, rename="camel"):
    sale_id: str
    amount: int
    currency: str
    payment_processor: str | None = None


_lead: Final = Decoder(_Lead).decode
_sale: Final = Decoder(_Sale).decode


class Read(Struct, frozen=True, gc=False):
    """A fact, and whose it is. ``customer``: its external id."""

    workspace_id: str
    customer: str
    fact: Earning


def read_lead(value: bytes) -> Read:
    """A record of ``leads``. Raises ``Refused``."""
    lead = decoded(_lead, value)
    return Read(lead.workspace_id, lead.customer.external_id, _earning("lead", lead.lead_id, lead))


def read_sale(value: bytes) -> Read:
    """A record of ``sales``. Raises ``Refused``."""
    sale = decoded(_sale, value)
    earning = replace(
        _earning("sale", sale.sale_id, sale),
        amount=sale.amount,
        currency=sale.currency,
        payment_processor=sale.payment_processor or "",
    )
    return Read(sale.workspace_id, sale.customer.external_id, earning)


def _earning(kind: RewardKind, source_id: str, result: _Result) -> Earning:
    link, metadata = result.link, bytes(result.metadata)
    try:
        at_ms = parse_rfc3339(result.timestamp)
    except ValueError as error:
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, f"timestamp: {error}") from None
    return Earning(
        kind,
        source_id,
        result.revision,
        at_ms,
        link.program_id or "",
        link.partner_id or "",
        quantity=result.quantity,
        event_name=result.event_name,
        country=result.click.country or "",
        link_id=link.id or "",
        metadata=b"" if metadata == b"null" else metadata,
        email_hash=email_hash(result.customer.email) if result.customer.email else "",
    )
