"""Leads, sales and customers → rows. The last emission of each wins."""

import msgspec
from aiokafka import ConsumerRecord
from msgspec.json import Decoder

from processors.sink.rows import Row, last_wins, text
from schemas.ids import customer_id
from schemas.results import (
    Customer,
    CustomerTouch,
    Lead,
    LeadClick,
    LeadCustomer,
    LeadLink,
    Sale,
    touches_of,
)
from schemas.times import parse_rfc3339
from schemas.topics import split_key

CUSTOMER_COLUMNS = (
    "customer_id",
    "customer_external_id",
    "customer_name",
    "customer_email",
    "customer_avatar",
    "customer_first_seen_at",
)
CLICK_COLUMNS = (
    "click_id",
    "click_timestamp",
    "continent",
    "country",
    "region",
    "city",
    "device",
    "browser",
    "os",
    "referer",
    "referer_url",
    "trigger",
    "qr",
)
LINK_COLUMNS = (
    "link_id",
    "domain",
    "key",
    "short_link",
    "url",
    "partner_id",
    "program_id",
    "tenant_id",
    "link_external_id",
)
ATTRIBUTION_COLUMNS = (*CLICK_COLUMNS, *LINK_COLUMNS)

_lead = Decoder(Lead).decode
_sale = Decoder(Sale).decode
_customer = Decoder(Customer).decode


LEAD_COLUMNS = (
    "workspace_id",
    "lead_id",
    "revision",
    "timestamp",
    "deferred_at",
    "event_name",
    "quantity",
    "event_id",
    "attribution_model",
    "metadata",
    *CUSTOMER_COLUMNS,
    *ATTRIBUTION_COLUMNS,
    "version",
)


def lead_row(record: ConsumerRecord) -> Row:
    """Raises one of ``rows.UNREADABLE``, like the others here."""
    lead = _lead(record.value or b"")
    return (
        lead.workspace_id,
        lead.lead_id,
        lead.revision,
        parse_rfc3339(lead.timestamp),
        parse_rfc3339(lead.deferred_at),
        lead.event_name,
        lead.quantity,
        lead.event_id or "",
        lead.attribution_model,
        _document(lead.metadata),
        *_person(lead.customer),
        *_clicked(lead.click),
        *_linked(lead.link),
        last_wins(record),
    )


SALE_COLUMNS = (
    "workspace_id",
    "sale_id",
    "lead_id",
    "revision",
    "timestamp",
    "deferred_at",
    "event_name",
    "lead_event_name",
    "quantity",
    "amount",
    "currency",
    "invoice_id",
    "payment_processor",
    "event_id",
    "attribution_model",
    "metadata",
    *CUSTOMER_COLUMNS,
    *ATTRIBUTION_COLUMNS,
    "version",
)


def sale_row(record: ConsumerRecord) -> Row:
    """The sale with its lead's attribution."""
    sale = _sale(record.value or b"")
    return (
        sale.workspace_id,
        sale.sale_id,
        sale.lead_id,
        sale.revision,
        parse_rfc3339(sale.timestamp),
        parse_rfc3339(sale.deferred_at),
        sale.event_name,
        sale.lead_event_name,
        sale.quantity,
        sale.amount,
        sale.currency,
        sale.invoice_id or "",
        sale.payment_processor or "",
        sale.event_id or "",
        sale.attribution_model,
        _document(sale.metadata),
        *_person(sale.customer),
        *_clicked(sale.click),
        *_linked(sale.link),
        last_wins(record),
    )


STATUS_COLUMNS = (
    "workspace_id",
    "status",
    "deferred_at",
    "qualified_at",
    "leads",
    "sales",
    "attribution_model",
    *CUSTOMER_COLUMNS,
    *ATTRIBUTION_COLUMNS,
    "touches",
    "version",
)
ERASED_COLUMNS = ("customer_id", "version")


def erased_row(record: ConsumerRecord) -> Row | None:
    """A tombstone: the customer was erased. The row names nobody."""
    if record.value is not None:
        return None
    workspace_id, customer = split_key(record.key or b"")
    if not workspace_id or not customer:
        raise ValueError("a tombstone whose key is not workspaceId:customerExternalId")
    return customer_id(workspace_id, customer), last_wins(record)


def customer_row(record: ConsumerRecord) -> Row | None:
    """The status of a customer; None for a tombstone, which :func:`erased_row` reads."""
    if record.value is None:
        return None
    status = _customer(record.value)
    return (
        status.workspace_id,
        status.status,
        parse_rfc3339(status.deferred_at),
        None if status.qualified_at is None else parse_rfc3339(status.qualified_at),
        status.leads,
        status.sales,
        status.attribution_model,
        status.id,
        status.customer_external_id,
        status.name or "",
        status.email or "",
        status.avatar or "",
        parse_rfc3339(status.first_seen_at),
        *_clicked(status.click),
        *_linked(status.link),
        [_touched(one) for one in touches_of(status)],
        last_wins(record),
    )


def _touched(touch: CustomerTouch) -> Row:
    return (
        touch.click_id,
        parse_rfc3339(touch.click_timestamp),
        parse_rfc3339(touch.deferred_at),
        touch.link_id or "",
        touch.partner_id or "",
        touch.program_id or "",
    )


def _person(customer: LeadCustomer) -> Row:
    return (
        customer.id,
        customer.external_id,
        customer.name or "",
        customer.email or "",
        customer.avatar or "",
        parse_rfc3339(customer.first_seen_at),
    )


def _clicked(click: LeadClick) -> Row:
    return (
        click.id,
        parse_rfc3339(click.timestamp),
        click.continent or "",
        click.country or "",
        click.region or "",
        click.city or "",
        click.device or "",
        click.browser or "",
        click.os or "",
        click.referer or "",
        click.referer_url or "",
        click.trigger or "",
        click.qr,
    )


def _linked(link: LeadLink) -> Row:
    return (
        link.id or "",
        link.domain or "",
        link.key or "",
        link.short_link or "",
        link.url or "",
        link.partner_id or "",
        link.program_id or "",
        link.tenant_id or "",
        link.external_id or "",
    )


def _document(metadata: msgspec.Raw) -> str:
    document = text(metadata)
    return "{}" if document == "null" else document
