"""Keyed by customer: touches, requests and purchases become leads and sales (docs/rules.md, 5-18)."""

from collections.abc import Collection
from typing import NamedTuple

from msgspec.structs import replace

from processors.attribution import results
from processors.attribution.customer_state import CustomerState, PurchaseState, Request, dump, load
from processors.attribution.erasing import (
    ERASED,
    Forgotten,
    after_erasure,
    forget,
    no_longer_kept,
    waiting_for_click,
)
from processors.attribution.facts import (
    CustomerFact,
    Fact,
    GivenUpFact,
    Held,
    TouchFact,
    earliest_due_ms,
    source_of,
    unmatched,
)
from processors.attribution.keeping import (
    kept_touches,
    no_room,
    sold_and_waiting,
    too_many_held,
    undecided_or_winning,
    with_few_sales,
)
from processors.attribution.meaning import NOTHING, attributions, makes_touch, meaning
from processors.attribution.merging import (
    knows_purchase,
    knows_request,
    purchase_of,
    request_of,
    with_person,
    with_purchase,
    with_request,
    with_touch,
)
from processors.attribution.policy import Policy
from schemas.decoding import decode_accepted_lead_event, decode_accepted_purchase
from schemas.events import Erasure, LeadEvent, Purchase
from schemas.ids import event_key
from schemas.news import ClickMoved, Waits
from schemas.reasons import UnmatchedReason as Reason
from schemas.results import ClickErasure, Customer, Lead, Sale, Source, Unmatched

__all__ = ["CustomerFact", "CustomerState", "Forgotten", "apply", "due_ms", "dump", "expire", "load"]


Output = Lead | Sale | Customer | Forgotten | ClickErasure | Unmatched
Step = tuple[CustomerState | None, list[Output]]

_EMPTY = CustomerState()
_TOO_OLD = "older than all sales of this customer that are remembered, and perhaps one of them"


class _Origin(NamedTuple):
    """The event of a fact as it came, in the order in which :func:`unmatched` takes it."""

    event: LeadEvent | Purchase | Erasure
    at_ms: int
    raw: bytes | None
    source: Source

    def held(self, now_ms: int) -> Held:
        topic, source = self.source.topic, self.source
        return Held(self.raw or b"", topic, source.partition, source.offset, source.timestamp, now_ms)


class _Added(NamedTuple):
    """The facts after one more, and why the new one led to nothing, if that is known at once."""

    state: CustomerState
    refusal: tuple[Reason, str] | None = None


def due_ms(state: CustomerState, policy: Policy) -> int | None:
    """When :func:`expire` has something to do."""
    held_ms = None
    if state.requests or state.purchases:
        held_ms = earliest_due_ms([one.held for one in _facts(state)], policy.hold_ms)
    if not state.waiting:
        return held_ms
    waiting_ms = min(state.waiting.values()) + policy.hold_ms
    return waiting_ms if held_ms is None else min(held_ms, waiting_ms)


def apply(
    workspace_id: str,
    customer: str,
    state: CustomerState | None,
    fact: CustomerFact,
    now_ms: int,
    policy: Policy,
) -> Step:
    """Add a fact about this customer."""
    before = state or _EMPTY
    policy = policy.under(before.rules)
    if before.erased:
        return before, [*after_erasure(workspace_id, customer, fact)]
    if isinstance(fact, ClickMoved):
        added = with_touch(before, fact, None, policy)
        after, outputs = _settle(workspace_id, customer, before, added, policy)
        return (state, []) if after is before or no_room(after, policy.bounds) else (after, outputs)
    if isinstance(fact, Waits):
        return waiting_for_click(before, fact.click_id, now_ms, policy), []
    origin = _origin(fact)
    if isinstance(origin.event, Erasure):
        return ERASED, [*forget(workspace_id, customer, before)]
    if isinstance(fact, GivenUpFact):
        return state, [unmatched(fact.news.reason, fact.news.detail, *origin)]
    added, refusal = _add(before, fact, origin, now_ms, policy)
    after, outputs = _settle(workspace_id, customer, before, added, policy)
    if why := too_many_held(after, policy.bounds):
        without = _without_newest(after, origin.event)
        after = before if without == before else without
        refusal = Reason.TOO_MANY_HELD, why
    if after is not before and no_room(after, policy.bounds):
        after, outputs = before, []
        refusal = Reason.TOO_MANY_HELD, policy.bounds.out_of_bytes()
    if refusal is not None:
        reason, detail = refusal
        outputs.append(unmatched(reason, detail, *origin))
    return (state if after is before else after), outputs


def expire(state: CustomerState, now_ms: int, policy: Policy) -> Step:
    """Give up what has waited for the hold (rules 10 and 15)."""

    def over(one: Request | PurchaseState) -> bool:
        return one.held is not None and one.held.arrived_ms + policy.hold_ms <= now_ms

    given_up = [one for one in _facts(state) if over(one)]
    waiting = {key: since for key, since in state.waiting.items() if since + policy.hold_ms > now_ms}
    if not given_up and len(waiting) == len(state.waiting):
        return state, []
    left = replace(
        state,
        requests=tuple(request for request in state.requests if not over(request)),
        purchases=tuple(purchase for purchase in state.purchases if not over(purchase)),
        waiting=waiting,
    )
    touched = bool(attributions(state.touches, policy.under(state.rules)))
    outputs = [_given_up(one, touched) for one in given_up if not _accounted_for(one, state)]
    worth_keeping = left.touches or left.requests or left.purchases or left.lead_revisions
    if not worth_keeping:
        return (CustomerState(waiting=waiting) if waiting else None), [*outputs]
    return left, [*outputs]


def _add(state: CustomerState, fact: CustomerFact, origin: _Origin, now_ms: int, policy: Policy) -> _Added:
    event, at_ms = origin.event, origin.at_ms
    if isinstance(event, Purchase):
        return _add_purchase(state, purchase_of(event, at_ms), origin.held(now_ms))
    assert isinstance(event, LeadEvent)  # noqa: S101 - an erasure was dealt with
    if isinstance(fact, TouchFact):
        return _add_touch(state, fact, event, origin, now_ms, policy)
    if event.deferred:
        return _Added(state, (Reason.CLICK_NOT_FOUND, "a deferred lead without a clickId names no click"))
    return _add_request(with_person(state, event, at_ms), event, origin.held(now_ms), at_ms, policy)


def _add_touch(
    state: CustomerState, fact: TouchFact, event: LeadEvent, origin: _Origin, now_ms: int, policy: Policy
) -> _Added:
    touch, at_ms = fact.news, fact.at_ms
    after = with_touch(with_person(state, event, at_ms), touch, at_ms, policy)
    refusal = None
    if not makes_touch(after.touches, touch.click_id, policy):
        refusal = _why_no_touch(touch.click.track_conversion)
    if event.deferred:
        return _Added(after, refusal)
    held = replace(origin.held(now_ms), reported=refusal is not None)
    added = _add_request(after, event, held, at_ms, policy)
    return _Added(added.state, refusal or added.refusal)


def _add_request(state: CustomerState, event: LeadEvent, held: Held, at_ms: int, policy: Policy) -> _Added:
    request = request_of(event, at_ms)
    if knows_request(state, request):
        return _Added(state)
    if (
        len(state.lead_revisions) >= policy.bounds.leads
        and event_key(event.event_name) not in state.lead_revisions
    ):
        return _Added(state, (Reason.TOO_MANY_HELD, f"this customer has {policy.bounds.leads} leads already"))
    return _Added(with_request(state, replace(request, held=held)))


def _add_purchase(state: CustomerState, purchase: PurchaseState, held: Held) -> _Added:
    if knows_purchase(state, purchase):
        return _Added(state)
    if state.old_sales is not None and purchase.at_ms <= state.old_sales.until_ms:
        return _Added(state, (Reason.TOO_MANY_HELD, _TOO_OLD))
    return _Added(with_purchase(state, replace(purchase, held=held)))


def _settle(
    workspace_id: str, customer: str, before: CustomerState, after: CustomerState, policy: Policy
) -> tuple[CustomerState, list[Output]]:
    """Emit what the facts mean now and did not mean before; what is decided need not wait any longer."""
    if after == before:
        return before, []
    was = NOTHING if before is _EMPTY else meaning(workspace_id, customer, before, policy)
    now = meaning(workspace_id, customer, after, policy)
    outputs: list[Output] = []
    new_leads = {key: lead for key, lead in now.leads.items() if lead != was.leads.get(key)}
    new_sales = {key: sale for key, sale in now.sales.items() if sale != was.sales.get(key)}
    lead_revisions = _counted(after.lead_revisions, new_leads)
    sale_revisions = _counted(after.sale_revisions, new_sales)
    for key, lead in new_leads.items():
        outputs.append(results.lead(workspace_id, customer, lead, lead_revisions[key], policy))
    for key, sale in new_sales.items():
        outputs.append(results.sale(workspace_id, customer, sale, sale_revisions[key], policy))
    if now.customer is not None and now.customer != was.customer:
        outputs.append(results.status(workspace_id, customer, now.customer, policy))
    if after.requests or after.purchases or len(after.touches) > policy.bounds.touches:
        touches = kept_touches(after, now, policy)
        if len(touches) < len(after.touches):
            outputs += no_longer_kept(workspace_id, customer, after.touches, touches)
        after = replace(
            after,
            touches=touches,
            requests=undecided_or_winning(after, now, policy),
            purchases=sold_and_waiting(after.purchases, now) if after.purchases else (),
            lead_revisions=lead_revisions,
            sale_revisions=sale_revisions,
            rules=policy.rules if after.rules is None and lead_revisions else after.rules,
        )
        after = with_few_sales(after, now, policy.bounds)
    return (before if after == before else after), outputs


def _counted(revisions: dict[str, int], published: Collection[str]) -> dict[str, int]:
    """Revisions after one more of each."""
    if not published:
        return revisions
    return {**revisions, **{key: revisions.get(key, 0) + 1 for key in published}}


def _facts(state: CustomerState) -> tuple[Request | PurchaseState, ...]:
    return (*state.requests, *state.purchases)


def _without_newest(state: CustomerState, event: LeadEvent | Purchase | Erasure) -> CustomerState:
    """Without the fact of this event, which was added last: facts that wait are appended."""
    if isinstance(event, Purchase):
        return replace(state, purchases=state.purchases[:-1])
    return replace(state, requests=state.requests[:-1])


def _accounted_for(one: Request | PurchaseState, state: CustomerState) -> bool:
    """It was reported when it arrived, or the lead that it asks for exists."""
    if isinstance(one, PurchaseState):
        return False
    reported = one.held is not None and one.held.reported
    return reported or event_key(one.event_name) in state.lead_revisions


def _given_up(one: Request | PurchaseState, touched: bool) -> Unmatched:
    held = one.held
    assert held is not None  # noqa: S101 - only what is held is given up
    event: LeadEvent | Purchase
    if isinstance(one, PurchaseState):
        event, at_ms = decode_accepted_purchase(held.raw, held.timestamp, held.arrived_ms)
        reason, detail = (
            Reason.NO_LEAD_FOR_PURCHASE,
            "no lead at or before the purchase, or within the hold after it,",
        )
    else:
        event, at_ms = decode_accepted_lead_event(held.raw, held.timestamp, held.arrived_ms)
        reason, detail = Reason.NO_DEFERRED_LEAD, "no deferred lead with a click"
        if touched:
            reason, detail = Reason.OUTSIDE_QUALIFICATION_WINDOW, "no touch is close enough in time"
    return unmatched(reason, f"{detail} arrived within the hold", event, at_ms, held.raw, held.source())


def _why_no_touch(track_conversion: bool) -> tuple[Reason, str]:
    if not track_conversion:
        return Reason.CONVERSION_TRACKING_DISABLED, "the click's trackConversion is false"
    return Reason.OUTSIDE_ATTRIBUTION_WINDOW, "too long after its click, or before it"


def _origin(
    fact: TouchFact | GivenUpFact | Fact[LeadEvent] | Fact[Purchase] | Fact[Erasure],
) -> _Origin:
    if isinstance(fact, TouchFact | GivenUpFact):
        return _Origin(fact.event, fact.at_ms, bytes(fact.news.event), fact.news.source)
    return _Origin(fact.event, fact.at_ms, fact.record.value, source_of(fact.record))
