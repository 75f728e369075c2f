"""About whom the hold may have decided: something came so late that what waited for it may be given up."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from processors.audit.model.arrivals import Arrived
from processors.audit.model.outcome import CustomerKey
from schemas.events import Click, Erasure, LeadEvent, Purchase


@dataclass
class _Times:
    """Arrivals about one customer. ``waits``: of what may wait; ``brings``: of what may end the wait."""

    waits: list[int] = field(default_factory=list)
    brings: list[int] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    purchases: list[int] = field(default_factory=list)

    def late(self, hold_ms: int) -> bool:
        waits = [*self.waits, *self.requests, *self.purchases]
        brings = [*self.brings, *(self.requests if self.purchases else ())]
        return bool(waits and brings) and min(waits) + hold_ms <= max(brings)


def beyond_hold(events: Iterable[Arrived], hold_ms: int) -> set[CustomerKey]:
    """Customers of whom anything that may end a wait came a hold or more after anything that may wait.

    Of all others both models say the same. Errs on the side of naming too many.
    """
    clicks: dict[tuple[str, str], int] = {}
    lead_events: list[tuple[LeadEvent, int]] = []
    customers: defaultdict[CustomerKey, _Times] = defaultdict(_Times)
    for event, _, arrived_ms in ((one.event, one.at_ms, one.arrived_ms) for one in events):
        match event:
            case Click():
                if not event.bot:
                    key = event.workspace_id, event.click_id
                    clicks[key] = min(arrived_ms, clicks.get(key, arrived_ms))
            case LeadEvent():
                lead_events.append((event, arrived_ms))
            case Purchase():
                customers[event.workspace_id, event.customer].purchases.append(arrived_ms)
            case Erasure():
                pass
    for event, arrived_ms in lead_events:
        times = customers[event.workspace_id, event.customer]
        if event.click_id:
            clicked_ms = clicks.get((event.workspace_id, event.click_id))
            if clicked_ms is None:
                continue
            joined_ms = max(arrived_ms, clicked_ms)
            times.brings.append(joined_ms)
            if clicked_ms > arrived_ms:
                times.waits.append(arrived_ms)
            if not event.deferred:
                times.requests.append(joined_ms)
        elif not event.deferred:
            times.requests.append(arrived_ms)
    return {key for key, times in customers.items() if times.late(hold_ms)}
