"""What is told of one customer, as JSON: by ``leadstream trace`` and by gateways."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from processors.attribution.explanation import Explanation


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


class Asked(Struct, frozen=True, kw_only=True, rename="camel"):
    """Of a process that traces. ``most_s``: it ends itself after so many seconds."""

    workspace_id: str
    customer_external_id: str
    most_s: float
