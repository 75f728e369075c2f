"""The reference model: slow, in batch, and obviously right.

Given everything that ever arrived, sorted and grouped, it applies docs/rules.md with plain loops. It assumes
that whatever an event waits for arrived within the hold; ``by_arrival`` does without that assumption.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from processors.audit.model.arrivals import Arrived
from processors.audit.model.contested import Known, Named, Naming, complete_leads, order_shows
from processors.audit.model.documents import customer_document, lead_document, sale_document
from processors.audit.model.outcome import CustomerKey, Outcome, not_matched
from processors.audit.model.rules import (
    Conclusion,
    LeadFact,
    ModelPolicy,
    PurchaseFact,
    click_content,
    click_that_counts,
    conclude,
    purchase_order,
    sale_of,
    touch_chosen,
)
from schemas.events import Click, Erasure, LeadEvent, Purchase
from schemas.ids import event_key
from schemas.reasons import UnmatchedReason as Reason
from schemas.results import ClickFacts


@dataclass
class _Workspace:
    """Clicks of one workspace by clickId: every content that was seen, then the one that counts."""

    contents: defaultdict[str, set[ClickFacts]] = field(default_factory=lambda: defaultdict(set))
    bots: set[str] = field(default_factory=set)
    counting: dict[str, ClickFacts] = field(default_factory=dict)
    naming: defaultdict[str, Naming] = field(default_factory=lambda: defaultdict(Naming))


@dataclass
class _Customer:
    """Facts about one customer, in the order in which they were given."""

    lead_events: list[LeadFact] = field(default_factory=list)
    purchases: list[PurchaseFact] = field(default_factory=list)
    size: int = 0
    erased: bool = False


class ReferenceModel:
    """docs/rules.md in batch."""

    def __init__(self, policy: ModelPolicy) -> None:
        self._policy = policy

    def compute(self, events: Iterable[Arrived]) -> Outcome:
        """The leads, sales and customers that these events end in, in whatever order they are given."""
        outcome = Outcome()
        workspaces: defaultdict[str, _Workspace] = defaultdict(_Workspace)
        customers: defaultdict[CustomerKey, _Customer] = defaultdict(_Customer)
        for arrived in events:
            event, at_ms = arrived.event, arrived.at_ms
            workspace = workspaces[event.workspace_id]
            if isinstance(event, Click):
                if event.bot:
                    workspace.bots.add(event.click_id)
                    outcome.unmatched.add(not_matched(event, at_ms, Reason.BOT_CLICK))
                else:
                    workspace.contents[event.click_id].add(click_content(event, at_ms))
                    workspace.naming[event.click_id].click_size += arrived.size
                continue
            customer = customers[event.workspace_id, event.customer]
            if isinstance(event, LeadEvent):
                fact = LeadFact(event, at_ms)
                customer.lead_events.append(fact)
                customer.size += arrived.size
                if event.click_id:
                    workspace.naming[event.click_id].add(fact, arrived.size, arrived.crowd)
            elif isinstance(event, Purchase):
                customer.purchases.append(PurchaseFact(event, at_ms))
                customer.size += arrived.size
            elif isinstance(event, Erasure):
                customer.erased = True
        for workspace in workspaces.values():
            for click_id, contents in workspace.contents.items():
                workspace.counting[click_id] = click_that_counts(contents)
        for key, customer in customers.items():
            if customer.erased:
                outcome.forgotten.add(key)
            else:
                self._customer(key, customer, workspaces[key[0]], outcome)
        return outcome

    def _customer(
        self, key: CustomerKey, customer: _Customer, workspace: _Workspace, outcome: Outcome
    ) -> None:
        policy, clicks = self._policy, workspace.counting
        reached = [one for one in customer.lead_events if reaches_customer(one, clicks)]
        requests = [one for one in reached if not one.event.deferred]
        conclusion = conclude(reached, requests, customer.purchases, clicks, policy)
        status = customer_document(*key, conclusion, policy)
        if status is not None:
            assert conclusion.person is not None  # noqa: S101 - narrows
            outcome.customers[key] = status
            for lead in conclusion.leads.values():
                document = lead_document(lead, conclusion.person, policy)
                outcome.leads[document.lead_id] = document
            for sale_id, (purchase, lead) in conclusion.sales.items():
                outcome.sales[sale_id] = sale_document(purchase, lead, conclusion.person, policy)
        clicks_named = {one.event.click_id for one in customer.lead_events if one.event.click_id}
        size = customer.size + sum(workspace.naming[click_id].click_size for click_id in clicks_named)
        known = Known(customer.lead_events, reached, customer.purchases, size, conclusion)
        named = Named(clicks, workspace.contents, workspace.naming)
        if order_shows(known, named, policy):
            outcome.contested.add(key)
            for lead in complete_leads(known, named, policy).values():
                assert conclusion.person is not None  # noqa: S101 - narrows
                document = lead_document(lead, conclusion.person, policy)
                outcome.complete[document.lead_id] = document
        self._unmatched(customer, workspace, conclusion, outcome)

    def _unmatched(
        self, customer: _Customer, workspace: _Workspace, conclusion: Conclusion, outcome: Outcome
    ) -> None:
        for lead_event in customer.lead_events:
            reason = self._why_no_lead(lead_event, workspace, conclusion)
            if reason is not None:
                outcome.unmatched.add(not_matched(*lead_event, reason))
        counting: dict[str, PurchaseFact] = {}
        for purchase in sorted(customer.purchases, key=purchase_order):
            counting.setdefault(sale_of(purchase), purchase)
        for sale_id, purchase in counting.items():
            if sale_id not in conclusion.sales:
                outcome.unmatched.add(not_matched(*purchase, Reason.NO_LEAD_FOR_PURCHASE))

    def _why_no_lead(
        self, lead_event: LeadFact, workspace: _Workspace, conclusion: Conclusion
    ) -> Reason | None:
        """Rules 4, 5, 6 and 10; None for an event that led to something."""
        event = lead_event.event
        if event.click_id and event.click_id not in workspace.counting:
            return Reason.BOT_CLICK if event.click_id in workspace.bots else Reason.CLICK_NOT_FOUND
        if event.click_id and all(touch.click_id != event.click_id for touch in conclusion.touches):
            return why_no_touch(workspace.counting[event.click_id])
        if event.deferred:
            return None if event.click_id else Reason.CLICK_NOT_FOUND
        if event_key(event.event_name) in conclusion.leads:
            return None
        touches, kept = conclusion.touches, conclusion.kept
        chosen = touch_chosen(lead_event, touches, kept, workspace.counting, self._policy)
        assert chosen is None  # noqa: S101 - the model would contradict itself
        return Reason.OUTSIDE_QUALIFICATION_WINDOW if conclusion.touches else Reason.NO_DEFERRED_LEAD


def reaches_customer(lead_event: LeadFact, clicks: Mapping[str, ClickFacts]) -> bool:
    """Rule 12: requests without a clickId, and every lead event whose click is known."""
    event = lead_event.event
    return event.click_id in clicks if event.click_id else not event.deferred


def why_no_touch(click: ClickFacts) -> Reason:
    """Rule 5."""
    if not click.track_conversion:
        return Reason.CONVERSION_TRACKING_DISABLED
    return Reason.OUTSIDE_ATTRIBUTION_WINDOW
