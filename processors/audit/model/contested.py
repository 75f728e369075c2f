"""Where the order of arrival shows in the results after all.

The leads are a function of the facts, but one that was emitted is never withdrawn (rule 9). So order shows
exactly where a further fact can take a lead or a sale away, and nowhere else:

* another click event with the same clickId turns out to be the click that counts, and with it a lead event
  no longer makes a touch, or one does that made none;
* an earlier lead event moves the start of a touch so far back that a request is no longer within the
  qualification window;
* another purchase with the same invoiceId (or eventId) counts instead and has no lead;

and where a bound (rule 16) leaves something out: a touch that a request would have chosen, had it come
earlier; an event that found too many waiting; an old sale that would have been emitted anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from processors.audit.model.arrivals import NO_CROWD, Crowd
from processors.audit.model.rules import (
    ConcludedLead,
    Conclusion,
    LeadFact,
    ModelBounds,
    ModelPolicy,
    PurchaseFact,
    lead_for,
    leads_of,
    makes_touch,
    own_touch,
    purchase_order,
    request_order,
    sale_of,
    touch_times,
    touches_of,
)
from schemas.ids import event_key
from schemas.results import ClickFacts

_AT_MOST = 4
"""Bytes of a state for a byte of its records: an event as it came, decoded, where it stood, its result."""


@dataclass
class Naming:
    """The lead events that name one click. ``size``: of all their records, repeated ones included.

    ``click_size``: of those of the click itself.
    """

    events: set[tuple[object, ...]] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)
    size: int = 0
    click_size: int = 0
    crowd: Crowd = NO_CROWD

    def add(self, lead_event: LeadFact, size: int, crowd: Crowd) -> None:
        """One more."""
        event = lead_event.event
        said = event.customer_name, event.customer_email, event.customer_avatar
        self.events.add((event.customer, event.mode, said, request_order(lead_event)))
        self.customers.add(event.customer)
        self.size += size
        self.crowd = max(self.crowd, crowd)

    def too_many_wait(self, bounds: ModelBounds) -> bool:
        """Were the click the last to come, not all of them would have had room."""
        events, size = max(len(self.events), self.crowd.events), max(self.size, self.crowd.size)
        return events > bounds.click_held or _AT_MOST * size > bounds.state_bytes

    def not_all_hear(self, bounds: ModelBounds) -> bool:
        """Of another click event that turns out to be the one that counts."""
        return max(len(self.customers), self.crowd.events) > bounds.click_customers


class Known(NamedTuple):
    """About one customer. ``reached``: its lead events but for those that wait for their click.

    ``size``: of the records of its events, and of the clicks that they name, in bytes.
    """

    lead_events: Sequence[LeadFact]
    reached: Sequence[LeadFact]
    purchases: Sequence[PurchaseFact]
    size: int
    conclusion: Conclusion


class Named(NamedTuple):
    """About the clicks of a workspace, by clickId: which one counts, every content, who names it."""

    counting: Mapping[str, ClickFacts]
    contents: Mapping[str, set[ClickFacts]]
    naming: Mapping[str, Naming]


def order_shows(known: Known, named: Named, policy: ModelPolicy) -> bool:
    """True when something about this customer may depend on the order of arrival."""
    requests = [one for one in known.reached if not one.event.deferred]
    return (
        _more_than_touches_shows(known, requests, named, policy)
        or touch_bound_shows(known.reached, requests, named.counting, known.conclusion, policy)
        or _old_sales_show(known, named, policy)
    )


def complete_leads(known: Known, named: Named, policy: ModelPolicy) -> dict[str, ConcludedLead]:
    """By eventKey, for a customer of whom too few touches are kept, the leads if all had been there in time.

    Once such a lead has been emitted, nothing can change it. Empty where anything else shows.
    """
    requests = [one for one in known.reached if not one.event.deferred]
    if _more_than_touches_shows(known, requests, named, policy) or _touch_may_come_again(
        known.reached, known.conclusion
    ):
        return {}
    touches = known.conclusion.touches
    return leads_of(requests, touches, touches, named.counting, policy)


def _more_than_touches_shows(
    known: Known, requests: Sequence[LeadFact], named: Named, policy: ModelPolicy
) -> bool:
    return (
        _another_click_decides(known.lead_events, named, policy)
        or _touch_moves_out_of_window(known.reached, named.counting, policy)
        or _purchase_is_replaced(known.purchases, known.conclusion, policy)
        or _too_much_waits(known, requests, named, policy)
    )


def touch_bound_shows(
    lead_events: Sequence[LeadFact],
    requests: Sequence[LeadFact],
    clicks: Mapping[str, ClickFacts],
    conclusion: Conclusion,
    policy: ModelPolicy,
) -> bool:
    """True when something rests on a touch that may have been dropped before it was needed."""
    touches, kept = conclusion.touches, conclusion.kept
    if len(touches) == len(kept):
        return False
    return (
        _touch_may_come_again(lead_events, conclusion)
        or not set(touches[-policy.bounds.touches :]) <= set(kept)
        or own_touch(touches, policy) != own_touch(kept, policy)
        or leads_of(requests, touches, touches, clicks, policy) != conclusion.leads
    )


def _touch_may_come_again(lead_events: Sequence[LeadFact], conclusion: Conclusion) -> bool:
    """One that was dropped takes the time of the lead event with which it comes."""
    unsure = {touch.click_id for touch in conclusion.touches} - {touch.click_id for touch in conclusion.kept}
    times: dict[str, set[int]] = {}
    for lead_event in lead_events:
        times.setdefault(lead_event.event.click_id or "", set()).add(lead_event.at_ms)
    return any(len(times[click_id]) > 1 for click_id in unsure)


def _another_click_decides(lead_events: Sequence[LeadFact], named: Named, policy: ModelPolicy) -> bool:
    for lead_event in lead_events:
        click_id = lead_event.event.click_id or ""
        contents = named.contents.get(click_id, ())
        if len(contents) < 2:
            continue
        if named.naming[click_id].not_all_hear(policy.bounds):
            return True
        if len({makes_touch(lead_event, {click_id: content}, policy) for content in contents}) > 1:
            return True
    return False


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


def _purchase_is_replaced(
    purchases: Sequence[PurchaseFact], conclusion: Conclusion, policy: ModelPolicy
) -> bool:
    """One that counts has no lead, and another with its id would have one."""
    return any(
        lead_for(purchase, conclusion.leads, policy) is not None
        for purchase in purchases
        if sale_of(purchase) not in conclusion.sales
    )


def _contents(purchases: Sequence[PurchaseFact]) -> dict[str, set[object]]:
    contents: dict[str, set[object]] = {}
    for purchase in purchases:
        contents.setdefault(sale_of(purchase), set()).add(purchase_order(purchase))
    return contents


def _too_much_waits(known: Known, requests: Sequence[LeadFact], named: Named, policy: ModelPolicy) -> bool:
    """In the order in which everything waits that may."""
    bounds = policy.bounds
    keys = {event_key(one.event.event_name) for one in requests}
    sales = {sale_of(purchase) for purchase in known.purchases}
    clicks = [named.naming[one.event.click_id] for one in known.lead_events if one.event.click_id]
    return (
        any(one.too_many_wait(bounds) for one in clicks)
        or len({request_order(one) for one in requests}) + len(sales) > bounds.held
        or (len(keys) > bounds.leads and len(known.conclusion.leads) >= bounds.leads)
        or _AT_MOST * known.size > bounds.state_bytes
    )


def _old_sales_show(known: Known, named: Named, policy: ModelPolicy) -> bool:
    """Of a customer with more sales than are kept. What cannot change need not be emitted anew, either."""
    bounds, contents = policy.bounds, _contents(known.purchases)
    if len(contents) <= bounds.purchases:
        return False
    if len(contents) > bounds.revisions + bounds.old_sales:
        return True
    if any(len(found) > 1 for found in contents.values()):
        return True
    needed: list[LeadFact] = []
    for lead_event in known.reached:
        if lead_event not in needed:
            needed.append(lead_event)
        if len(needed) > 2:
            return True
    if any(len(named.contents.get(one.event.click_id or "", ())) > 1 for one in needed):
        return True
    # There is no lead before all of them have come, and nothing changes afterwards.
    without_one = [[one for one in needed if one is not left_out] for left_out in needed]
    return any(_makes_a_lead(few, named.counting, policy) for few in without_one)


def _makes_a_lead(
    lead_events: Sequence[LeadFact], clicks: Mapping[str, ClickFacts], policy: ModelPolicy
) -> bool:
    touches = touches_of(lead_events, clicks, policy)
    requests = [one for one in lead_events if not one.event.deferred]
    return bool(leads_of(requests, touches, touches, clicks, policy))
