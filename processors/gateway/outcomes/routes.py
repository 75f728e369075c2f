"""The calls that tell what became of events."""

from functools import partial
from typing import Final

from processors.gateway.answers import Answer, ApiError, Code
from processors.gateway.asking import Ask, within
from processors.gateway.known import Facts
from processors.gateway.outcomes.held import HeldQuery, Holding
from processors.gateway.outcomes.refused import (
    DeadLetter,
    DeadLettersQuery,
    Unmatched,
    UnmatchedQuery,
    dead_letters,
    unmatched,
)
from processors.gateway.outcomes.revisions import Revision, revisions
from processors.gateway.places import NEXT, Place
from processors.gateway.routing import Call, Opens, Route
from processors.people.traced import HeldEvents
from schemas.reasons import UnmatchedReason

PATIENCE_S: Final = 4.0
"""Python's SDK gives up after 5."""


class Outcomes:
    """Handlers. ``ask``: as ``Stored.rows``; every method raises what it raises."""

    def __init__(self, ask: Ask, facts: Facts, holding: Holding, patience_s: float = PATIENCE_S) -> None:
        self._ask, self._facts, self._holding = within(patience_s, ask), facts, holding

    async def revisions(self, call: Call) -> list[Revision]:
        """Of one lead."""
        workspace_id = call.of.workspace_id
        found = await revisions(self._ask, workspace_id, call.path["id"])
        if not found or await self._is_erased(workspace_id, found[0].customer_external_id):
            raise ApiError(Code.NOT_FOUND, "Lead not found.")
        return found

    async def unmatched(self, call: Call) -> Answer:
        """A page. Of who is being erased only that there was something."""
        workspace_id = call.of.workspace_id
        found, following = await unmatched(self._ask, workspace_id, call.query)
        shown = [
            one
            for one in found
            if one.reason == UnmatchedReason.SUPPRESSED
            or not await self._is_erased(workspace_id, one.customer_external_id)
        ]
        return _page(shown, following)

    async def dead_letters(self, call: Call) -> Answer:
        """A page."""
        return _page(*await dead_letters(self._ask, call.of.workspace_id, call.query))

    async def held(self, call: Call) -> HeldEvents:
        """What may lead to something yet."""
        return await self._holding.of(call.request, call.of.workspace_id, call.query.limit)

    async def _is_erased(self, workspace_id: str, external_id: str | None) -> bool:
        """An erasure that was accepted counts before the rows are gone."""
        if not external_id:
            return False
        known = await self._facts.customer(workspace_id, external_id, wait=False)
        return known is not None and known.erased


def _page(shown: object, following: Place | None) -> Answer:
    return Answer(shown, headers={NEXT: following.written} if following else {})


def outcome_routes(ask: Ask, facts: Facts, holding: Holding) -> list[Route]:
    """``ask``: as ``Stored.rows``."""
    calls = Outcomes(ask, facts, holding)
    route = partial(Route, method="GET", opens=Opens.SECRET, tag="Outcomes")
    return [
        route(
            path="/leads/{id}/revisions",
            handle=calls.revisions,
            answer=list[Revision],
            errors=(Code.NOT_FOUND,),
            summary="Every revision of a lead, the newest first",
        ),
        route(
            path="/unmatched",
            handle=calls.unmatched,
            query=UnmatchedQuery,
            answer=list[Unmatched],
            errors=(Code.UNPROCESSABLE_ENTITY,),
            summary="Events that led to nothing, and why, the latest first",
        ),
        route(
            path="/dead-letters",
            handle=calls.dead_letters,
            query=DeadLettersQuery,
            answer=list[DeadLetter],
            errors=(Code.UNPROCESSABLE_ENTITY,),
            summary="Records that could not be used, and why, the latest first",
        ),
        route(
            path="/held",
            handle=calls.held,
            query=HeldQuery,
            answer=HeldEvents,
            errors=(Code.UNPROCESSABLE_ENTITY,),
            summary="Events that wait for another one, and until when; takes seconds, one at a time",
        ),
    ]
