"""The trace of a customer, as a page: each fact that the workers hold, and what became of it."""

from datetime import datetime, tzinfo
from typing import Final

from markupsafe import Markup

from processors.gateway.answers import Answer
from processors.gateway.customers.tracing import Tracing
from processors.gateway.dashboard import words
from processors.gateway.dashboard.views import TRACE, Door, Visit

_STATUSES: Final = {
    "unknown": "Unknown",
    "erased": "Erased",
    "waiting": "Waits for its click",
    "pending": "Waits",
    "qualified": "Qualified",
}


class Traces:
    """Handler."""

    def __init__(self, door: Door, tracing: Tracing) -> None:
        self._door = door
        self._tracing = tracing

    async def show(self, visit: Visit) -> Answer:
        """Takes seconds. What is known of nobody, or cannot be traced now, is a page that says so."""
        name = visit.given.get("id", "")
        trace = await self._tracing.of(visit.call.request, visit.workspace_id, name)
        told = visit.told(
            TRACE,
            "Trace",
            None,
            external_id=name,
            trace=trace,
            found=trace.explanation,
            status=_STATUSES.get(trace.status, trace.status),
            moment=_Moments(visit.now),
            money=words.money,
        )
        return self._door.pages.answer(visit.call.request, "trace.html", told)


class _Moments:
    """Times as events write them, as people read them."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._zone: tzinfo | None = now.tzinfo

    def __call__(self, written: str | None) -> Markup | str:
        if not written:
            return ""
        return words.moment(datetime.fromisoformat(written).astimezone(self._zone), self._now)
