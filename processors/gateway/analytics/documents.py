"""An event as the API shows it: what typed clients expect, and the flat names of older ones."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Raw, Struct
from msgspec.structs import replace

from processors.gateway.analytics.event import Event
from processors.gateway.analytics.filters import Kind
from processors.gateway.links.document import LinkDocument
from processors.gateway.times import Time
from schemas.fields import Metadata
from schemas.links import short_link
from schemas.results import NULL
from schemas.times import rfc3339

_PROCESSOR: Final = "custom"


class ClickPart(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The click that the event goes back to; ``ip``, ``ua``: of a click alone."""

    id: str
    timestamp: Time
    url: str
    country: str
    city: str
    region: str
    continent: str
    device: str
    browser: str
    os: str
    referer: str
    referer_url: str
    qr: bool
    ip: str
    ua: str | None
    trigger: str


class PersonPart(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Who it was. ``name``: else the e-mail address, else the external id."""

    id: str
    external_id: str
    name: str
    email: str | None
    avatar: str | None
    country: str | None
    created_at: Time


class SalePart(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """``amount``: minor units."""

    amount: int
    currency: str
    invoice_id: str | None
    payment_processor: str


class ClickEvent(Struct, frozen=True, kw_only=True, rename={"referer_url": "refererUrl"}):
    """A click. The last members say the same again, under the names of older clients."""

    event: str
    timestamp: Time
    click: ClickPart
    link: LinkDocument
    click_id: str
    link_id: str
    domain: str
    key: str
    url: str
    continent: str
    country: str
    city: str
    device: str
    browser: str
    os: str
    qr: int
    ip: str


_CAMEL: Final = {"event_id": "eventId", "event_name": "eventName", "sale_amount": "saleAmount"}


class LeadEvent(ClickEvent, frozen=True, kw_only=True, rename=_CAMEL):
    """A lead. ``quantity``: for how many it counts. ``revision``: above 1: a late event has changed it."""

    event_id: str
    event_name: str
    metadata: Metadata
    customer: PersonPart
    quantity: int
    revision: int


class SaleEvent(LeadEvent, frozen=True, kw_only=True, rename=_CAMEL):
    """A sale."""

    sale: SalePart
    sale_amount: int
    invoice_id: str
    payment_processor: str


AnyEvent = ClickEvent | LeadEvent | SaleEvent


def document(event: Event, kind: Kind, link: LinkDocument) -> AnyEvent:
    """``link``: as it is now, or as ``events.link_of`` has it."""
    shared: dict[str, Any] = {
        "event": kind.value.removesuffix("s"),
        "timestamp": rfc3339(event.at_ms),
        "click": _click(event),
        # Older SDKs refuse null here, though not in links themselves.
        "link": replace(link, expires_at=link.expires_at or "", last_clicked=link.last_clicked or ""),
        "qr": int(event.qr),
        **{name: getattr(event, name) for name in _FLAT},
    }
    if kind is Kind.CLICKS:
        return ClickEvent(**shared)
    shared |= {
        "event_id": event.id,
        "event_name": event.event_name,
        "metadata": Raw(event.metadata.encode()) if event.metadata not in ("", "{}") else NULL,
        "customer": _person(event),
        "quantity": event.quantity,
        "revision": event.revision,
    }
    if kind is Kind.LEADS:
        return LeadEvent(**shared)
    sale = SalePart(
        amount=event.amount,
        currency=event.currency,
        invoice_id=event.invoice_id or None,
        payment_processor=event.payment_processor or _PROCESSOR,
    )
    return SaleEvent(
        **shared,
        sale=sale,
        sale_amount=sale.amount,
        invoice_id=event.invoice_id,
        payment_processor=sale.payment_processor,
    )


_FLAT: Final = (
    "click_id",
    "link_id",
    "domain",
    "key",
    "url",
    "continent",
    "country",
    "city",
    "device",
    "browser",
    "os",
    "ip",
)


def _click(event: Event) -> ClickPart:
    return ClickPart(
        id=event.click_id,
        timestamp=rfc3339(event.clicked_ms),
        url=event.url,
        country=event.country,
        city=event.city,
        region=event.region,
        continent=event.continent,
        device=event.device,
        browser=event.browser,
        os=event.os,
        referer=event.referer,
        referer_url=event.referer_url,
        qr=event.qr,
        ip=event.ip,
        ua=event.ua or None,
        trigger=event.trigger,
    )


def _person(event: Event) -> PersonPart:
    return PersonPart(
        id=event.customer_id,
        external_id=event.customer_external_id,
        name=event.customer_name or event.customer_email or event.customer_external_id,
        email=event.customer_email or None,
        avatar=event.customer_avatar or None,
        country=event.country or None,
        created_at=rfc3339(event.customer_since_ms),
    )


_CSV: Final = {
    "event_name": "eventName",
    "quantity": "quantity",
    "customer_external_id": "customerExternalId",
    "customer_name": "customerName",
    "customer_email": "customerEmail",
    "amount": "amount",
    "currency": "currency",
    "invoice_id": "invoiceId",
    "payment_processor": "paymentProcessor",
    "revision": "revision",
    "metadata": "metadata",
    "click_id": "clickId",
    "link_id": "linkId",
    "partner_id": "partnerId",
    "program_id": "programId",
    "tenant_id": "tenantId",
    "country": "country",
    "region": "region",
    "city": "city",
    "device": "device",
    "browser": "browser",
    "os": "os",
    "trigger": "trigger",
    "referer": "referer",
    "referer_url": "refererUrl",
    "url": "url",
}
CSV_HEAD: Final = ("timestamp", "id", "clickedAt", "shortLink", *_CSV.values())


def csv_rows(events: Iterable[Event]) -> Iterable[Sequence[object]]:
    """Lines of a table."""
    for event in events:
        link = short_link(event.domain, event.key) if event.domain else ""
        first = (rfc3339(event.at_ms), event.id, rfc3339(event.clicked_ms), link)
        yield [*first, *(getattr(event, name) for name in _CSV)]
