"""What the system answers: touches, leads, sales, customers, unmatched events."""

from typing import Literal

from msgspec import Raw, Struct, field

from schemas.reasons import UnmatchedReason

JsonObject = Raw
"""A JSON document that is carried along unread; the metadata of an event."""

NULL = Raw(b"null")


class ClickFacts(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """What a lead needs to know of its click. ``timestamp``: epoch milliseconds."""

    timestamp: int
    track_conversion: bool = True
    url: str | None = None
    link_id: str | None = None
    domain: str | None = None
    key: str | None = None
    partner_id: str | None = None
    program_id: str | None = None
    tenant_id: str | None = None
    link_external_id: str | None = None
    continent: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    device: str | None = None
    browser: str | None = None
    os: str | None = None
    referer: str | None = None
    referer_url: str | None = None
    trigger: str | None = None
    qr: bool = False


class Source(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Where a record stood in Kafka; ``timestamp`` in epoch milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int


class Touch(Struct, frozen=True, kw_only=True, rename="camel"):
    """A lead event joined with its click: the internal topic ``touches``.

    ``event`` is the lead event as it came. It is null when the click alone has changed: another event
    with this clickId turned out to be the click that counts.
    """

    workspace_id: str
    customer_external_id: str
    click_id: str
    click: ClickFacts
    event: Raw = field(default_factory=lambda: NULL)
    source: Source | None = None


class Unjoined(Struct, frozen=True, kw_only=True, rename="camel"):
    """News of a lead event that has no click, as the internal topic ``touches`` has it (see :mod:`.news`).

    Without a ``reason`` it waits for its click, and ``event`` is null. With one it led to nothing, and
    ``event`` is the event as it came: whether that may be published is for its customer to say.
    """

    workspace_id: str
    customer_external_id: str
    click_id: str
    reason: UnmatchedReason | None
    detail: str = ""
    event: Raw = field(default_factory=lambda: NULL)
    source: Source | None = None


class ClickErasure(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False):
    """A person is to be forgotten under one click: the internal topic ``click-erasures``.

    ``customer_id`` is our own id of the customer, so that the topic names nobody. ``erased`` false: it was
    not erased, but no longer keeps the click, and needs no news of it; what of its waits there stays.
    """

    workspace_id: str
    click_id: str
    customer_id: str
    erased: bool = True


class LeadCustomer(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The customer of a lead. ``id`` is ours, ``external_id`` the workspace's own."""

    id: str
    external_id: str
    name: str | None
    email: str | None
    avatar: str | None
    first_seen_at: str


class LeadClick(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The click that a lead is attributed to."""

    id: str
    timestamp: str
    url: str | None
    country: str | None
    city: str | None
    region: str | None
    continent: str | None
    device: str | None
    browser: str | None
    os: str | None
    referer: str | None
    referer_url: str | None
    trigger: str | None
    qr: bool


class LeadLink(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """The link that was clicked, and whom it rewards."""

    id: str | None
    domain: str | None
    key: str | None
    short_link: str | None
    url: str | None
    partner_id: str | None
    program_id: str | None
    tenant_id: str | None
    external_id: str | None


class Lead(Struct, frozen=True, kw_only=True, rename="camel"):
    """A final lead: what reward consumers read.

    A later fact that changes a lead emits it again under the same ``lead_id`` with ``revision`` + 1.
    """

    lead_id: str
    revision: int
    workspace_id: str
    event_name: str
    quantity: int
    timestamp: str
    deferred_at: str
    event_id: str | None
    attribution_model: str
    metadata: JsonObject
    customer: LeadCustomer
    click: LeadClick
    link: LeadLink


class Sale(Struct, frozen=True, kw_only=True, rename="camel"):
    """A purchase joined with its lead. ``amount``: minor units of ``currency``."""

    sale_id: str
    lead_id: str
    revision: int
    workspace_id: str
    event_name: str
    lead_event_name: str
    quantity: int
    amount: int
    currency: str
    invoice_id: str | None
    payment_processor: str | None
    timestamp: str
    deferred_at: str
    event_id: str | None
    attribution_model: str
    metadata: JsonObject
    customer: LeadCustomer
    click: LeadClick
    link: LeadLink


class CustomerTouch(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A touch of a customer that counts: the click, whom it rewards, and when the customer signed up."""

    click_id: str
    click_timestamp: str
    deferred_at: str
    link_id: str | None
    partner_id: str | None
    program_id: str | None


class Customer(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A customer who has touched a link: waiting for qualification, or qualified.

    ``touches``: those that count, by (deferredAt, clickId); absent where that is the one of ``click`` alone,
    and in what releases before wrote (:func:`touches_of`, docs/rules.md, 13).
    """

    workspace_id: str
    customer_external_id: str
    id: str
    status: Literal["pending", "qualified"]
    name: str | None
    email: str | None
    avatar: str | None
    first_seen_at: str
    deferred_at: str
    qualified_at: str | None
    leads: int
    sales: int
    attribution_model: str
    click: LeadClick
    link: LeadLink
    touches: tuple[CustomerTouch, ...] = ()


def touches_of(customer: Customer) -> tuple[CustomerTouch, ...]:
    """Those that count, also where the document does not list them."""
    if customer.touches:
        return customer.touches
    click, link = customer.click, customer.link
    own = CustomerTouch(
        click_id=click.id,
        click_timestamp=click.timestamp,
        deferred_at=customer.deferred_at,
        link_id=link.id,
        partner_id=link.partner_id,
        program_id=link.program_id,
    )
    return (own,)


class UnmatchedSource(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Where the unmatched event stood in Kafka."""

    topic: str
    partition: int
    offset: int
    timestamp: str


class Unmatched(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A valid event that led to nothing, and why. ``event`` is the event as it came.

    ``replayed``: this is no report but a note without the event, which was sent once more in the transaction
    that wrote the note; the id that all reports of the event share. When that leads to nothing either,
    another report follows.
    """

    reason: UnmatchedReason
    detail: str
    workspace_id: str
    customer_external_id: str | None
    click_id: str | None
    event_name: str | None
    timestamp: str
    event: Raw
    source: UnmatchedSource
    replayed: str = ""
