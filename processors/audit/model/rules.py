"""docs/rules.md as plain functions over everything that is known. The numbers of rules are those of the page.

Written from the page alone: nothing here comes from ``processors.attribution``.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Literal, NamedTuple, Protocol

from schemas.clicks import content_hash
from schemas.events import Click, LeadEvent, Purchase
from schemas.ids import event_key, lead_id, sale_id
from schemas.results import ClickFacts


class ModelBounds(Protocol):
    """Rule 16, as far as it shows in results."""

    @property
    def touches(self) -> int: ...
    @property
    def published_touches(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def leads(self) -> int: ...
    @property
    def purchases(self) -> int: ...
    @property
    def revisions(self) -> int: ...
    @property
    def old_sales(self) -> int: ...
    @property
    def click_held(self) -> int: ...
    @property
    def click_customers(self) -> int: ...
    @property
    def state_bytes(self) -> int: ...


class ModelPolicy(Protocol):
    """What the model needs to know of a policy; any object with these attributes will do."""

    @property
    def model(self) -> Literal["first-click", "last-click"]: ...
    @property
    def attribution_window_ms(self) -> int: ...
    @property
    def qualification_window_ms(self) -> int: ...
    @property
    def hold_ms(self) -> int: ...
    @property
    def bounds(self) -> ModelBounds: ...


class LeadFact(NamedTuple):
    """A lead event that reached its customer."""

    event: LeadEvent
    at_ms: int


class PurchaseFact(NamedTuple):
    """A purchase."""

    event: Purchase
    at_ms: int


class Touch(NamedTuple):
    """A customer's lead events with one click. Sorts by (deferredAt, clickId), as the models compare."""

    deferred_ms: int
    click_id: str
    click: ClickFacts


class Person(NamedTuple):
    """What lead events said of the customer."""

    name: str | None
    email: str | None
    avatar: str | None
    first_seen_ms: int


class ConcludedLead(NamedTuple):
    """A request and the touch that it goes to."""

    request: LeadFact
    touch: Touch


class Conclusion(NamedTuple):
    """What the facts about one customer mean. Leads by eventKey; sales by sale id, with their lead.

    ``touches``: all of them. ``kept``: those that are kept whatever the order of arrival (rule 16).
    """

    touches: Sequence[Touch]
    kept: Sequence[Touch]
    person: Person | None
    leads: Mapping[str, ConcludedLead]
    sales: Mapping[str, tuple[PurchaseFact, ConcludedLead]]


# -- clicks -----------------------------------------------------------------------------------------------


def click_content(click: Click, at_ms: int) -> ClickFacts:
    """What a lead keeps of its click; two click events with equal content are the same click."""
    same_name = {name: getattr(click, name) for name in ClickFacts.__struct_fields__ if name != "timestamp"}
    same_name["track_conversion"] = click.track_conversion in (None, True, 1)
    same_name["qr"] = click.qr in (True, 1)
    return ClickFacts(timestamp=at_ms, **same_name)


def click_that_counts(contents: Iterable[ClickFacts]) -> ClickFacts:
    """Rule 1: the earliest; ties by the hash of the content, the greatest first, then field by field."""

    def rank(content: ClickFacts) -> tuple[int, list[tuple[bool, str]]]:
        values = [getattr(content, name) for name in ClickFacts.__struct_fields__ if name != "timestamp"]
        return -content_hash(tuple(values)), [(value is not None, str(value)) for value in values]

    return min(contents, key=lambda content: (content.timestamp, rank(content)))


# -- touches ----------------------------------------------------------------------------------------------


def makes_touch(lead_event: LeadFact, clicks: Mapping[str, ClickFacts], policy: ModelPolicy) -> bool:
    """Rule 3. ``clicks``: by clickId, the clicks that count."""
    click = clicks.get(lead_event.event.click_id or "")
    return (
        click is not None
        and click.track_conversion
        and click.timestamp <= lead_event.at_ms + policy.hold_ms
        and lead_event.at_ms - click.timestamp <= policy.attribution_window_ms
    )


def touch_times(
    lead_events: Iterable[LeadFact], clicks: Mapping[str, ClickFacts], policy: ModelPolicy
) -> dict[str, list[int]]:
    """By clickId, the times of the lead events that make its touch, ascending."""
    times: dict[str, list[int]] = {}
    for lead_event in lead_events:
        if makes_touch(lead_event, clicks, policy):
            times.setdefault(lead_event.event.click_id or "", []).append(lead_event.at_ms)
    return {click_id: sorted(found) for click_id, found in times.items()}


def touches_of(
    lead_events: Iterable[LeadFact], clicks: Mapping[str, ClickFacts], policy: ModelPolicy
) -> list[Touch]:
    """Rule 3: one touch per click, its time the earliest. Ascending."""
    found = touch_times(lead_events, clicks, policy)
    return sorted(Touch(times[0], click_id, clicks[click_id]) for click_id, times in found.items())


def surely_kept(
    touches: Sequence[Touch],
    lead_events: Iterable[LeadFact],
    clicks: Mapping[str, ClickFacts],
    policy: ModelPolicy,
) -> Sequence[Touch]:
    """Rule 16: the first touch and the latest few, whichever of their lead events have come.

    Until the earliest of its lead events comes, a touch passes for a later one.
    """
    latest = policy.bounds.touches
    if len(touches) <= latest + 1:
        return touches
    times = touch_times(lead_events, clicks, policy)
    at_the_latest = sorted((found[-1], click_id) for click_id, found in times.items())
    threshold = at_the_latest[-latest]
    # Of the others at most latest − 1 can ever be later than this one.
    late = [touch for touch in touches[1:] if (touch.deferred_ms, touch.click_id) >= threshold]
    return [*touches[:1], *late]


def leads_of(
    requests: Iterable[LeadFact],
    touches: Sequence[Touch],
    kept: Sequence[Touch],
    clicks: Mapping[str, ClickFacts],
    policy: ModelPolicy,
) -> dict[str, ConcludedLead]:
    """Rule 9, by eventKey. A request that makes the touch of the click that it names brings it along."""
    leads: dict[str, ConcludedLead] = {}
    for request in sorted(requests, key=request_order):
        key = event_key(request.event.event_name)
        if key in leads:
            continue
        touch = touch_chosen(request, touches, kept, clicks, policy)
        if touch is not None:
            leads[key] = ConcludedLead(request, touch)
    return leads


def touch_chosen(
    request: LeadFact,
    touches: Sequence[Touch],
    kept: Sequence[Touch],
    clicks: Mapping[str, ClickFacts],
    policy: ModelPolicy,
) -> Touch | None:
    """Rule 8, of the touches that are there for this request."""
    return touch_of(request, touches if makes_touch(request, clicks, policy) else kept, policy)


def touch_of(request: LeadFact, touches: Sequence[Touch], policy: ModelPolicy) -> Touch | None:
    """Rule 8: the windows filter first, then the model chooses. ``touches``: ascending."""
    click_id = request.event.click_id
    eligible = [
        touch
        for touch in touches
        if touch.deferred_ms <= request.at_ms + policy.hold_ms
        and request.at_ms - touch.deferred_ms <= policy.qualification_window_ms
        and (not click_id or touch.click_id == click_id)
    ]
    if not eligible:
        return None
    if policy.model == "first-click":
        return eligible[0]
    not_after = [touch for touch in eligible if touch.deferred_ms <= request.at_ms]
    return not_after[-1] if not_after else eligible[0]


def own_touch(touches: Sequence[Touch], policy: ModelPolicy) -> Touch:
    """Rule 13: the customer's own attribution."""
    return touches[0] if policy.model == "first-click" else touches[-1]


def touches_that_count(
    touches: Sequence[Touch], leads: Iterable[ConcludedLead], policy: ModelPolicy
) -> list[Touch]:
    """Rule 13, of all touches, ascending. Which ones rule 16 keeps is settled before that."""
    concluded = list(leads)
    latest = touches[1:][-policy.bounds.touches :]
    counting = []
    for touch in touches:
        has_lead = any(lead.touch == touch for lead in concluded)
        kept = touch == touches[0] or touch in latest or has_lead
        might_have = any(
            touch.deferred_ms <= lead.request.at_ms <= touch.deferred_ms + policy.qualification_window_ms
            for lead in concluded
        )
        if kept and (not concluded or has_lead or might_have):
            counting.append(touch)
    most = policy.bounds.published_touches
    return counting if len(counting) <= most else [counting[0], *counting[len(counting) - most + 1 :]]


# -- leads and sales --------------------------------------------------------------------------------------


def request_order(request: LeadFact) -> tuple[int, str, str, str, int, bytes]:
    """Rule 9: by (timestamp, eventId, content); content is eventName, clickId, quantity, metadata."""
    event = request.event
    return (
        request.at_ms,
        event.event_id or "",
        event.event_name,
        event.click_id or "",
        event.event_quantity or 1,
        bytes(event.metadata),
    )


def purchase_order(purchase: PurchaseFact) -> tuple[int, int, str, str, str, str, str, str, bytes]:
    """Rule 14: by (timestamp, content). Names of leads are content by their eventKey alone."""
    event = purchase.event
    return (
        purchase.at_ms,
        event.amount,
        event.currency or "",
        event.event_name or "",
        event.payment_processor or "",
        event.invoice_id or "",
        event.event_id or "",
        event_key(event.lead_event_name or ""),
        bytes(event.metadata),
    )


def sale_of(purchase: PurchaseFact) -> str:
    """Rule 14: the id of the sale that a purchase makes: by invoiceId, else eventId, else content."""
    event = purchase.event
    identity = event.invoice_id or event.event_id
    if not identity:
        timestamp, *content = purchase_order(purchase)
        # The time of its record is no part of a purchase, which may be sent again.
        own = (timestamp, *content) if event.timestamp is not None else tuple(content)
        identity = blake2b(repr(own).encode(), digest_size=16).hexdigest()
    return sale_id(event.workspace_id, event.customer, identity)


def person_of(lead_events: Sequence[LeadFact]) -> Person | None:
    """Rule 12: the first non-null by event time; ties: the smaller text."""

    def first(field: str) -> str | None:
        said = [(one.at_ms, getattr(one.event, field)) for one in lead_events]
        return min(((at_ms, text) for at_ms, text in said if text is not None), default=(0, None))[1]

    if not lead_events:
        return None
    return Person(
        first("customer_name"),
        first("customer_email"),
        first("customer_avatar"),
        min(one.at_ms for one in lead_events),
    )


def conclude(
    lead_events: Sequence[LeadFact],
    requests: Iterable[LeadFact],
    purchases: Iterable[PurchaseFact],
    clicks: Mapping[str, ClickFacts],
    policy: ModelPolicy,
) -> Conclusion:
    """Everything that the facts about one customer mean.

    ``lead_events``: all that reached the customer. ``requests``: those of them that still count as requests.
    """
    touches = touches_of(lead_events, clicks, policy)
    kept = surely_kept(touches, lead_events, clicks, policy)
    leads = leads_of(requests, touches, kept, clicks, policy)
    counting: dict[str, PurchaseFact] = {}
    for purchase in sorted(purchases, key=purchase_order):
        counting.setdefault(sale_of(purchase), purchase)
    sales = {}
    for sale, purchase in counting.items():
        lead = lead_for(purchase, leads, policy)
        if lead is not None:
            sales[sale] = (purchase, lead)
    return Conclusion(touches, kept, person_of(lead_events), leads, sales)


def lead_for(
    purchase: PurchaseFact, leads: Mapping[str, ConcludedLead], policy: ModelPolicy
) -> ConcludedLead | None:
    """Rule 14: the newest lead at or before the purchase, else the first within the hold after it."""
    event = purchase.event
    named = event_key(event.lead_event_name or "")
    candidates = [
        (lead.request.at_ms, lead_id(event.workspace_id, event.customer, key), lead)
        for key, lead in leads.items()
        if named in ("", key)
    ]
    before = [one for one in candidates if one[0] <= purchase.at_ms]
    if before:
        return max(before, key=lambda candidate: candidate[:2])[2]
    after = [one for one in candidates if one[0] <= purchase.at_ms + policy.hold_ms]
    return min(after, key=lambda candidate: candidate[:2])[2] if after else None
