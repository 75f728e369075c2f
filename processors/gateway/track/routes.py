"""The four track calls that report what a customer did."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import uuid4

from processors.gateway.answers import Code, TryAgain
from processors.gateway.known import Facts, Publisher
from processors.gateway.routing import Call, Handle, Opens, Route
from processors.gateway.track.answering import LeadAnswer, SaleAnswer
from processors.gateway.track.bodies import ClientLeadBody, ClientSaleBody, LeadBody, SaleBody
from processors.gateway.track.finding import Finder, LinkById
from processors.gateway.track.lead import TrackLead
from processors.gateway.track.sale import TrackSale

PATIENCE_S: Final = 4.7
"""Clients give up after 5 s, and then do not hear that they may try again."""


def _new_id() -> str:
    return uuid4().hex


def _in_time(handle: Handle) -> Handle:
    """A call asks for one thing after the other, and each may take some seconds."""

    async def handle_in_time(call: Call) -> Any:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await handle(call)
        except TimeoutError:
            raise TryAgain("It took too long, and may have been recorded all the same. Try again.") from None

    return handle_in_time


def track_routes(
    *, facts: Facts, publisher: Publisher, link_by_id: LinkById, new_id: Callable[[], str] = _new_id
) -> list[Route]:
    """``link_by_id``: of the registry; whose the link is, is checked here. ``new_id``: see ``TrackSale``."""
    finder = Finder(facts, link_by_id)
    lead = _in_time(TrackLead(finder, facts, publisher))
    sale = _in_time(TrackSale(finder, facts, publisher, new_id))
    route = partial(Route, method="POST", tag="Track", idempotent=True)
    return [
        route(
            path="/track/lead",
            opens=Opens.SECRET,
            handle=lead,
            body=LeadBody,
            answer=LeadAnswer,
            summary="Report a lead: a sign-up, deferred or not, or its qualification",
            errors=(Code.BAD_REQUEST, Code.FORBIDDEN, Code.NOT_FOUND),
        ),
        route(
            path="/track/sale",
            opens=Opens.SECRET,
            handle=sale,
            body=SaleBody,
            answer=SaleAnswer,
            summary="Report a sale",
            errors=(Code.BAD_REQUEST, Code.FORBIDDEN, Code.NOT_FOUND),
        ),
        route(
            path="/track/lead/client",
            opens=Opens.PUBLISHABLE,
            handle=lead,
            body=ClientLeadBody,
            answer=LeadAnswer,
            summary="Report a lead from a page",
            errors=(Code.BAD_REQUEST, Code.FORBIDDEN, Code.NOT_FOUND),
        ),
        route(
            path="/track/sale/client",
            opens=Opens.PUBLISHABLE,
            handle=sale,
            body=ClientSaleBody,
            answer=SaleAnswer,
            summary="Report a sale from a page",
            errors=(Code.FORBIDDEN, Code.NOT_FOUND),
        ),
    ]
