"""The list of events, as they come: rows as the page has them, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Final

from processors.gateway.analytics.filters import Filter, hold
from processors.gateway.analytics.records import Happened, happened
from processors.gateway.answers import Answer
from processors.gateway.dashboard.events import ALL, Event
from processors.gateway.dashboard.periods import Period
from processors.gateway.dashboard.rows import rows_of
from processors.gateway.dashboard.state import State, read
from processors.gateway.dashboard.views import PAGE, Door, Visit
from processors.gateway.live import Live, Record, Watcher
from processors.gateway.streaming import message, since, stream

LOOKED_AT: Final = 1_000
"""Records at once; of those that are shown only the last ones go out: no more stay on a page."""
_MOST_KEPT: Final = 2_000
"""Rows, for others who look at the same page."""
_SAME: Final = frozenset(one.name for one in fields(Event)) - {"kind", "name", "customer", "recurring"}


def is_live(period: Period, state: State) -> bool:
    """Can a list of this say what happens now? Not which sale is a customer's first."""
    return period.running is not None and all(one.is_live for one in state.filters)


@dataclass(frozen=True)
class _Watched:
    """What a page shows. ``start_ms``: of its period."""

    state: State
    filters: Sequence[Filter]
    start_ms: int

    def shows(self, record: Record, workspace_id: str) -> bool:
        found, kind = happened(record), self.state["kind"]
        if found is None or found.workspace_id != workspace_id or kind not in (ALL, found.kind.value):
            return False
        return found.event.at_ms >= self.start_ms and hold(self.filters, found.kind, found.event)


class LiveRows:
    """A handler of the view at ``here``. ``full``: with every column there is."""

    def __init__(self, door: Door, live: Live, here: str, *, full: bool) -> None:
        self._door, self._live = door, live
        self._url, self._full = door.base + here, full
        self._row = lru_cache(_MOST_KEPT)(self._drawn)

    async def open(self, visit: Visit) -> Answer:
        """Until the page is left, or the gateway ends. It begins with what came a moment ago: the page has
        that already, or its store has not."""
        watched = _Watched(visit.state, visit.state.filters, visit.period().span.start_ms)
        watcher = self._live.watch(visit.workspace_id, since(visit.call.request), recent=True)
        query: bytes = visit.call.request.scope["query_string"]

        def tell(watcher: Watcher) -> bytes:
            shown = [one for one in watcher.take(LOOKED_AT) if watched.shows(one, watcher.workspace_id)]
            rows = "".join(self._row(query, one) for one in shown[-PAGE:])
            return message(rows.encode(), watcher.position) if rows else b""

        return stream(visit.call.request, watcher, tell, lambda: self._door.is_open(visit))

    def _drawn(self, query: bytes, record: Record) -> str:
        found, state = happened(record), read(query)
        assert found is not None  # noqa: S101 - narrows: it is shown
        told = {
            "state": state,
            "rows": rows_of([_listed(found)], datetime.now(state.zone)),
            "url": self._url,
            "full": self._full,
        }
        return self._door.pages.rendered("event.html", told)


def _listed(found: Happened) -> Event:
    """As the list has it. Whether a sale recurs, the store says."""
    event = found.event
    return Event(
        kind=found.kind.value,
        name=event.event_name,
        customer=event.customer_external_id,
        recurring=False,
        **{name: getattr(event, name) for name in _SAME},
    )
