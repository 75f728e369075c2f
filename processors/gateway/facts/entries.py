"""What is kept of clicks, customers and sales."""

from msgspec import Struct, field

from processors.gateway.known import KnownLink
from schemas.links import Link


class ClickEntry(Struct, frozen=True, gc=False):
    """A click of somebody who is no bot. ``link``: as the registry had it when the click came, which all
    clicks of it share; as the click has it when the registry had none."""

    at_ms: int
    tracked: bool
    link: KnownLink | Link


class Standing(Struct, frozen=True, gc=False):
    """A customer as a worker has published it. Times in epoch milliseconds; ``click``: of ``click_id``."""

    requested: bool
    deferred_ms: int
    first_seen_ms: int
    click_id: str
    click: ClickEntry
    name: str | None = None
    email: str | None = None
    avatar: str | None = None


Said = tuple[int, str] | None
"""When something was said of the customer, and what; the least one counts."""


class PersonEntry(Struct, gc=False):
    """What events and results of late say of a customer. ``named``: by click id, when the earliest lead event
    happened that names the click."""

    erased: bool = False
    requested: bool = False
    named: dict[str, int] = field(default_factory=dict)
    name: Said = None
    email: Said = None
    avatar: Said = None
    standing: Standing | None = None


class SaleEntry(Struct, frozen=True, order=True, gc=False):
    """A purchase. The least one with an invoice counts (docs/rules.md, 14)."""

    at_ms: int
    amount: int
    currency: str
    event_name: str
    payment_processor: str
    metadata: str


def earlier(one: Said, other: Said) -> Said:
    """The one that was said first."""
    return min(one, other) if one and other else one or other
