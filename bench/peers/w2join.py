"""The transitions of W2's core, for every contestant in Python, on bytes: None is the state before any event.

Two joins with two keys. The click join (``workspace:clickId``) makes a touch of a click and a lead event that
names it; the customer join (``workspace:customer``) makes leads of touches and requests, first click first.
Nothing is given up here, no window of a click is checked: the traffic has nothing that would need it.
"""

from datetime import datetime, timedelta
from hashlib import blake2b

import msgspec
from msgspec import Raw, Struct, field

HOLD = timedelta(hours=24)
WINDOW = timedelta(days=365)


class Click(Struct, rename="camel", omit_defaults=True):
    """What a lead keeps of its click."""

    click_id: str
    timestamp: int
    bot: bool = False
    track_conversion: bool = True
    url: str | None = None
    country: str | None = None
    city: str | None = None
    region: str | None = None
    continent: str | None = None
    device: str | None = None
    browser: str | None = None
    os: str | None = None
    referer: str | None = None
    referer_url: str | None = None
    trigger: str | None = None
    qr: bool = False
    link_id: str | None = None
    domain: str | None = None
    key: str | None = None
    partner_id: str | None = None
    program_id: str | None = None


class LeadEvent(Struct, rename="camel", omit_defaults=True):
    """A sign-up or a qualification; ``mode`` deferred: no request for a lead."""

    workspace_id: str
    event_name: str
    customer_external_id: str
    timestamp: datetime
    event_id: str
    click_id: str = ""
    mode: str = "async"
    customer_name: str | None = None
    customer_email: str | None = None
    event_quantity: int | None = None
    metadata: Raw = Raw(b"null")


class Touch(Struct):
    """A lead event joined with its click."""

    click: Click
    event: LeadEvent


class Pair(Struct, array_like=True):
    """State of the click join: a click, or the lead events that wait for it."""

    click: Click | None = None
    held: list[LeadEvent] = field(default_factory=list)


class Visit(Struct, array_like=True):
    """A touch of one customer; ``deferred_at``: of its earliest lead event."""

    deferred_at: datetime
    click: Click
    name: str | None
    email: str | None


class Emitted(Struct, array_like=True):
    """What a lead was made of when it was last written."""

    revision: int
    event_id: str
    click_id: str
    deferred_at: datetime


class Customer(Struct, array_like=True):
    """State of the customer join. Requests and leads by eventKey."""

    visits: list[Visit] = field(default_factory=list)
    requests: dict[str, list[LeadEvent]] = field(default_factory=dict)
    emitted: dict[str, Emitted] = field(default_factory=dict)


_click = msgspec.json.Decoder(Click).decode
_lead_event = msgspec.json.Decoder(LeadEvent).decode
_touch = msgspec.json.Decoder(Touch).decode
_pair = msgspec.json.Decoder(Pair).decode
_customer = msgspec.json.Decoder(Customer).decode
_encode = msgspec.json.Encoder().encode


def on_click(state: bytes | None, value: bytes) -> tuple[bytes | None, list[tuple[bytes, bytes]]]:
    """The state to store (None: as it was), and touches with their keys."""
    click, pair = _click(value), _pair(state) if state else Pair()
    if click.bot or pair.click is not None:
        return None, []
    return _encode(Pair(click)), [_joined(click, event) for event in pair.held if click.track_conversion]


def on_signed_up(state: bytes | None, value: bytes) -> tuple[bytes | None, list[tuple[bytes, bytes]]]:
    """Likewise, for a lead event with a clickId."""
    event, pair = _lead_event(value), _pair(state) if state else Pair()
    if pair.click is None:
        if any(held.event_id == event.event_id for held in pair.held):
            return None, []
        return _encode(Pair(None, [*pair.held, event])), []
    return None, [_joined(pair.click, event)] if pair.click.track_conversion else []


def on_touch(state: bytes | None, value: bytes) -> tuple[bytes | None, list[bytes]]:
    """The state to store (None: as it was), and leads."""
    touch, customer = _touch(value), _customer(state) if state else Customer()
    event = touch.event
    known = [visit for visit in customer.visits if visit.click.click_id == touch.click.click_id]
    if not known:
        customer.visits.append(Visit(event.timestamp, touch.click, event.customer_name, event.customer_email))
    elif event.timestamp < known[0].deferred_at:
        known[0].deferred_at = event.timestamp
    elif event.mode == "deferred":
        return None, []
    if event.mode != "deferred":
        _request(customer, event)
    return _leads(customer)


def on_qualified(state: bytes | None, value: bytes) -> tuple[bytes | None, list[bytes]]:
    """Likewise, for a lead event without a clickId."""
    event, customer = _lead_event(value), _customer(state) if state else Customer()
    if not _request(customer, event):
        return None, []
    return _leads(customer)


def _joined(click: Click, event: LeadEvent) -> tuple[bytes, bytes]:
    key = f"{event.workspace_id}:{event.customer_external_id}"
    return key.encode(), _encode(Touch(click, event))


def _request(customer: Customer, event: LeadEvent) -> bool:
    requests = customer.requests.setdefault("-".join(event.event_name.lower().split()), [])
    if any(known.event_id == event.event_id for known in requests):
        return False
    requests.append(event)
    requests.sort(key=lambda one: (one.timestamp, one.event_id))
    return True


def _leads(customer: Customer) -> tuple[bytes, list[bytes]]:
    """What has changed."""
    leads = []
    for key, requests in customer.requests.items():
        for request in requests:
            visit = _visit(customer, request)
            if visit is not None:
                before = customer.emitted.get(key)
                revision = before.revision if before else 0
                made_of = Emitted(revision, request.event_id, visit.click.click_id, visit.deferred_at)
                if made_of != before:
                    made_of.revision += 1
                    customer.emitted[key] = made_of
                    leads.append(_lead(key, request, visit, made_of.revision))
                break
    return _encode(customer), leads


def _visit(customer: Customer, request: LeadEvent) -> Visit | None:
    eligible = [
        visit
        for visit in customer.visits
        if visit.deferred_at <= request.timestamp + HOLD
        and request.timestamp - visit.deferred_at <= WINDOW
        and request.click_id in ("", visit.click.click_id)
    ]
    return min(eligible, key=lambda visit: (visit.deferred_at, visit.click.click_id), default=None)


def _lead(key: str, request: LeadEvent, visit: Visit, revision: int) -> bytes:
    name = f"{request.workspace_id}\x1f{request.customer_external_id}\x1f{key}"
    document = {
        "leadId": "ld_" + blake2b(name.encode(), digest_size=16).hexdigest(),
        "revision": revision,
        "workspaceId": request.workspace_id,
        "eventName": request.event_name,
        "quantity": request.event_quantity or 1,
        "timestamp": request.timestamp,
        "deferredAt": visit.deferred_at,
        "eventId": request.event_id,
        "metadata": request.metadata,
        "customer": {
            "externalId": request.customer_external_id,
            "name": visit.name,
            "email": visit.email,
        },
        "click": visit.click,
    }
    return _encode(document)
