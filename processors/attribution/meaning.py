"""What a customer's facts mean: leads, sales and status (docs/rules.md, 3-15). Pure functions."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from processors.attribution.clicks import StoredClick
from processors.attribution.customer_state import CustomerState, PurchaseState, Request, TouchState
from processors.attribution.policy import Policy
from schemas.ids import event_key, lead_id
from schemas.texts import said

T = TypeVar("T")


class Attribution(Struct, frozen=True, gc=False):
    """A touch that counts. No two agree in both of the first two fields, by which the models compare."""

    deferred_ms: int
    click_id: str
    click: StoredClick


class Person(Struct, frozen=True, gc=False):
    """What is known of the customer."""

    name: str | None
    email: str | None
    avatar: str | None
    first_seen_ms: int


class LeadMeaning(Struct, frozen=True, gc=False):
    """A lead in all but its revision. ``request``: without what a lead does not show, clickId and hold."""

    request: Request
    attribution: Attribution
    person: Person


class SaleMeaning(Struct, frozen=True, gc=False):
    """A sale in all but its revision. Of purchase and lead it holds what a sale shows."""

    purchase: PurchaseState
    lead_key: str
    lead_event_name: str
    attribution: Attribution
    person: Person


class CustomerMeaning(Struct, frozen=True, gc=False):
    """The customer's status. ``qualified_ms`` None: pending.

    ``touches``: those that count, ascending; empty where that is the one of ``attribution`` alone.
    """

    attribution: Attribution
    touches: tuple[Attribution, ...]
    person: Person
    qualified_ms: int | None
    leads: int
    sales: int


class Meaning(Struct, frozen=True, gc=False):
    """All that a state says. ``winners``: by eventKey the request that makes the lead."""

    winners: Mapping[str, Request]
    leads: Mapping[str, LeadMeaning]
    sales: Mapping[str, SaleMeaning]
    customer: CustomerMeaning | None


NOTHING = Meaning({}, {}, {}, None)


def meaning(workspace_id: str, customer: str, state: CustomerState, policy: Policy) -> Meaning:
    """Leads by eventKey, sales by sale id, and the customer's status."""
    touches = attributions(state.touches, policy)
    if not touches:
        return NOTHING
    name, email, avatar = state.name, state.email, state.avatar
    person = Person(
        name and said(name[1]), email and said(email[1]), avatar and said(avatar[1]), state.first_seen_ms
    )
    chosen = choose(touches.values(), None, policy)
    assert chosen is not None  # noqa: S101 - there is a touch
    found = winners(state.requests, touches, policy) if state.requests else None
    if not found:  # nor a sale, then
        counted = _counting(touches, chosen, (), policy)
        return Meaning({}, {}, {}, _status(state, chosen, counted, person, {}, {}))
    leads = {
        key: LeadMeaning(replace(request, click_id="", held=None), attribution, person)
        for key, (request, attribution) in found.items()
    }
    sales = _sales(workspace_id, customer, state.purchases, leads, policy) if state.purchases else {}
    requests = {key: request for key, (request, _) in found.items()}
    counted = _counting(touches, chosen, found.values(), policy)
    return Meaning(requests, leads, sales, _status(state, chosen, counted, person, requests, sales))


def _status(
    state: CustomerState,
    chosen: Attribution,
    counted: tuple[Attribution, ...],
    person: Person,
    winners: Mapping[str, Request],
    sales: Mapping[str, SaleMeaning],
) -> CustomerMeaning:
    """What was published counts, whatever became of the facts on which it rests."""
    qualified_ms, leads = None, 0
    if state.requests:
        won = [request.at_ms for request in winners.values()]
        if len(state.requests) > len(won):
            won += [request.at_ms for request in state.requests if request.held is None]
        qualified_ms = min(won) if won else None
        leads = len(winners.keys() | state.lead_revisions.keys()) if state.lead_revisions else len(winners)
    sold = len(sales.keys() | state.sale_revisions.keys()) if state.sale_revisions else len(sales)
    if state.old_sales is not None:
        sold += state.old_sales.count
    return CustomerMeaning(chosen, counted, person, qualified_ms, leads, sold)


def attributions(touches: Iterable[TouchState], policy: Policy) -> dict[str, Attribution]:
    """The touches that count, by clickId."""
    found = {}
    for touch in touches:
        deferred_ms = deferred_at(touch, policy)
        if deferred_ms is not None:
            found[touch.click_id] = Attribution(deferred_ms, touch.click_id, touch.click)
    return found


def _counting(
    touches: Mapping[str, Attribution],
    chosen: Attribution,
    leads: Collection[tuple[Request, Attribution]],
    policy: Policy,
) -> tuple[Attribution, ...]:
    """The touches of :class:`CustomerMeaning` (rule 13). ``chosen``: the customer's own.

    None that :mod:`.keeping` would forget is among them, so that forgetting one is no news.
    """
    if len(touches) == 1:
        return ()
    ordered = sorted(touches.values(), key=attrgetter("deferred_ms", "click_id"))
    own = {attribution.click_id for _, attribution in leads}
    found = first_and_latest(ordered, policy.bounds.touches, lambda one: one.click_id in own)
    if leads:
        asked_ms = [request.at_ms for request, _ in leads]
        window_ms = policy.qualification_window_ms
        found = [
            one
            for one in found
            if one.click_id in own or any(0 <= at_ms - one.deferred_ms <= window_ms for at_ms in asked_ms)
        ]
    found = first_and_latest(found, policy.bounds.published_touches - 1)
    return () if found == [chosen] else (*found,)


def first_and_latest(
    ordered: Sequence[T], latest: int, needed: Callable[[T], bool] = lambda _: False
) -> list[T]:
    """The first one, as many of the latest, and in between those that are needed."""
    rest = max(1, len(ordered) - latest)
    return [*ordered[:1], *filter(needed, ordered[1:rest]), *ordered[rest:]]


def makes_touch(touches: Iterable[TouchState], click_id: str, policy: Policy) -> bool:
    """Does one of the lead events that name this click make a touch (rule 3)?"""
    return any(touch.click_id == click_id and deferred_at(touch, policy) is not None for touch in touches)


def deferred_at(touch: TouchState, policy: Policy) -> int | None:
    """The earliest time of a lead event that makes the touch; None when none does (rule 3)."""
    if not touch.click.track_conversion:
        return None
    clicked_ms = touch.click.timestamp
    first, last = clicked_ms - policy.hold_ms, clicked_ms + policy.attribution_window_ms
    for at_ms in touch.times:
        if first <= at_ms <= last:
            return at_ms
    return None


def winners(
    requests: Iterable[Request], touches: Mapping[str, Attribution], policy: Policy
) -> dict[str, tuple[Request, Attribution]]:
    """By eventKey the request that makes the lead, and its touch (rules 8 and 9)."""
    found: dict[str, tuple[Request, Attribution]] = {}
    for request in requests:
        key = event_key(request.event_name)
        if key in found and found[key][0] <= request:
            continue
        attribution = touch_of(request, touches, policy)
        if attribution is not None:
            found[key] = request, attribution
    return found


def touch_of(request: Request, touches: Mapping[str, Attribution], policy: Policy) -> Attribution | None:
    """The touch that a request goes to: the windows filter, then the model chooses (rule 8)."""
    if request.click_id:
        named = touches.get(request.click_id)
        candidates = [named] if named is not None else []
    else:
        candidates = list(touches.values())
    first = request.at_ms - policy.qualification_window_ms
    last = request.at_ms + policy.hold_ms
    eligible = [one for one in candidates if first <= one.deferred_ms <= last]
    return choose(eligible, request.at_ms, policy)


def choose(touches: Iterable[Attribution], at_ms: int | None, policy: Policy) -> Attribution | None:
    """The model's choice for something that happened at ``at_ms`` (None: at the end of time)."""
    ordered = list(touches)
    if len(ordered) < 2:
        return ordered[0] if ordered else None
    ordered.sort(key=attrgetter("deferred_ms", "click_id"))
    if policy.model == "first-click":
        return ordered[0]
    before = [one for one in ordered if at_ms is None or one.deferred_ms <= at_ms]
    return before[-1] if before else ordered[0]


def _sales(
    workspace_id: str,
    customer: str,
    purchases: Iterable[PurchaseState],
    leads: Mapping[str, LeadMeaning],
    policy: Policy,
) -> dict[str, SaleMeaning]:
    by_time = sorted(
        (lead.request.at_ms, lead_id(workspace_id, customer, key), key) for key, lead in leads.items()
    )
    sales = {}
    for purchase in purchases:
        key = _lead_of(purchase, by_time, policy)
        if key is not None:
            lead, shown = leads[key], replace(purchase, lead_key="", held=None)
            sales[purchase.key] = SaleMeaning(
                shown, key, lead.request.event_name, lead.attribution, lead.person
            )
    return sales


def _lead_of(purchase: PurchaseState, by_time: Iterable[tuple[int, str, str]], policy: Policy) -> str | None:
    """By eventKey, the newest lead at or before it, else the first within the hold after it (rule 14)."""
    newest = None
    for at_ms, _, key in by_time:
        if purchase.lead_key not in ("", key):
            continue
        if at_ms > purchase.at_ms:
            return newest if newest is not None or at_ms > purchase.at_ms + policy.hold_ms else key
        newest = key
    return newest
