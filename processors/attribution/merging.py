"""Facts into a customer's state. Every merge is idempotent and does not depend on order."""

from hashlib import blake2b
from operator import attrgetter

from msgspec.structs import replace

from processors.attribution.clicks import earlier, stored
from processors.attribution.customer_state import CustomerState, PurchaseState, Request, Said, TouchState
from processors.attribution.meaning import deferred_at
from processors.attribution.old_sales import is_old_sale
from processors.attribution.policy import Policy
from schemas.events import LeadEvent, Purchase
from schemas.ids import event_key, sale_id
from schemas.news import ClickMoved, Joined
from schemas.texts import said


def with_person(state: CustomerState, event: LeadEvent, at_ms: int) -> CustomerState:
    """Name, email, avatar and first sight of the customer (rule 12)."""
    return replace(
        state,
        name=_first_said(state.name, at_ms, event.customer_name),
        email=_first_said(state.email, at_ms, event.customer_email),
        avatar=_first_said(state.avatar, at_ms, event.customer_avatar),
        first_seen_ms=min(state.first_seen_ms or at_ms, at_ms),
    )


def with_touch(
    state: CustomerState, touch: Joined | ClickMoved, at_ms: int | None, policy: Policy
) -> CustomerState:
    """A touch, or with ``at_ms`` None only news of its click."""
    click = stored(touch.click)
    times = () if at_ms is None else (at_ms,)
    merged = TouchState(touch.click_id, click, times)
    if not state.touches:
        return replace(state, touches=(merged,))
    others = []
    for known in state.touches:
        if known.click_id == touch.click_id:
            times = tuple(sorted({*known.times, *times}))
            merged = _few(TouchState(known.click_id, earlier(known.click, click), times), policy)
        else:
            others.append(known)
    return replace(state, touches=tuple(sorted((*others, merged), key=attrgetter("click_id"))))


def with_request(state: CustomerState, request: Request) -> CustomerState:
    """A request that the state does not know yet."""
    return replace(state, requests=(*state.requests, request))


def with_purchase(state: CustomerState, purchase: PurchaseState) -> CustomerState:
    """A purchase; of two with one key the lesser counts (rule 14)."""
    others = tuple(known for known in state.purchases if known.key != purchase.key)
    same = [known for known in state.purchases if known.key == purchase.key]
    return replace(state, purchases=(*others, min([*same, purchase], key=_content)))


def knows_request(state: CustomerState, request: Request) -> bool:
    """True for a repeated event: everything but its position in Kafka is known."""
    return any(replace(known, held=None) == request for known in state.requests)


def knows_purchase(state: CustomerState, purchase: PurchaseState) -> bool:
    """True for a repeated purchase, and for a later one with the same key."""
    for known in state.purchases:
        if known.key == purchase.key:
            return _content(known) <= _content(purchase)
    if purchase.key in state.sale_revisions:
        return True  # so old that only its id is remembered
    return state.old_sales is not None and is_old_sale(state.old_sales, purchase.key)


def request_of(event: LeadEvent, at_ms: int) -> Request:
    """The request in a lead event that is not deferred."""
    return Request(
        at_ms,
        event.event_id or "",
        event.event_name,
        event.click_id or "",
        event.event_quantity or 1,
        bytes(event.metadata),
    )


def purchase_of(event: Purchase, at_ms: int) -> PurchaseState:
    """The purchase, with the id of its sale.

    Without an id of its own it is known by its content. The record's time is no part of that: sent again, the
    event would have another one.
    """
    metadata = bytes(event.metadata)
    content = (
        at_ms,
        event.amount,
        event.currency or "",
        event.event_name or "",
        event.payment_processor or "",
        event.invoice_id or "",
        event.event_id or "",
        event_key(event.lead_event_name or ""),
        metadata,
    )
    identity = event.invoice_id or event.event_id
    if not identity:
        own = content if event.timestamp is not None else content[1:]
        identity = blake2b(repr(own).encode(), digest_size=16).hexdigest()
    return PurchaseState(sale_id(event.workspace_id, event.customer, identity), *content)


def _content(purchase: PurchaseState) -> PurchaseState:
    return replace(purchase, held=None)


def _first_said(known: Said, at_ms: int, text: str | None) -> Said:
    if text is None:
        return known
    # A release before this one remembered blank texts too.
    return (at_ms, text) if known is None or said(known[1]) is None else min(known, (at_ms, text))


def _few(touch: TouchState, policy: Policy) -> TouchState:
    """The earliest few times, and the one that makes the touch: of the others nothing is needed."""
    if len(touch.times) <= policy.bounds.touch_times:
        return touch
    made = deferred_at(touch, policy)
    earliest = touch.times[: policy.bounds.touch_times]
    return replace(touch, times=earliest if made is None or made in earliest else (*earliest[:-1], made))
