"""What a state keeps, and what it has no room for (docs/rules.md, 16).

Nothing that is dropped here changes what was published: a lead keeps its request and its touch.
"""

from collections.abc import Collection, Iterable
from operator import attrgetter, itemgetter
from typing import Final

from msgspec.structs import replace

from processors.attribution.bounds import Bounds
from processors.attribution.customer_state import CustomerState, PurchaseState, Request, TouchState, dump
from processors.attribution.meaning import LeadMeaning, Meaning, deferred_at, first_and_latest
from processors.attribution.old_sales import NONE, with_old_sales
from processors.attribution.policy import Policy
from schemas.decoding import MAX_RECORD_BYTES
from schemas.ids import event_key

_LARGEST_FACT: Final = 2 * MAX_RECORD_BYTES
"""One that waits is kept as it came, and decoded."""


def kept_touches(state: CustomerState, now: Meaning, policy: Policy) -> tuple[TouchState, ...]:
    """Those that are needed for what ``now`` says, the meaning of ``state``, or may be."""
    if len(state.touches) <= policy.bounds.touches:
        return state.touches
    return _touches(state.touches, {lead.attribution.click_id for lead in now.leads.values()}, policy)


def undecided_or_winning(state: CustomerState, now: Meaning, policy: Policy) -> tuple[Request, ...]:
    """Of the requests that a winner beats nothing is needed: a touch that helps them helps the winner.

    But where the winner may lose its touch they go on waiting, as long as there is room: one of them makes
    the lead then.
    """
    kept = []
    for request in state.requests:
        key = event_key(request.event_name)
        winner = now.winners.get(key)
        if winner is None or request < winner:
            kept.append(request)
        elif request is winner:
            kept.append(replace(request, held=None))
        elif _may_move_out(now.leads[key], policy) and not too_many_held(state, policy.bounds):
            kept.append(request)
    return tuple(kept)


def _may_move_out(lead: LeadMeaning, policy: Policy) -> bool:
    """Can an earlier lead event move its touch out of the qualification window (rule 3)?"""
    earliest_ms = lead.attribution.click.timestamp - policy.hold_ms
    return lead.request.at_ms - earliest_ms > policy.qualification_window_ms


def sold_and_waiting(purchases: Iterable[PurchaseState], now: Meaning) -> tuple[PurchaseState, ...]:
    """The purchases, first those that are sales, by time. These no longer wait."""
    sold, waiting = [], []
    for purchase in purchases:
        if purchase.key in now.sales:
            sold.append(purchase if purchase.held is None else replace(purchase, held=None))
        else:
            waiting.append(purchase)
    sold.sort(key=attrgetter("at_ms", "key"))
    return (*sold, *waiting)


def with_few_sales(state: CustomerState, now: Meaning, bounds: Bounds) -> CustomerState:
    """As many of the latest sales as there may be. ``state.purchases``: as :func:`sold_and_waiting` has them.

    An old sale is no longer emitted anew when its lead changes; that it was published stays known.
    """
    if len(state.purchases) > bounds.purchases or (state.purchases and no_room(state, bounds)):
        state = _without_oldest_sales(state, now, bounds)
    surplus = len(state.sale_revisions) - bounds.revisions
    return _without_oldest_revisions(state, surplus, bounds) if surplus > 0 else state


def no_room(state: CustomerState, bounds: Bounds) -> bool:
    """Is this more than may be stored? Few facts never are, however large, and need not be encoded."""
    facts = len(state.touches) + len(state.requests) + len(state.purchases)
    return (facts + 1) * _LARGEST_FACT > bounds.state_bytes and len(dump(state)) > bounds.state_bytes


def too_many_held(state: CustomerState, bounds: Bounds) -> str | None:
    """Why one fact less may wait."""
    if len(state.requests) + len(state.purchases) <= bounds.held:
        return None
    facts: tuple[Request | PurchaseState, ...] = (*state.requests, *state.purchases)
    if sum(one.held is not None for one in facts) <= bounds.held:
        return None
    return f"{bounds.held} events of this customer wait already"


def _touches(
    touches: Iterable[TouchState], needed: Collection[str], policy: Policy
) -> tuple[TouchState, ...]:
    """The first touch, the latest few, and those of leads; of clicks that made none the latest few."""
    made, not_made = [], []
    for touch in touches:
        deferred_ms = deferred_at(touch, policy)
        if deferred_ms is None:
            not_made.append((touch.times[-1:], touch.click_id, touch))
        else:
            made.append((deferred_ms, touch.click_id, touch))
    made.sort(key=itemgetter(0, 1))
    not_made.sort(key=itemgetter(0, 1))
    latest = policy.bounds.touches
    kept = [*first_and_latest(made, latest, lambda one: one[1] in needed), *not_made[-latest:]]
    return tuple([touch for _, _, touch in sorted(kept, key=itemgetter(1))])


def _without_oldest_sales(state: CustomerState, now: Meaning, bounds: Bounds) -> CustomerState:
    count = sum([purchase.key in now.sales for purchase in state.purchases])
    sold, waiting = state.purchases[:count], state.purchases[count:]
    latest = sold[-bounds.purchases :]
    kept = replace(state, purchases=(*latest, *waiting))
    while latest and no_room(kept, bounds):
        latest = latest[len(latest) // 2 + 1 :]
        kept = replace(state, purchases=(*latest, *waiting))
    if len(latest) == count:
        return kept
    old = state.old_sales or NONE
    dropped_ms = max(old.dropped_ms, sold[count - len(latest) - 1].at_ms)
    return replace(kept, old_sales=replace(old, dropped_ms=dropped_ms))


def _without_oldest_revisions(state: CustomerState, surplus: int, bounds: Bounds) -> CustomerState:
    """The first published go first, of those that can no longer be revised."""
    kept = {purchase.key for purchase in state.purchases}
    leaving = [key for key in state.sale_revisions if key not in kept][:surplus]
    revisions = dict(state.sale_revisions)
    for key in leaving:
        del revisions[key]
    old = with_old_sales(state.old_sales or NONE, leaving, bounds.old_sales)
    return replace(state, sale_revisions=revisions, old_sales=old)
