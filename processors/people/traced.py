"""What is told of one customer, and of all that waits, as JSON: by ``leadstream trace`` and by gateways."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from processors.attribution.explanation import Explanation, Waiting


class HeldAt(Struct, frozen=True, kw_only=True, rename="camel"):
    """The record of the changelog that has the state."""

    topic: str
    partition: int
    offset: int
    written_at: str


class Trace(Struct, frozen=True, kw_only=True, rename="camel"):
    """``explanation``: what the workers hold, and why; None: they could not be asked. ``state``: where that
    is from; None: they hold nothing.

    ``clickhouse``: by view (``customers``, ``leads``, ``sales``, ``unmatched``) its newest rows, at most 100,
    by column; None: it could not be asked. ``similar``: ids that differ in upper and lower case only: other
    customers. ``backlog``: records that are not processed where events of the customer come, by topic: what
    is told may change soon. ``notes``: who could not be asked.
    """

    workspace_id: str
    customer_external_id: str
    customer_id: str
    status: str
    similar: Sequence[str]
    backlog: Mapping[str, int]
    explanation: Explanation | None
    state: HeldAt | None
    clickhouse: Mapping[str, Sequence[Mapping[str, Any]]] | None
    notes: Sequence[str]

    @property
    def known(self) -> bool:
        """Has anybody heard of this customer?"""
        held = self.explanation is not None and self.explanation.status != "unknown"
        return held or any((self.clickhouse or {}).values())


class HeldEvents(Struct, frozen=True, kw_only=True, rename="camel"):
    """What waits for an event that it needs. ``events``: the soonest to be given up first, as many as were
    asked for; ``reasons``: how many there are in all, by the reason with which they would be given up.
    ``complete``: false when there are more than one look keeps in mind; these are some of them.
    """

    as_of: str
    events: Sequence[Waiting]
    reasons: Mapping[str, int]
    complete: bool


class Asked(Struct, frozen=True, kw_only=True, rename="camel", tag_field="about", tag="customer"):
    """Of a process that looks into what workers hold: one customer. ``most_s``: it ends itself after so many
    seconds."""

    workspace_id: str
    customer_external_id: str
    most_s: float


class AskedHeld(Struct, frozen=True, kw_only=True, rename="camel", tag_field="about", tag="held"):
    """What waits, ``most`` events of it."""

    workspace_id: str
    most: int
    most_s: float
