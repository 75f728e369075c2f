"""What happened, whoever tells of it."""

from typing import NamedTuple


class Event(NamedTuple):
    """A click, lead or sale. Times are epoch ms. What a kind does not have is "" or 0; ``id``: of it."""

    id: str
    at_ms: int
    click_id: str
    clicked_ms: int
    link_id: str
    domain: str
    key: str
    url: str
    partner_id: str
    program_id: str
    tenant_id: str
    link_external_id: str
    continent: str
    country: str
    region: str
    city: str
    device: str
    browser: str
    os: str
    referer: str
    referer_url: str
    trigger: str
    qr: bool
    ip: str
    ua: str
    event_name: str
    quantity: int
    revision: int
    metadata: str
    customer_id: str
    customer_external_id: str
    customer_name: str
    customer_email: str
    customer_avatar: str
    customer_since_ms: int
    amount: int
    currency: str
    invoice_id: str
    payment_processor: str
