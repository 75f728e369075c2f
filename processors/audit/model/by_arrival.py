"""The reference model with exact holds: the same rules, applied anew after every arrival.

An event that waits is given up when its arrival + hold is reached, just before whatever arrives at that very
moment. Between arrivals nothing else depends on the clock.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from processors.audit.model.arrivals import Arrived
from processors.audit.model.contested import touch_bound_shows
from processors.audit.model.documents import customer_document, lead_document, sale_document
from processors.audit.model.outcome import CustomerKey, Outcome, not_matched
from processors.audit.model.reference import ReferenceModel, why_no_touch
from processors.audit.model.rules import (
    Conclusion,
    LeadFact,
    ModelPolicy,
    PurchaseFact,
    click_content,
    click_that_counts,
    conclude,
    purchase_order,
    request_order,
    sale_of,
)
from schemas.events import Click, Erasure, LeadEvent, Purchase
from schemas.ids import event_key
from schemas.reasons import UnmatchedReason as Reason
from schemas.results import ClickFacts

K = TypeVar("K")


@dataclass
class _Click:
    """A clickId: what counts, who named it, and which lead events wait for it."""

    counting: ClickFacts | None = None
    bot: bool = False
    named_by: set[str] = field(default_factory=set)
    waiting: list[LeadFact] = field(default_factory=list)


@dataclass
class _Customer:
    """Facts about a customer, and what waits. What was given up is no request or purchase any more."""

    joined: list[LeadFact] = field(default_factory=list)
    requests: list[LeadFact] = field(default_factory=list)
    purchases: dict[str, PurchaseFact] = field(default_factory=dict)
    waiting: list[LeadFact | PurchaseFact] = field(default_factory=list)
    reported: list[LeadFact] = field(default_factory=list)
    leads: set[str] = field(default_factory=set)
    sales: set[str] = field(default_factory=set)
    erased: bool = False


class ArrivalModel:
    """docs/rules.md, one arrival after the other. One instance computes once."""

    def __init__(self, policy: ModelPolicy) -> None:
        self._policy = policy
        self._clicks: defaultdict[CustomerKey, _Click] = defaultdict(_Click)
        self._customers: defaultdict[CustomerKey, _Customer] = defaultdict(_Customer)
        self._due: deque[tuple[int, Callable[[], None]]] = deque()
        self._outcome = Outcome()

    def compute(self, events: Iterable[Arrived]) -> Outcome:
        """What these events end in, after every hold has passed. Equal arrival times keep their order."""
        given = sorted(events, key=lambda arrived: arrived.arrived_ms)
        for arrived in given:
            self._expire(arrived.arrived_ms)
            self._arrive(arrived)
        self._expire(None)
        self._outcome.contested |= ReferenceModel(self._policy).compute(given).contested
        return self._outcome

    def _expire(self, now_ms: int | None) -> None:
        while self._due and (now_ms is None or self._due[0][0] + self._policy.hold_ms <= now_ms):
            self._due.popleft()[1]()

    def _arrive(self, arrived: Arrived) -> None:
        event, at_ms, now_ms = arrived.event, arrived.at_ms, arrived.arrived_ms
        workspace_id = event.workspace_id
        if isinstance(event, Click):
            self._click(event, at_ms, now_ms)
        elif self._customers[workspace_id, event.customer].erased:
            if not isinstance(event, Erasure):
                self._report(event, at_ms, Reason.SUPPRESSED)
        elif isinstance(event, LeadEvent) and event.click_id:
            self._lead_event_with_click(LeadFact(event, at_ms), (workspace_id, event.click_id), now_ms)
        elif isinstance(event, LeadEvent):
            self._lead_event_without_click(LeadFact(event, at_ms), now_ms)
        elif isinstance(event, Purchase):
            self._purchase(PurchaseFact(event, at_ms), now_ms)
        else:
            self._erase((workspace_id, event.customer))

    # -- clicks -------------------------------------------------------------------------------------------

    def _click(self, event: Click, at_ms: int, now_ms: int) -> None:
        click = self._clicks[event.workspace_id, event.click_id]
        if event.bot:
            self._report(event, at_ms, Reason.BOT_CLICK)
            if click.counting is None and not click.bot:
                click.bot = True
                for waiting in click.waiting:
                    self._report(*waiting, Reason.BOT_CLICK)
            return
        content = click_content(event, at_ms)
        known = click.counting
        click.counting = content if known is None else click_that_counts([known, content])
        if known is None:
            joining, click.waiting = click.waiting, []
            for lead_event in joining:
                self._join(lead_event, click, now_ms)
        elif click.counting != known:
            for customer in sorted(click.named_by):
                self._settle((event.workspace_id, customer))

    def _lead_event_with_click(self, lead_event: LeadFact, key: CustomerKey, now_ms: int) -> None:
        click = self._clicks[key]
        if click.counting is not None:
            self._join(lead_event, click, now_ms)
        elif lead_event not in click.waiting:
            click.waiting.append(lead_event)
            if click.bot:
                self._report(*lead_event, Reason.BOT_CLICK)
            self._due.append((now_ms, lambda: self._give_up_click(click, lead_event)))

    def _give_up_click(self, click: _Click, lead_event: LeadFact) -> None:
        if _remove(click.waiting, lead_event) and not click.bot:
            self._report(*lead_event, Reason.CLICK_NOT_FOUND)

    # -- customers ----------------------------------------------------------------------------------------

    def _join(self, lead_event: LeadFact, click: _Click, now_ms: int) -> None:
        event = lead_event.event
        key = (event.workspace_id, event.customer)
        click.named_by.add(event.customer)
        customer = self._customers[key]
        assert click.counting is not None  # noqa: S101 - narrows
        customer.joined.append(lead_event)
        made = any(touch.click_id == event.click_id for touch in self._conclude(key).touches)
        if not made:
            self._report(*lead_event, why_no_touch(click.counting))
            if lead_event not in customer.reported:
                customer.reported.append(lead_event)
        if not event.deferred:
            self._request(key, lead_event, now_ms)
        self._settle(key)

    def _lead_event_without_click(self, lead_event: LeadFact, now_ms: int) -> None:
        key = (lead_event.event.workspace_id, lead_event.event.customer)
        if lead_event.event.deferred:
            self._report(*lead_event, Reason.CLICK_NOT_FOUND)
            return
        self._customers[key].joined.append(lead_event)
        self._request(key, lead_event, now_ms)
        self._settle(key)

    def _request(self, key: CustomerKey, request: LeadFact, now_ms: int) -> None:
        customer = self._customers[key]
        if all(request_order(known) != request_order(request) for known in customer.requests):
            customer.requests.append(request)
            customer.waiting.append(request)
            self._due.append((now_ms, lambda: self._give_up_request(key, customer, request)))

    def _purchase(self, purchase: PurchaseFact, now_ms: int) -> None:
        key = (purchase.event.workspace_id, purchase.event.customer)
        customer, sale_id = self._customers[key], sale_of(purchase)
        known = customer.purchases.get(sale_id)
        if known is not None and purchase_order(known) <= purchase_order(purchase):
            return
        if known is not None:
            _remove(customer.waiting, known)
        customer.purchases[sale_id] = purchase
        customer.waiting.append(purchase)
        self._due.append((now_ms, lambda: self._give_up_purchase(key, customer, sale_id, purchase)))
        self._settle(key)

    def _settle(self, key: CustomerKey) -> None:
        """What is concluded is published for good; only what concludes nothing goes on waiting."""
        customer, conclusion = self._customers[key], self._conclude(key)
        clicks = self._clicks_of(key[0], customer)
        if touch_bound_shows(customer.joined, customer.requests, clicks, conclusion, self._policy):
            self._outcome.contested.add(key)
        status = customer_document(*key, conclusion, self._policy)
        if customer.erased or status is None:
            return
        assert conclusion.person is not None  # noqa: S101 - narrows
        self._outcome.customers[key] = status
        for event_name, lead in conclusion.leads.items():
            customer.leads.add(event_name)
            document = lead_document(lead, conclusion.person, self._policy)
            self._outcome.leads[document.lead_id] = document
            _remove(customer.waiting, lead.request)
        for sale_id, (purchase, lead) in conclusion.sales.items():
            customer.sales.add(sale_id)
            self._outcome.sales[sale_id] = sale_document(purchase, lead, conclusion.person, self._policy)
            _remove(customer.waiting, purchase)
        if not customer.sales <= conclusion.sales.keys():
            self._outcome.contested.add(
                key
            )  # a purchase was replaced by one without a lead: none is withdrawn

    def _give_up_request(self, key: CustomerKey, customer: _Customer, request: LeadFact) -> None:
        if customer.erased or not _remove(customer.waiting, request):
            return
        _remove(customer.requests, request)
        reported = _remove(customer.reported, request)
        if event_key(request.event.event_name) not in customer.leads and not reported:
            touched = bool(self._conclude(key).touches)
            self._report(
                *request, Reason.OUTSIDE_QUALIFICATION_WINDOW if touched else Reason.NO_DEFERRED_LEAD
            )
        self._forget_when_idle(key, customer)

    def _give_up_purchase(
        self, key: CustomerKey, customer: _Customer, sale_id: str, purchase: PurchaseFact
    ) -> None:
        if customer.erased or not _remove(customer.waiting, purchase):
            return
        del customer.purchases[sale_id]
        self._report(*purchase, Reason.NO_LEAD_FOR_PURCHASE)
        self._forget_when_idle(key, customer)

    def _forget_when_idle(self, key: CustomerKey, customer: _Customer) -> None:
        """Rule 12, its end."""
        named_a_click = any(lead_event.event.click_id for lead_event in customer.joined)
        if not named_a_click and not customer.waiting:
            del self._customers[key]

    def _erase(self, key: CustomerKey) -> None:
        outcome = self._outcome
        for (workspace_id, _), click in self._clicks.items():
            theirs = [one for one in click.waiting if (workspace_id, one.event.customer) == key]
            for lead_event in theirs:
                click.waiting.remove(lead_event)
                if not click.bot:
                    self._report(*lead_event, Reason.SUPPRESSED)
        self._customers[key].erased = True  # what waits of this customer asks when its hold is over
        self._customers[key] = _Customer(erased=True)
        outcome.forgotten.add(key)
        outcome.customers.pop(key, None)
        erased = outcome.certain([key])
        outcome.leads, outcome.sales = erased.leads, erased.sales

    def _conclude(self, key: CustomerKey) -> Conclusion:
        customer = self._customers[key]
        clicks = self._clicks_of(key[0], customer)
        return conclude(customer.joined, customer.requests, customer.purchases.values(), clicks, self._policy)

    def _clicks_of(self, workspace_id: str, customer: _Customer) -> dict[str, ClickFacts]:
        clicks = {}
        for click_id in {lead_event.event.click_id or "" for lead_event in customer.joined} - {""}:
            counting = self._clicks[workspace_id, click_id].counting
            assert counting is not None  # noqa: S101 - narrows
            clicks[click_id] = counting
        return clicks

    def _report(self, event: Click | LeadEvent | Purchase, at_ms: int, reason: Reason) -> None:
        self._outcome.unmatched.add(not_matched(event, at_ms, reason))


def _remove(items: list[K], item: K) -> bool:
    """Whether it was there."""
    found = item in items
    if found:
        items.remove(item)
    return found
