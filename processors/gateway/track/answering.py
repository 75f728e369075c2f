"""The answers of the track calls: exactly the members that strict clients expect."""

from typing import Final

from msgspec import Raw, Struct

from processors.gateway.known import KnownClick, KnownCustomer, KnownSale
from processors.gateway.routing import Call
from processors.gateway.track.events import CUSTOM
from schemas.events import LeadEvent, Purchase
from schemas.fields import Metadata
from schemas.ids import customer_id
from schemas.links import Link, short_link
from schemas.registry import KeyRole
from schemas.results import NULL

NOTHING_KNOWN: Final = KnownCustomer()
"""Of whoever has nothing but what the call says."""


class ClickPart(Struct, frozen=True, rename="camel"):
    """The click that the event goes to."""

    id: str


class LinkPart(Struct, frozen=True, rename="camel"):
    """The link of that click."""

    id: str
    domain: str
    key: str
    short_link: str
    url: str
    partner_id: str | None
    program_id: str | None
    tenant_id: str | None
    external_id: str | None


class PersonPart(Struct, frozen=True, rename="camel"):
    """The customer, by what was said first."""

    name: str | None
    email: str | None
    avatar: str | None
    external_id: str


class LeadAnswer(Struct, frozen=True, rename="camel"):
    """A lead event was taken."""

    click: ClickPart
    link: LinkPart
    customer: PersonPart


class CustomerPart(Struct, frozen=True, rename="camel"):
    """The customer, with the id by which results know it."""

    id: str
    name: str | None
    email: str | None
    avatar: str | None
    external_id: str


class SalePart(Struct, frozen=True, rename="camel"):
    """``amount``: in minor units of the ``currency`` that was sent."""

    amount: int
    currency: str
    payment_processor: str
    invoice_id: str | None
    metadata: Metadata


class SaleAnswer(Struct, frozen=True, rename="camel"):
    """A sale was taken; null: there was nobody to count it for, or nothing to count."""

    event_name: str
    customer: CustomerPart | None
    sale: SalePart | None


def is_in_public(call: Call) -> bool:
    """Its key stands in a page: whoever guesses ids must not be told what is stored of people."""
    return call.key is not None and call.key.role is KeyRole.PUBLISHABLE


def link_part(click: KnownClick, link: Link | None) -> LinkPart:
    """``link``: as it is now; None: all that is known is what the click says."""
    if link is not None:
        return LinkPart(
            link.id,
            link.domain,
            link.key,
            link.short_link,
            link.url,
            link.partner_id,
            link.program_id,
            link.tenant_id,
            link.external_id,
        )
    told = click.link
    domain, key = told.domain or "", told.key or ""
    return LinkPart(
        told.id or "",
        domain,
        key,
        short_link(domain, key) if domain and key else "",
        told.url or "",
        told.partner_id,
        told.program_id,
        told.tenant_id,
        told.external_id,
    )


def lead_answer(
    event: LeadEvent, click: KnownClick, link: LinkPart, known: KnownCustomer | None
) -> LeadAnswer:
    """``known``: before this event, which adds what was not said yet."""
    before = known or NOTHING_KNOWN
    person = PersonPart(
        before.name or event.customer_name,
        before.email or event.customer_email,
        before.avatar or event.customer_avatar,
        event.customer,
    )
    return LeadAnswer(ClickPart(click.click_id), link, person)


def sold(event: Purchase) -> KnownSale:
    """What is known of a sale once its purchase is in Kafka."""
    return KnownSale(
        event.event_name or "",
        event.amount,
        event.currency or "",
        event.payment_processor,
        event.invoice_id,
        bytes(event.metadata).decode() or None,
    )


def sale_answer(event: Purchase, known: KnownCustomer, sale: KnownSale) -> SaleAnswer:
    """``event``: says whose it is. ``sale``: what came of it, or first with the same invoice."""
    customer = CustomerPart(
        customer_id(event.workspace_id, event.customer), known.name, known.email, known.avatar, event.customer
    )
    part = SalePart(
        sale.amount,
        sale.currency,
        sale.payment_processor or CUSTOM,
        sale.invoice_id,
        Raw(sale.metadata.encode()) if sale.metadata else NULL,
    )
    return SaleAnswer(sale.event_name, customer, part)


def no_sale(event: Purchase) -> SaleAnswer:
    """Nobody is known whose it could be, or it is about nothing."""
    return SaleAnswer(event.event_name or "", None, None)
