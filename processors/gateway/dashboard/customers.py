"""Customers: the list of them, and the story of each."""

import asyncio
from datetime import datetime
from typing import Any, Final

from processors.gateway.analytics.scopes import Scope
from processors.gateway.answers import Answer
from processors.gateway.dashboard import words
from processors.gateway.dashboard.assets import ROOT
from processors.gateway.dashboard.cards import card
from processors.gateway.dashboard.events import newest
from processors.gateway.dashboard.people import STATUSES, Wanted, people, person, revisions
from processors.gateway.dashboard.reasons import said_of
from processors.gateway.dashboard.refusals import refused_events
from processors.gateway.dashboard.state import CLICKED, YES, moment_in, query
from processors.gateway.dashboard.story import decision, story
from processors.gateway.dashboard.views import CUSTOMER, CUSTOMERS, PAGE, Door, Visit

_MOST_REVISIONS: Final = 200
_MOST_STORY: Final = 200
_FOR_EVER_MS: Final = 4_102_444_800_000
_MOST_DAYS: Final = 100_000


class Customers:
    """Handlers."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def all(self, visit: Visit) -> Answer:
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
            unfiltered=[
                (one, query([*(pair for pair in kept if pair[0] != one.field), *chosen]))
                for one in state.filters
            ],
            unaged=query([*kept, *(pair for pair in chosen if pair[0] not in ("minAge", "maxAge"))]),
            clicked=visit.period().written if wanted.clicked else "",
            unclicked=query([*state.zone_pairs, *filters, *chosen]),
            unsearched=query([*kept, *(pair for pair in chosen if pair[0] != "search")]),
            older=older,
            all_of_them=f"{visit.base}{ROOT}/customers.csv{query([*kept, *chosen])}",
            is_first=wanted.after is None,
            searched=wanted.search,
        )
        told["links"] |= {"again": told["url"] + query([*kept, *chosen])}
        return self._door.pages.answer(visit.call.request, "customers.html", told)

    async def one(self, visit: Visit) -> Answer:
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
                    (one, words.moment_of(one.emitted_ms, now), words.moment_of(one.at_ms, now))
                    for one in published.result().found or ()
                ],
                "partial": any(one.result().failure for one in (events, refused, published)),
            }
        elif not found.failure:
            told["refused"] = [
                (one, said_of(one.reason), words.moment_of(one.at_ms, now))
                for one in refused.result().found or ()
            ]
        status = 404 if found.found is None and not found.failure else 200
        return self._door.pages.answer(visit.call.request, "customer.html", told, status)


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
    return one, words.moment_of(one.signed_ms, now), words.duration((until - one.signed_ms) / 1000)


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


def _after(text: str) -> tuple[str, int, str] | None:
    status, _, rest = text.partition(".")
    at, _, name = rest.partition(".")
    at_ms = moment_in(at)
    return (status, at_ms, name) if status and at_ms is not None and name else None
