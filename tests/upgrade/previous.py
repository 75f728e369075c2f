"""The formats of release 0.1, copied once and frozen: states of both tables, and what is in ``touches``.

Never edited. When a release changes a format, a copy of what it replaces takes this one's place. Nothing here
may come from ``processors``, or it would change with it.
"""

from typing import Any

from msgspec import Raw, Struct

STATE_VERSION = b"\x01"


class StoredClick(Struct, frozen=True, array_like=True):
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


class Held(Struct, frozen=True, array_like=True):
    raw: bytes
    topic: str
    partition: int
    offset: int
    timestamp: int
    arrived_ms: int
    reported: bool = False


class ClickState(Struct, frozen=True, array_like=True):
    click: StoredClick | None = None
    customers: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    bot: bool = False


class TouchState(Struct, frozen=True, array_like=True):
    click_id: str
    click: StoredClick
    times: tuple[int, ...]


class Request(Struct, frozen=True, array_like=True):
    at_ms: int
    event_id: str
    event_name: str
    click_id: str
    quantity: int
    metadata: bytes
    held: Held | None = None


class PurchaseState(Struct, frozen=True, array_like=True):
    key: str
    at_ms: int
    amount: int
    currency: str
    event_name: str
    payment_processor: str
    invoice_id: str
    event_id: str
    lead_key: str
    metadata: bytes
    held: Held | None = None


class CustomerState(Struct, frozen=True, array_like=True):
    touches: tuple[TouchState, ...] = ()
    requests: tuple[Request, ...] = ()
    purchases: tuple[PurchaseState, ...] = ()
    name: tuple[int, str] | None = None
    email: tuple[int, str] | None = None
    avatar: tuple[int, str] | None = None
    first_seen_ms: int = 0
    lead_revisions: dict[str, int] = {}
    sale_revisions: dict[str, int] = {}
    erased: bool = False
    waiting: dict[str, int] = {}


class ClickFacts(Struct, frozen=True, rename="camel", omit_defaults=True):
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


class Source(Struct, frozen=True, kw_only=True, rename="camel"):
    topic: str
    partition: int
    offset: int
    timestamp: int


class Touch(Struct, frozen=True, kw_only=True, rename="camel"):
    workspace_id: str
    customer_external_id: str
    click_id: str
    click: ClickFacts
    event: Raw
    source: Source | None = None


class Unjoined(Struct, frozen=True, kw_only=True, rename="camel"):
    workspace_id: str
    customer_external_id: str
    click_id: str
    reason: str | None = None
    detail: str = ""
    event: Raw
    source: Source | None = None


STATES: dict[str, Any] = {"clicks": ClickState, "customers": CustomerState}
