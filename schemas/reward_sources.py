"""Bytes → a lead or a sale as they are published, as far as rewards go by it, or a typed refusal.

Whoever pays for them reads them here, and so does whoever recomputes that: of what is none, both make none.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.json import Decoder

from schemas.decoding import Refused, decoded
from schemas.fields import Amount
from schemas.reasons import DeadLetterReason
from schemas.results import NULL, JsonObject
from schemas.times import EARLIEST_MS, parse_rfc3339, to_ms

_LATEST_MS: Final = to_ms(datetime(7000, 1, 1, tzinfo=UTC)) - 1
"""However long a policy waits or pays, 1,000,000 days or 1,200 months, that ends before the year 10000."""

_Revision = Annotated[int, Meta(ge=1, le=2**63 - 1)]
_Quantity = Annotated[int, Meta(ge=0, le=1_000_000)]
"""Times the largest rate of a policy it is a number that can be stored."""


class SourceCustomer(Struct, frozen=True, rename="camel", gc=False):
    """Whose it is."""

    external_id: str
    email: str | None = None


class SourceClick(Struct, frozen=True, rename="camel", gc=False):
    """Where it came from."""

    country: str | None = None


class SourceLink(Struct, frozen=True, rename="camel", gc=False):
    """Whom it rewards."""

    id: str | None = None
    partner_id: str | None = None
    program_id: str | None = None


class RewardSource(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a lead and a sale have in common."""

    revision: _Revision
    workspace_id: str
    event_name: str
    quantity: _Quantity
    timestamp: str
    metadata: JsonObject = NULL
    customer: SourceCustomer
    click: SourceClick
    link: SourceLink


class LeadSource(RewardSource, frozen=True, kw_only=True, rename="camel"):
    """A record of ``leads``."""

    lead_id: str


class SaleSource(RewardSource, frozen=True, kw_only=True, rename="camel"):
    """A record of ``sales``. ``amount``: minor units of ``currency``."""

    sale_id: str
    amount: Amount
    currency: str
    payment_processor: str | None = None


_lead: Final = Decoder(LeadSource).decode
_sale: Final = Decoder(SaleSource).decode


def decode_lead_source(value: bytes | None) -> tuple[LeadSource, int]:
    """The lead, and its time in epoch milliseconds. Raises ``Refused``."""
    lead = decoded(_lead, value or b"")
    return lead, _time_ms(lead.timestamp)


def decode_sale_source(value: bytes | None) -> tuple[SaleSource, int]:
    """The sale, and its time in epoch milliseconds. Raises ``Refused``."""
    sale = decoded(_sale, value or b"")
    return sale, _time_ms(sale.timestamp)


def _time_ms(text: str) -> int:
    try:
        at_ms = parse_rfc3339(text)
    except ValueError as error:
        raise Refused(DeadLetterReason.SCHEMA_VIOLATION, f"timestamp: {error}") from None
    if not EARLIEST_MS <= at_ms <= _LATEST_MS:
        detail = f"timestamp: {text} is before 2000 or after 6999"
        raise Refused(DeadLetterReason.TIMESTAMP_OUT_OF_RANGE, detail)
    return at_ms
