"""The pages beside the overview: events, customers and the story of each, partners, what was not counted."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from processors.gateway.analytics.scopes import Scope
from processors.gateway.answers import Answer
from processors.gateway.dashboard import journeys, numbers, words
from processors.gateway.dashboard.assets import ROOT
from processors.gateway.dashboard.cards import card
from processors.gateway.dashboard.chart import earned
from processors.gateway.dashboard.events import Place, newest
from processors.gateway.dashboard.live import is_live
from processors.gateway.dashboard.models import MODELS, compared
from processors.gateway.dashboard.names import PLURALS, group_name
from processors.gateway.dashboard.people import STATUSES, Wanted, people, person, revisions
from processors.gateway.dashboard.reasons import said_of, told_of
from processors.gateway.dashboard.refusals import late_leads, not_counted, refused_events
from processors.gateway.dashboard.rows import rows_of
from processors.gateway.dashboard.state import CLICKED, YES, query
from processors.gateway.dashboard.story import decision, story
from processors.gateway.dashboard.views import (
    CUSTOMER,
    CUSTOMERS,
    EVENTS,
    EVENTS_LIVE,
    NOT_COUNTED,
    PARTNERS,
    Door,
    Visit,
)

PAGE: Final = 50
_MOST_GROUPS: Final = 100
_MOST_COMPARED: Final = 20
_MOST_REFUSED: Final = 100
_MOST_REVISIONS: Final = 200
_MOST_STORY: Final = 200
_LATE: Final = "late"
_FOR_EVER_MS: Final = 4_102_444_800_000
_MOST_DAYS: Final = 100_000


class Lists:
    """Handlers."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def _page(self, visit: Visit, template: str, told: Mapping[str, Any], status: int = 200) -> Answer:
        return self._door.pages.answer(visit.call.request, template, told, status)

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
            live=visit.base + EVENTS_LIVE + state.same if after is None and is_live(period, state) else "",
        )
        return self._page(visit, "events.html", told)

    async def customers(self, visit: Visit) -> Answer:
        """Who waits first."""
        given, state = visit.given, visit.state
        wanted, scope = wanted_people(visit)
        found = await card(people(self._door.ask, scope, wanted, visit.now_ms, PAGE + 1))
        shown = [*(found.found.shown if found.found else ())]
        chosen = [(name, given[name]) for name in ("status", "minAge", "maxAge", "search") if given.get(name)]
        filters = [(one.field, one.written) for one in state.filters]
        in_period = [*state.dated_pairs, (CLICKED, YES)]
        kept = [*(in_period if wanted.clicked else state.zone_pairs), *filters]
        older = ""
        if len(shown) > PAGE:
            last = shown[PAGE - 1]
            older = query([*kept, *chosen, ("after", f"{last.status}.{last.signed_ms}.{last.id}")])
        now = visit.now
        told = visit.told(
            CUSTOMERS,
            "Customers",
            None,
            card=found,
            people=[_row(one, now) for one in shown[:PAGE]],
            there_are=found.found.there_are if found.found else 0,
            wanted=wanted,
            ages=_ages(wanted.ages),
            statuses=STATUSES,
            status_links={
                one: visit.base
                + CUSTOMERS
                + query([*kept, *(pair for pair in chosen if pair[0] != "status"), *_status(one)])
                for one in STATUSES
            },
            unaged=query([*kept, *(pair for pair in chosen if pair[0] not in ("minAge", "maxAge"))]),
            clicked=visit.period().written if wanted.clicked else "",
            unclicked=query([*state.zone_pairs, *filters, *chosen]),
            unsearched=query([*kept, *(pair for pair in chosen if pair[0] != "search")]),
            older=older,
            all_of_them=f"{visit.base}{ROOT}/customers.csv{query([*kept, *chosen])}",
            is_first=wanted.after is None,
            searched=wanted.search,
        )
        return self._page(visit, "customers.html", told)

    async def customer(self, visit: Visit) -> Answer:
        """His story, and the decision."""
        ask, workspace_id, now = self._door.ask, visit.workspace_id, visit.now
        name = visit.given.get("id", "")
        scope = Scope(workspace_id, 0, _FOR_EVER_MS)
        async with asyncio.TaskGroup() as asked:
            who = asked.create_task(card(person(ask, workspace_id, name)))
            events = asked.create_task(card(newest(ask, scope, "all", _MOST_STORY, customer=name)))
            refused = asked.create_task(card(refused_events(ask, scope, customer=name or "\0")))
            published = asked.create_task(card(revisions(ask, workspace_id, name, _MOST_REVISIONS)))
        found = who.result()
        told = visit.told(
            CUSTOMER, name or "Customer", None, card=found, external_id=name, person=found.found
        )
        if found.found:
            told |= {
                "story": story(found.found, events.result().found or (), refused.result().found or (), now),
                "decision": decision(found.found),
                "revisions": [
                    (one, _moment(one.emitted_ms, now), _moment(one.at_ms, now))
                    for one in published.result().found or ()
                ],
                "partial": any(one.result().failure for one in (events, refused, published)),
            }
        elif not found.failure:
            told["refused"] = [
                (one, said_of(one.reason), _moment(one.at_ms, now)) for one in refused.result().found or ()
            ]
        return self._page(
            visit, "customer.html", told, 404 if found.found is None and not found.failure else 200
        )

    async def partners(self, visit: Visit) -> Answer:
        """Whose sign-ups qualify, of which week, and by which model."""
        state, period = visit.state, visit.period()
        scope, ask = visit.scope(period), self._door.ask
        async with asyncio.TaskGroup() as asked:
            groups = asked.create_task(card(numbers.groups(ask, scope, state["groupBy"], _MOST_GROUPS)))
            weeks = asked.create_task(card(journeys.weeks(ask, scope, state.timezone, visit.now_ms)))
            models = asked.create_task(card(compared(ask, scope, "partner_id", _MOST_COMPARED)))
        told = visit.told(
            PARTNERS,
            "Partners",
            period,
            groups=groups.result(),
            weeks=weeks.result(),
            models=models.result(),
            model_names=MODELS,
            group_name=group_name,
            plural=PLURALS[state["groupBy"]],
            earned=earned,
            full=True,
        )
        return self._page(visit, "partners.html", told)

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
                (one, said_of(one.reason), _moment(one.at_ms, visit.now))
                for one in (() if late else events.result().found or ())
            ],
            leads=[
                (one, _moment(one.emitted_ms, visit.now), _moment(one.at_ms, visit.now))
                for one in ((leads.result().found or ()) if late else ())
            ],
            most=_MOST_REFUSED,
            exports=None,
        )
        if found:
            told["refused_events"] = told["told"].events
        return self._page(visit, "not_counted.html", told)


def wanted_people(visit: Visit) -> tuple[Wanted, Scope]:
    """As the address of a list of customers says it."""
    given = visit.given
    wanted = Wanted(
        status=given.get("status", "") if given.get("status") in STATUSES else "",
        ages=(_days(given.get("minAge")), _days(given.get("maxAge"))),
        search=given.get("search", "").strip()[:200],
        clicked=given.get(CLICKED) == YES,
        after=_after(given.get("after", "")),
    )
    if wanted.clicked:
        return wanted, visit.scope(visit.period())
    return wanted, Scope(visit.workspace_id, 0, _FOR_EVER_MS, visit.state.filters)


def _row(one: Any, now: datetime) -> tuple[Any, Any, str]:
    until = one.qualified_ms or int(now.timestamp() * 1000)
    return one, _moment(one.signed_ms, now), words.duration((until - one.signed_ms) / 1000)


def _moment(ms: int, now: datetime) -> Any:
    return words.moment(datetime.fromtimestamp(ms / 1000, now.tzinfo), now)


def _status(status: str) -> list[tuple[str, str]]:
    return [("status", status)] if status else []


def _ages(ages: tuple[int | None, int | None]) -> str:
    least, most = ages
    if least is None and most is None:
        return ""
    if most is None:
        return f"{least} days or more"
    return f"less than {most} days" if not least else f"{least} to {most} days"


def _days(text: str | None) -> int | None:
    return min(int(text), _MOST_DAYS) if text and text.isascii() and text.isdigit() else None


def _place(text: str) -> Place | None:
    at, _, rest = text.partition(".")
    kind, _, name = rest.partition(".")
    return Place(int(at), kind, name) if _is_ms(at) and kind and name else None


def _after(text: str) -> tuple[str, int, str] | None:
    status, _, rest = text.partition(".")
    at, _, name = rest.partition(".")
    return (status, int(at), name) if status and _is_ms(at) and name else None


def _is_ms(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
