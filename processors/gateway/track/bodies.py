"""What callers send, field by field. Every optional field may be absent or null.

Limits are those of the events (``schemas.fields``); what these types do not ask, the events' decoder does.
"""

import re
from typing import Annotated, ClassVar, Final

from msgspec import Meta, Raw, Struct, field

from schemas.fields import (
    Amount,
    Avatar,
    Currency,
    CustomerExternalId,
    EventName,
    InvoiceId,
    Metadata,
    Mode,
    OptionalClickId,
    PersonName,
    Processor,
    Quantity,
    Timestamp,
)
from schemas.texts import PRESENT_PATTERN, said

_ATOM: Final = r"[^\s@.,;:<>()\[\]\"\\]+"
EMAIL_PATTERN: Final = rf"^{_ATOM}(?:\.{_ATOM})*@(?:[^\s@.]+\.)+[^\s@.]{{2,63}}(?![\s\S])"
"""Dots only between other characters, and a domain with one. Letters may be of any alphabet. Whoever has no
mail there has at least not mistaken another field for this one."""
_is_email: Final = re.compile(EMAIL_PATTERN).match

_PRESENT: Final = {"pattern": PRESENT_PATTERN}
Email = Annotated[str, Meta(max_length=100, extra_json_schema={"pattern": EMAIL_PATTERN})]
Alias = Annotated[CustomerExternalId | None, Meta(description="Alias of customerExternalId.")]
Backdated = Annotated[Timestamp, Meta(description="Event time; absent = time of arrival.")]
PresentCustomerId = Annotated[CustomerExternalId, Meta(extra_json_schema={"allOf": [_PRESENT]})]


class _Tracked(Struct, frozen=True, kw_only=True, rename="camel"):
    """What leads and sales have in common."""

    customer_name: PersonName | None = None
    customer_email: Email | None = None
    customer_avatar: Avatar | None = None
    metadata: Metadata = field(default_factory=Raw)

    def __post_init__(self) -> None:
        if self.customer_email is not None and not _is_email(self.customer_email):
            raise ValueError("invalid_string: customerEmail: Invalid e-mail address")


class LeadFields(_Tracked, frozen=True, kw_only=True, rename="camel"):
    """A lead, but for its click and its customer."""

    event_name: Annotated[EventName, Meta(extra_json_schema=_PRESENT)]
    mode: Mode | None = None
    event_quantity: Quantity | None = None

    def __post_init__(self) -> None:
        _Tracked.__post_init__(self)
        _check_present("eventName", self.event_name)


class SaleFields(_Tracked, frozen=True, kw_only=True, rename="camel"):
    """A sale, but for its customer. ``click_id``, and who the customer is: for one that had no lead."""

    amount: Amount
    currency: Currency | None = None
    event_name: EventName | None = None
    payment_processor: Processor | None = None
    invoice_id: InvoiceId | None = None
    lead_event_name: EventName | None = None
    click_id: OptionalClickId | None = None


class LeadBody(LeadFields, frozen=True, kw_only=True, rename="camel"):
    """A lead, as a server reports it."""

    click_id: OptionalClickId | None = None
    customer_external_id: CustomerExternalId | None = None
    external_id: Alias = None
    customer_id: Alias = None
    timestamp: Backdated = None

    @property
    def customer(self) -> str | None:
        """The first id that is given."""
        return _first(self.customer_external_id, self.external_id, self.customer_id)


class SaleBody(SaleFields, frozen=True, kw_only=True, rename="camel"):
    """A sale, as a server reports it."""

    customer_external_id: CustomerExternalId | None = None
    external_id: Alias = None
    customer_id: Alias = None
    timestamp: Backdated = None

    @property
    def customer(self) -> str | None:
        """The first id that is given."""
        return _first(self.customer_external_id, self.external_id, self.customer_id)


class ClientLeadBody(LeadFields, frozen=True, kw_only=True, rename="camel"):
    """A lead, as a page reports it: now, and with a click id, which may be empty."""

    timestamp: ClassVar[None] = None

    click_id: OptionalClickId
    customer_external_id: PresentCustomerId

    def __post_init__(self) -> None:
        LeadFields.__post_init__(self)
        _check_present("customerExternalId", self.customer_external_id)

    @property
    def customer(self) -> str:
        """The id that is given."""
        return self.customer_external_id


class ClientSaleBody(SaleFields, frozen=True, kw_only=True, rename="camel"):
    """A sale, as a page reports it: now."""

    timestamp: ClassVar[None] = None

    customer_external_id: PresentCustomerId

    def __post_init__(self) -> None:
        SaleFields.__post_init__(self)
        _check_present("customerExternalId", self.customer_external_id)

    @property
    def customer(self) -> str:
        """The id that is given."""
        return self.customer_external_id


def _first(*ids: str | None) -> str | None:
    return next((one for one in ids if said(one)), None)


def _check_present(name: str, text: str) -> None:
    if not said(text):
        raise ValueError(f"too_small: {name}: {name} is required")
