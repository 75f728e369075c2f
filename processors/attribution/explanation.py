"""What :mod:`.explaining` answers: why a customer has its leads, or has none. As JSON, in camelCase."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from schemas.reasons import UnmatchedReason
from schemas.results import LeadCustomer

Status = Literal["unknown", "erased", "waiting", "pending", "qualified"]
"""``waiting``: events are held, none has made a touch. ``pending``, ``qualified``: rule 13."""


class ExplainedTouch(Struct, frozen=True, kw_only=True, rename="camel"):
    """A click that lead events of the customer named. ``deferred_at`` null: it makes no touch."""

    click_id: str
    clicked_at: str
    link_id: str | None
    partner_id: str | None
    lead_events: Sequence[str]
    deferred_at: str | None
    why: str


class Candidate(Struct, frozen=True, kw_only=True, rename="camel"):
    """A touch, as one request sees it (rule 8)."""

    click_id: str
    deferred_at: str
    eligible: bool
    chosen: bool
    why: str


class ExplainedRequest(Struct, frozen=True, kw_only=True, rename="camel"):
    """A request: it makes the lead ``lead_id``, or waits until ``waits_until`` for a touch.

    Neither when it made the lead, which then lost its touch: see :attr:`Explanation.kept`.
    """

    event_name: str
    timestamp: str
    event_id: str | None
    click_id: str | None
    lead_id: str
    revision: int | None
    makes_lead: bool
    waits_until: str | None
    why: str
    candidates: Sequence[Candidate]


class ExplainedPurchase(Struct, frozen=True, kw_only=True, rename="camel"):
    """A purchase: it is the sale of ``lead_id``, or waits until ``waits_until`` for a lead."""

    sale_id: str
    timestamp: str
    amount: int
    currency: str
    invoice_id: str | None
    lead_id: str | None
    revision: int | None
    waits_until: str | None
    why: str


class ExplainedWait(Struct, frozen=True, kw_only=True, rename="camel"):
    """A lead event that waits for its click, which nobody has seen yet."""

    click_id: str
    waits_until: str
    why: str


class Explanation(Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything that is held of one customer. ``summary``: the decision in one sentence.

    ``kept``: leads that were emitted and that the facts no longer carry; they are never withdrawn (rule 9).
    """

    workspace_id: str
    customer: LeadCustomer | None
    customer_id: str
    customer_external_id: str
    status: Status
    summary: str
    attribution_model: str
    touches: Sequence[ExplainedTouch] = ()
    requests: Sequence[ExplainedRequest] = ()
    purchases: Sequence[ExplainedPurchase] = ()
    waits: Sequence[ExplainedWait] = ()
    kept: Sequence[str] = ()


class Waiting(Struct, frozen=True, kw_only=True, rename="camel"):
    """An event that waits. ``timestamp``: when it happened; ``held_since``: when a worker took it.

    ``reason``: with which it is reported as unmatched should nothing change until ``given_up_at``.
    """

    reason: UnmatchedReason
    customer_external_id: str
    click_id: str | None
    event_name: str | None
    timestamp: str
    held_since: str
    given_up_at: str
