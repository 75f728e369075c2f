"""Records as they are read off the topics → what happened."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from processors.clock import epoch_ms
from processors.gateway.analytics.event import Event
from processors.gateway.analytics.filters import Kind
from processors.gateway.live import Record
from schemas.decoding import Refused, decode_click
from schemas.results import Customer, Lead, LeadClick, LeadCustomer, LeadLink, Sale
from schemas.times import parse_rfc3339
from schemas.topics import Topic

_MOST_KEPT: Final = 4_096
"""Of those who watch one workspace each is told of the same record."""


class Happened(NamedTuple):
    """``kind``: what it is an event of."""

    kind: Kind
    workspace_id: str
    event: Event


_customer: Final = Decoder(Customer).decode
_lead: Final = Decoder(Lead).decode
_sale: Final = Decoder(Sale).decode
_UNREADABLE: Final = (DecodeError, ValueError, OverflowError, RecursionError)


@lru_cache(_MOST_KEPT)
def happened(record: Record) -> Happened | None:
    """What views show of it once it is in its table. None: nothing."""
    try:
        return _READERS[record.place.topic](record)
    except _UNREADABLE:
        return None


def _click_event(record: Record) -> Happened | None:
    try:
        click, at_ms = decode_click(record.value, record.at_ms, epoch_ms())
    except Refused:
        return None
    if click.bot:
        return None
    event = Event(
        id=click.click_id,
        at_ms=at_ms,
        click_id=click.click_id,
        clicked_ms=at_ms,
        link_id=click.link_id or "",
        domain=click.domain or "",
        key=click.key or "",
        url=click.url or "",
        partner_id=click.partner_id or "",
        program_id=click.program_id or "",
        tenant_id=click.tenant_id or "",
        link_external_id=click.link_external_id or "",
        continent=click.continent or "",
        country=click.country or "",
        region=click.region or "",
        city=click.city or "",
        device=click.device or "",
        browser=click.browser or "",
        os=click.os or "",
        referer=click.referer or "",
        referer_url=click.referer_url or "",
        trigger=click.trigger or "",
        qr=bool(click.qr),
        ip=click.ip or "",
        ua=click.ua or "",
        event_name="",
        quantity=1,
        revision=1,
        metadata="",
        **_NOBODY,
        **_NOTHING_PAID,
    )
    return Happened(Kind.CLICKS, click.workspace_id, event)


def _lead_event(record: Record) -> Happened:
    lead = _lead(record.value)
    event = Event(
        id=lead.lead_id,
        at_ms=parse_rfc3339(lead.timestamp),
        event_name=lead.event_name,
        quantity=lead.quantity,
        revision=lead.revision,
        metadata=_document(lead.metadata),
        **_clicked(lead.click),
        **_linked(lead.link),
        **_person(lead.customer),
        **_NOTHING_PAID,
    )
    return Happened(Kind.LEADS, lead.workspace_id, event)


def _sale_event(record: Record) -> Happened:
    sale = _sale(record.value)
    event = Event(
        id=sale.sale_id,
        at_ms=parse_rfc3339(sale.timestamp),
        event_name=sale.event_name,
        quantity=sale.quantity,
        revision=sale.revision,
        metadata=_document(sale.metadata),
        amount=sale.amount,
        currency=sale.currency,
        invoice_id=sale.invoice_id or "",
        payment_processor=sale.payment_processor or "",
        **_clicked(sale.click),
        **_linked(sale.link),
        **_person(sale.customer),
    )
    return Happened(Kind.SALES, sale.workspace_id, event)


def _sign_up(record: Record) -> Happened:
    """A customer as he is now: the same sign-up comes again when he qualifies."""
    who = _customer(record.value)
    event = Event(
        id=who.id,
        at_ms=parse_rfc3339(who.deferred_at),
        event_name="",
        quantity=1,
        revision=1,
        metadata="",
        customer_id=who.id,
        customer_external_id=who.customer_external_id,
        customer_name=who.name or "",
        customer_email=who.email or "",
        customer_avatar=who.avatar or "",
        customer_since_ms=parse_rfc3339(who.first_seen_at),
        **_clicked(who.click),
        **_linked(who.link),
        **_NOTHING_PAID,
    )
    return Happened(Kind.SIGN_UPS, who.workspace_id, event)


_READERS: Final[Mapping[Topic, Callable[[Record], Happened | None]]] = {
    Topic.CLICKS: _click_event,
    Topic.LEADS: _lead_event,
    Topic.SALES: _sale_event,
    Topic.CUSTOMERS: _sign_up,
}
_NOBODY: Final[Mapping[str, Any]] = {
    "customer_id": "",
    "customer_external_id": "",
    "customer_name": "",
    "customer_email": "",
    "customer_avatar": "",
    "customer_since_ms": 0,
}
_NOTHING_PAID: Final[Mapping[str, Any]] = {
    "amount": 0,
    "currency": "",
    "invoice_id": "",
    "payment_processor": "",
}


def _clicked(click: LeadClick) -> Mapping[str, Any]:
    return {
        "click_id": click.id,
        "clicked_ms": parse_rfc3339(click.timestamp),
        "continent": click.continent or "",
        "country": click.country or "",
        "region": click.region or "",
        "city": click.city or "",
        "device": click.device or "",
        "browser": click.browser or "",
        "os": click.os or "",
        "referer": click.referer or "",
        "referer_url": click.referer_url or "",
        "trigger": click.trigger or "",
        "qr": click.qr,
        # Of a click alone.
        "ip": "",
        "ua": "",
    }


def _linked(link: LeadLink) -> Mapping[str, Any]:
    return {
        "link_id": link.id or "",
        "domain": link.domain or "",
        "key": link.key or "",
        "url": link.url or "",
        "partner_id": link.partner_id or "",
        "program_id": link.program_id or "",
        "tenant_id": link.tenant_id or "",
        "link_external_id": link.external_id or "",
    }


def _person(customer: LeadCustomer) -> Mapping[str, Any]:
    return {
        "customer_id": customer.id,
        "customer_external_id": customer.external_id,
        "customer_name": customer.name or "",
        "customer_email": customer.email or "",
        "customer_avatar": customer.avatar or "",
        "customer_since_ms": parse_rfc3339(customer.first_seen_at),
    }


def _document(metadata: Raw) -> str:
    document = bytes(metadata).decode()
    return "{}" if document == "null" else document
