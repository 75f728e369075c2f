"""The pages beside the overview and the customers: events, partners, what was not counted."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from processors.gateway.analytics.counts import Groups
from processors.gateway.analytics.scopes import Scope
from processors.gateway.answers import Answer
from processors.gateway.dashboard import journeys, numbers, words
from processors.gateway.dashboard.cards import Card, card
from processors.gateway.dashboard.chart import earned
from processors.gateway.dashboard.events import Place, newest
from processors.gateway.dashboard.live import is_live
from processors.gateway.dashboard.models import MODELS, compared
from processors.gateway.dashboard.names import PLURALS, group_name
from processors.gateway.dashboard.reasons import said_of, told_of
from processors.gateway.dashboard.refusals import late_leads, not_counted, refused_events
from processors.gateway.dashboard.rows import rows_of
from processors.gateway.dashboard.state import METADATA, moment_in, query
from processors.gateway.dashboard.views import (
    EVENTS,
    EVENTS_LIVE,
    NOT_COUNTED,
    PAGE,
    PARTNERS,
    Door,
    Visit,
)
from processors.gateway.dashboard.waits import MOST_COMPARED, buckets, waits

_MOST_GROUPS: Final = 100
_MOST_REFUSED: Final = 100
_LATE: Final = "late"


class Lists:
    """Handlers."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def _page(self, visit: Visit, template: str, told: Mapping[str, Any]) -> Answer:
        return self._door.pages.answer(visit.call.request, template, told)

    async def events(self, visit: Visit) -> Answer:
        """All columns, newest first."""
        state, period = visit.state, visit.period()
        scope = visit.scope(period)
        given = visit.given
        after = _place(given.get("after", ""))
        found = await card(newest(self._door.ask, scope, state["kind"], PAGE + 1, after))
        shown = [*(found.found or ())][:PAGE]
        older = ""
        if found.found and len(found.found) > PAGE:
            last = shown[-1]
            older = query([*state.pairs, ("after", f"{last.at_ms}.{last.kind}.{last.id}")])
        told = visit.told(
            EVENTS,
            "Events",
            period,
            card=found,
            rows=rows_of(shown, period.now),
            older=older,
            is_first=after is None,
            most_rows=PAGE,
            live=visit.base + EVENTS_LIVE + state.same if after is None and is_live(period, state) else "",
        )
        return self._page(visit, "events.html", told)

    async def partners(self, visit: Visit) -> Answer:
        """Whose sign-ups qualify, of which week, how fast, by which model, and of which metadata."""
        state, period = visit.state, visit.period()
        scope, ask = visit.scope(period), self._door.ask
        async with asyncio.TaskGroup() as asked:
            groups = asked.create_task(card(numbers.groups(ask, scope, state["groupBy"], _MOST_GROUPS)))
            weeks = asked.create_task(card(journeys.weeks(ask, scope, state.timezone, visit.now_ms)))
            waited = asked.create_task(card(waits(ask, scope, MOST_COMPARED)))
            metadata = asked.create_task(self._metadata(scope, state[METADATA]))
            models = asked.create_task(card(compared(ask, scope, "partner_id", MOST_COMPARED)))
        told = visit.told(
            PARTNERS,
            "Partners",
            period,
            groups=groups.result(),
            weeks=weeks.result(),
            waits=waited.result(),
            buckets=buckets,
            metadata=metadata.result(),
            models=models.result(),
            model_names=MODELS,
            group_name=group_name,
            plural=PLURALS[state["groupBy"]],
            earned=earned,
            full=True,
        )
        return self._page(visit, "partners.html", told)

    async def _metadata(self, scope: Scope, key: str) -> Card[Groups] | None:
        return await card(numbers.by_metadata(self._door.ask, scope, key, MOST_COMPARED)) if key else None

    async def refused(self, visit: Visit) -> Answer:
        """By reason, and the events of one."""
        period = visit.period()
        scope, ask, reason = visit.scope(period), self._door.ask, visit.given.get("reason", "")
        late = reason == _LATE
        async with asyncio.TaskGroup() as asked:
            reasons = asked.create_task(card(not_counted(ask, scope)))
            events = asked.create_task(card(refused_events(ask, scope, reason=reason, most=_MOST_REFUSED)))
            leads = asked.create_task(card(late_leads(ask, scope, _MOST_REFUSED)))
        found = reasons.result().found
        told = visit.told(
            NOT_COUNTED,
            "Not counted",
            period,
            reasons=reasons.result(),
            told=told_of(found) if found else None,
            reason=reason,
            said=said_of(reason) if reason and not late else None,
            late=late,
            card=leads.result() if late else events.result(),
            events=[
                (one, said_of(one.reason), words.moment_of(one.at_ms, visit.now))
                for one in (() if late else events.result().found or ())
            ],
            leads=[
                (one, words.moment_of(one.emitted_ms, visit.now), words.moment_of(one.at_ms, visit.now))
                for one in ((leads.result().found or ()) if late else ())
            ],
            most=_MOST_REFUSED,
            exports=None,
        )
        if reason:
            told["links"] |= {"again": told["url"] + visit.state.reason(reason)}
        if found:
            told["refused_events"] = told["told"].events
        return self._page(visit, "not_counted.html", told)


def _place(text: str) -> Place | None:
    at, _, rest = text.partition(".")
    kind, _, name = rest.partition(".")
    at_ms = moment_in(at)
    return Place(at_ms, kind, name) if at_ms is not None and kind and name else None
