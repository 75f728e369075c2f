"""Why a customer has its leads, or has none: the facts held and the rules that decided (docs/rules.md).

A pure function of the stored state. It decides nothing anew: what is chosen it asks of :mod:`.meaning`.
"""

from collections.abc import Mapping

from processors.attribution.customer_state import CustomerState, PurchaseState, Request, TouchState
from processors.attribution.explanation import (
    Candidate,
    ExplainedPurchase,
    ExplainedRequest,
    ExplainedTouch,
    ExplainedWait,
    Explanation,
    Status,
)
from processors.attribution.facts import Held
from processors.attribution.meaning import Attribution, Meaning, attributions, deferred_at, meaning, touch_of
from processors.attribution.policy import Policy
from schemas.ids import customer_id, event_key, lead_id
from schemas.results import LeadCustomer
from schemas.texts import said
from schemas.times import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, rfc3339

_UNITS = (("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS), ("ms", 1))


def explain(workspace_id: str, customer: str, state: CustomerState | None, policy: Policy) -> Explanation:
    """``state`` None: nothing is stored under this customer's key."""
    held = state or CustomerState()
    policy = policy.under(held.rules)
    touches = attributions(held.touches, policy)
    now = meaning(workspace_id, customer, held, policy)
    identity = customer_id(workspace_id, customer)
    current = {lead_id(workspace_id, customer, key) for key in now.leads}
    emitted = {lead_id(workspace_id, customer, key) for key in held.lead_revisions}
    status = _status(state, now)
    return Explanation(
        workspace_id=workspace_id,
        customer_external_id=customer,
        customer_id=identity,
        customer=_person(identity, customer, held),
        status=status,
        summary=_summary(status, held, now),
        attribution_model=policy.model,
        touches=[_touch(one, policy) for one in sorted(held.touches, key=lambda one: one.times)],
        requests=[
            _request(workspace_id, customer, one, held, now, touches, policy) for one in sorted(held.requests)
        ],
        purchases=[
            _purchase(workspace_id, customer, one, held, now, policy) for one in sorted(held.purchases)
        ],
        waits=_waits(held, policy),
        kept=sorted(emitted - current),
    )


def _status(state: CustomerState | None, now: Meaning) -> Status:
    if state is None:
        return "unknown"
    if state.erased:
        return "erased"
    if now.customer is None:
        return "waiting"
    return "pending" if now.customer.qualified_ms is None else "qualified"


def _summary(status: Status, state: CustomerState, now: Meaning) -> str:
    match status:
        case "unknown":
            return "Nothing is held: no event of this customer has arrived, or what did was given up."
        case "erased":
            return "The customer was erased. Nothing is held, and whatever comes is refused as suppressed."
        case "waiting":
            return "No lead: no lead event of this customer has made a touch with a click yet."
        case "pending":
            asked = "none of its requests has an eligible touch" if state.requests else "no request has come"
            return f"No lead yet: the customer has a touch, but {asked}."
        case "qualified":
            if not now.leads:
                return "What was published stays, but the facts no longer carry a lead."
            names = ", ".join(sorted(lead.request.event_name for lead in now.leads.values()))
            return f"{len(now.leads)} lead{'s' if len(now.leads) > 1 else ''}: {names}."


def _touch(touch: TouchState, policy: Policy) -> ExplainedTouch:
    click, made_ms = touch.click, deferred_at(touch, policy)
    window = span(policy.attribution_window_ms)
    if made_ms is not None:
        gap = _gap(made_ms - click.timestamp, "the click")
        why = f"makes a touch: {gap}, within the attribution window of {window}"
    elif not click.track_conversion:
        why = "makes no touch: the click's trackConversion is false"
    elif not touch.times:
        why = "makes no touch: no lead event is known"
    else:
        first_ms = touch.times[0] - click.timestamp
        gap = _gap(first_ms, "the click")
        bound = f"hold of {span(policy.hold_ms)}" if first_ms < 0 else f"attribution window of {window}"
        why = f"makes no touch: {gap}, outside the {bound}"
    return ExplainedTouch(
        click_id=touch.click_id,
        clicked_at=rfc3339(click.timestamp),
        link_id=click.link_id,
        partner_id=click.partner_id,
        lead_events=[rfc3339(at_ms) for at_ms in touch.times],
        deferred_at=None if made_ms is None else rfc3339(made_ms),
        why=why,
    )


def _request(
    workspace_id: str,
    customer: str,
    request: Request,
    state: CustomerState,
    now: Meaning,
    touches: Mapping[str, Attribution],
    policy: Policy,
) -> ExplainedRequest:
    key = event_key(request.event_name)
    winner = now.winners.get(key)
    wins, is_beaten = winner == request, winner is not None and winner < request
    chosen = None if is_beaten else touch_of(request, touches, policy)
    candidates = [_candidate(request, one, chosen, policy) for one in touches.values()]
    if wins and chosen is not None:
        why = f"makes the lead, attributed to click {chosen.click_id}"
    elif is_beaten:
        why = "an earlier request makes the lead of this name, unless its touch moves out of its window"
    elif request.held is None:
        why = "no touch is eligible for it any more; the lead that it made was published and stays"
    elif not touches:
        why = "has no touch to go to"
    elif key in now.leads:
        why = "none of the touches is eligible for it; another request makes the lead of this name"
    else:
        why = "none of the touches is eligible for it"
    return ExplainedRequest(
        event_name=request.event_name,
        timestamp=rfc3339(request.at_ms),
        event_id=request.event_id or None,
        click_id=request.click_id or None,
        lead_id=lead_id(workspace_id, customer, key),
        revision=state.lead_revisions.get(key),
        makes_lead=wins,
        waits_until=_until(request.held, policy),
        why=why,
        candidates=sorted(candidates, key=lambda one: (one.deferred_at, one.click_id)),
    )


def _candidate(request: Request, touch: Attribution, chosen: Attribution | None, policy: Policy) -> Candidate:
    eligible = touch_of(request, {touch.click_id: touch}, policy) is not None
    after_ms = request.at_ms - touch.deferred_ms
    gap = _gap(after_ms, "the deferred lead", "the request came")
    if chosen is touch:
        why = "the only click that the request names" if request.click_id else _rule(policy)
    elif eligible:
        others = (
            f"{policy.model} chooses {chosen.click_id}" if chosen else "an earlier request makes the lead"
        )
        why = f"eligible, but {others}"
    elif request.click_id and request.click_id != touch.click_id:
        why = f"the request names click {request.click_id}"
    elif after_ms > 0:
        why = f"{gap}, outside the qualification window of {span(policy.qualification_window_ms)}"
    else:
        why = f"{gap}, outside the hold of {span(policy.hold_ms)}"
    return Candidate(
        click_id=touch.click_id,
        deferred_at=rfc3339(touch.deferred_ms),
        eligible=eligible,
        chosen=chosen is touch,
        why=why,
    )


def _rule(policy: Policy) -> str:
    if policy.model == "first-click":
        return "first-click: the earliest of the eligible touches"
    return "last-click: the latest eligible touch at or before the request, else the first one after it"


def _purchase(
    workspace_id: str,
    customer: str,
    purchase: PurchaseState,
    state: CustomerState,
    now: Meaning,
    policy: Policy,
) -> ExplainedPurchase:
    sale = now.sales.get(purchase.key)
    named = f" named {purchase.lead_key}" if purchase.lead_key else ""
    hold = span(policy.hold_ms)
    if sale is None:
        why = f"no lead{named} at or before the purchase, nor within the hold of {hold} after it"
    elif now.leads[sale.lead_key].request.at_ms <= purchase.at_ms:
        why = f"is a sale of the newest lead{named} at or before it: {sale.lead_event_name}"
    else:
        why = f"is a sale of the first lead{named} within the hold of {hold} after it: {sale.lead_event_name}"
    return ExplainedPurchase(
        sale_id=purchase.key,
        timestamp=rfc3339(purchase.at_ms),
        amount=purchase.amount,
        currency=purchase.currency,
        invoice_id=purchase.invoice_id or None,
        lead_id=None if sale is None else lead_id(workspace_id, customer, sale.lead_key),
        revision=state.sale_revisions.get(purchase.key),
        waits_until=_until(purchase.held, policy),
        why=why,
    )


def _waits(state: CustomerState, policy: Policy) -> list[ExplainedWait]:
    """Of a click that has come meanwhile the customer has heard."""
    known = {touch.click_id for touch in state.touches}
    return [
        ExplainedWait(
            click_id=click_id,
            waits_until=rfc3339(since_ms + policy.hold_ms),
            why="no click with this clickId has arrived, or only a bot's",
        )
        for click_id, since_ms in sorted(state.waiting.items())
        if click_id not in known
    ]


def _person(identity: str, customer: str, state: CustomerState) -> LeadCustomer | None:
    if not state.first_seen_ms:
        return None
    name, email, avatar = (
        None if known is None else said(known[1]) for known in (state.name, state.email, state.avatar)
    )
    seen = rfc3339(state.first_seen_ms)
    return LeadCustomer(
        id=identity, external_id=customer, name=name, email=email, avatar=avatar, first_seen_at=seen
    )


def _until(held: Held | None, policy: Policy) -> str | None:
    return None if held is None else rfc3339(held.arrived_ms + policy.hold_ms)


def _gap(after_ms: int, than: str, what: str = "the lead event came") -> str:
    if after_ms == 0:
        return f"{what} at the same time as {than}"
    return f"{what} {span(abs(after_ms))} {'after' if after_ms > 0 else 'before'} {than}"


def span(duration_ms: int) -> str:
    """``2d 4h``: the two largest units that say something."""
    parts: list[str] = []
    rest = duration_ms
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count or (unit == "ms" and not parts):
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])
