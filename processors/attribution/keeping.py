"""What a state keeps, and what it has no room for (docs/rules.md, 16).

Nothing that is dropped here changes what was published: a lead keeps its request and its touch.
"""

from collections.abc import Collection, Iterable
from operator import itemgetter

from msgspec.structs import replace

from processors.attribution.bounds import Bounds
from processors.attribution.customer_state import CustomerState, PurchaseState, Request, TouchState
from processors.attribution.meaning import Meaning, deferred_at
from processors.attribution.old_sales import NONE, with_old_sales
from processors.attribution.policy import Policy
from schemas.ids import event_key

Waiting = Request | PurchaseState


def within_bounds(state: CustomerState, now: Meaning, policy: Policy) -> CustomerState:
    """Without what is not needed for what ``now`` says, or is too much. ``now``: the meaning of ``state``."""
    touches = state.touches
    if len(touches) > policy.bounds.touches:
        touches = _touches(touches, {lead.attribution.click_id for lead in now.leads.values()}, policy)
    if not (state.requests or state.purchases):
        return state if touches is state.touches else replace(state, touches=touches)
    requests = _undecided_or_winning(state.requests, now)
    kept = replace(state, touches=touches, requests=requests)
    return _with_recent_purchases(kept, now, policy.bounds) if state.purchases else kept


def no_room(state: CustomerState, fact: Waiting, bounds: Bounds) -> str | None:
    """Why the state cannot take one more fact; sales make room."""
    size = _size(fact) + sum(map(_size, state.requests))
    size += sum([_size(one) for one in state.purchases if one.held is not None])
    return bounds.bytes_refusal() if size > bounds.fact_bytes else None


def too_many_held(state: CustomerState, bounds: Bounds) -> str | None:
    """Why one fact less may wait."""
    facts: tuple[Waiting, ...] = (*state.requests, *state.purchases)
    if len(facts) <= bounds.held or sum(one.held is not None for one in facts) <= bounds.held:
        return None
    return f"{bounds.held} events of this customer wait already"


def _size(fact: Waiting) -> int:
    """What may be large in it: every other text has a limit of its own."""
    return len(fact.metadata) + (len(fact.held.raw) if fact.held is not None else 0)


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
    between = [one for one in made[1:-latest] if one[1] in needed]
    kept = [*made[:1], *between, *made[1:][-latest:], *not_made[-latest:]]
    return tuple([touch for _, _, touch in sorted(kept, key=itemgetter(1))])


def _undecided_or_winning(requests: Iterable[Request], now: Meaning) -> tuple[Request, ...]:
    """Of the requests that a winner beats nothing is needed: a touch that helps them helps the winner."""
    kept = []
    for request in requests:
        winner = now.winners.get(event_key(request.event_name))
        if winner is None or request < winner:
            kept.append(request)
        elif request is winner:
            kept.append(replace(request, held=None))
    return tuple(kept)


def _with_recent_purchases(state: CustomerState, now: Meaning, bounds: Bounds) -> CustomerState:
    """An old sale is no longer emitted anew when its lead changes; that it was published stays known."""
    sold, waiting = [], []
    for purchase in state.purchases:
        if purchase.key in now.sales:
            sold.append(purchase if purchase.held is None else replace(purchase, held=None))
        else:
            waiting.append(purchase)
    sold.sort(key=lambda purchase: (purchase.at_ms, purchase.key))
    room = bounds.fact_bytes - sum(map(_size, state.requests)) - sum(map(_size, waiting))
    begin = len(sold)
    while begin and len(sold) - begin < bounds.purchases and (room := room - _size(sold[begin - 1])) >= 0:
        begin -= 1
    if begin:
        old = state.old_sales or NONE
        dropped_ms = max(old.dropped_ms, sold[begin - 1].at_ms)
        state = replace(state, old_sales=replace(old, dropped_ms=dropped_ms))
    return replace(state, purchases=(*sold[begin:], *waiting))


def with_few_revisions(state: CustomerState, bounds: Bounds) -> CustomerState:
    """The first published go first, of those that can no longer be revised."""
    surplus = len(state.sale_revisions) - bounds.revisions
    if surplus <= 0:
        return state
    kept = {purchase.key for purchase in state.purchases}
    leaving = [key for key in state.sale_revisions if key not in kept][:surplus]
    revisions = dict(state.sale_revisions)
    for key in leaving:
        del revisions[key]
    old = with_old_sales(state.old_sales or NONE, leaving, bounds.old_sales)
    return replace(state, sale_revisions=revisions, old_sales=old)
