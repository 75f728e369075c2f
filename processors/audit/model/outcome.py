"""What a model answers, and how the answers of the system are held against it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from msgspec.structs import replace

from processors.audit.model.documents import NOT_COUNTED
from schemas.events import AnyEvent, Click, LeadEvent, Purchase
from schemas.reasons import UnmatchedReason
from schemas.results import Customer, Lead, Sale, Unmatched
from schemas.times import rfc3339

Revised = TypeVar("Revised", Lead, Sale)
CustomerKey = tuple[str, str]
"""workspaceId, customerExternalId."""

AT_ONCE: Final = frozenset(
    {
        UnmatchedReason.CLICK_CONFLICT,
        UnmatchedReason.BOT_CLICK,
        UnmatchedReason.CONVERSION_TRACKING_DISABLED,
        UnmatchedReason.OUTSIDE_ATTRIBUTION_WINDOW,
    }
)
"""Reasons given when the event arrives, though a later event may yet make it count."""


class NotMatched(NamedTuple):
    """An event that led to nothing, apart from where it stood in Kafka."""

    workspace_id: str
    customer: str | None
    click_id: str | None
    event_name: str | None
    timestamp: str
    reason: UnmatchedReason

    def with_reason(self, reason: UnmatchedReason) -> "NotMatched":
        """The same event, given up for another reason."""
        return self._replace(reason=reason)


def not_matched(event: AnyEvent, at_ms: int, reason: UnmatchedReason) -> NotMatched:
    """The model's own report of an event."""
    return NotMatched(
        event.workspace_id,
        None if isinstance(event, Click) else event.customer,
        (event.click_id or None) if isinstance(event, Click | LeadEvent) else None,
        event.event_name if isinstance(event, LeadEvent | Purchase) else None,
        rfc3339(at_ms),
        reason,
    )


def reported(unmatched: Unmatched) -> NotMatched:
    """The system's report of an event, in the same terms."""
    return NotMatched(
        unmatched.workspace_id,
        unmatched.customer_external_id,
        unmatched.click_id,
        unmatched.event_name,
        unmatched.timestamp,
        unmatched.reason,
    )


@dataclass
class Outcome:
    """Leads and sales by id, customers by key; every ``revision`` is 0.

    ``contested``: customers about whom order matters after all, because a lead or a sale that was emitted is
    never withdrawn (rule 9) or because a bound (rule 16) was reached. Of them only so much is certain: every
    lead here was emitted under its id, perhaps with other content. See ``processors.audit.model.contested``.

    ``complete``: leads of contested customers, as they would be had no touch been forgotten. Once one has
    been emitted like that, nothing changes it.

    ``forgotten``: erased customers. What of theirs was unmatched depends on when the erasure came.
    """

    leads: dict[str, Lead] = field(default_factory=dict)
    sales: dict[str, Sale] = field(default_factory=dict)
    customers: dict[CustomerKey, Customer] = field(default_factory=dict)
    unmatched: set[NotMatched] = field(default_factory=set)
    contested: set[CustomerKey] = field(default_factory=set)
    complete: dict[str, Lead] = field(default_factory=dict, kw_only=True)
    forgotten: set[CustomerKey] = field(default_factory=set)

    def certain(self, contested: Iterable[CustomerKey] = ()) -> "Outcome":
        """Without the customers about whom order matters (``contested``: further ones)."""
        unsure = self.contested.union(contested)
        return Outcome(
            {key: lead for key, lead in self.leads.items() if key_of(lead) not in unsure},
            {key: sale for key, sale in self.sales.items() if key_of(sale) not in unsure},
            {key: status for key, status in self.customers.items() if key not in unsure},
            {one for one in self.unmatched if (one.workspace_id, one.customer) not in unsure},
            set(),
            {key for key in self.forgotten if key not in unsure},
        )


def key_of(result: Lead | Sale | Customer) -> CustomerKey:
    """Whose it is."""
    if isinstance(result, Customer):
        return result.workspace_id, result.customer_external_id
    return result.workspace_id, result.customer.external_id


def uncounted(results: Mapping[str, Revised]) -> dict[str, Revised]:
    """The system's leads or sales as the model writes them: without their revisions."""
    return {key: replace(result, revision=NOT_COUNTED) for key, result in results.items()}
