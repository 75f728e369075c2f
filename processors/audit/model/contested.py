"""Where the order of arrival shows in the results after all.

The leads are a function of the facts, but one that was emitted is never withdrawn (rule 9). So order shows
exactly where a further fact can take a lead or a sale away, and nowhere else:

* another click event with the same clickId and other content turns out to be the click that counts;
* an earlier lead event moves the start of a touch so far back that a request is no longer within the
  qualification window;
* another purchase with the same invoiceId (or eventId) counts instead and has no lead;

and where a bound is reached (rule 16): what is kept then depends on what was there.
"""

from collections.abc import Iterable, Mapping, Sequence

from processors.audit.model.rules import (
    Conclusion,
    LeadFact,
    ModelPolicy,
    PurchaseFact,
    purchase_order,
    request_order,
    sale_of,
    touch_times,
)
from schemas.ids import event_key
from schemas.results import ClickFacts


def order_shows(
    lead_events: Sequence[LeadFact],
    purchases: Sequence[PurchaseFact],
    clicks: Mapping[str, ClickFacts],
    contested_clicks: Iterable[str],
    conclusion: Conclusion,
    policy: ModelPolicy,
) -> bool:
    """True when something about this customer may depend on the order of arrival."""
    named = {lead_event.event.click_id or "" for lead_event in lead_events}
    return (
        not named.isdisjoint(contested_clicks)
        or _touch_moves_out_of_window(lead_events, clicks, policy)
        or _purchase_is_replaced(purchases, conclusion)
        or _beyond_bounds(lead_events, purchases, named, policy)
    )


def _touch_moves_out_of_window(
    lead_events: Sequence[LeadFact], clicks: Mapping[str, ClickFacts], policy: ModelPolicy
) -> bool:
    window_starts = sorted(
        {one.at_ms - policy.qualification_window_ms for one in lead_events if not one.event.deferred}
    )
    return any(
        times[0] < start <= times[-1]
        for times in touch_times(lead_events, clicks, policy).values()
        if times[0] != times[-1]
        for start in window_starts
    )


def _purchase_is_replaced(purchases: Sequence[PurchaseFact], conclusion: Conclusion) -> bool:
    contents: dict[str, set[object]] = {}
    for purchase in purchases:
        contents.setdefault(sale_of(purchase), set()).add(purchase_order(purchase))
    return any(len(found) > 1 and sale not in conclusion.sales for sale, found in contents.items())


def _beyond_bounds(
    lead_events: Sequence[LeadFact], purchases: Sequence[PurchaseFact], named: set[str], policy: ModelPolicy
) -> bool:
    requests = {request_order(one) for one in lead_events if not one.event.deferred}
    sales = {sale_of(purchase) for purchase in purchases}
    keys = {event_key(one.event.event_name) for one in lead_events}
    return (
        len(named) > policy.bounds.touches
        or len(requests) + len(sales) > policy.bounds.held
        or len(keys) > policy.bounds.leads
        or len(sales) > policy.bounds.purchases
    )
