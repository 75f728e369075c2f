"""The four track calls that report what a customer did."""

from collections.abc import Callable
from uuid import uuid4

from processors.gateway.answers import Code
from processors.gateway.known import Facts, Publisher
from processors.gateway.routing import Opens, Route
from processors.gateway.track.answering import LeadAnswer, SaleAnswer
from processors.gateway.track.bodies import ClientLeadBody, ClientSaleBody, LeadBody, SaleBody
from processors.gateway.track.finding import Finder, LinkById
from processors.gateway.track.lead import TrackLead
from processors.gateway.track.sale import TrackSale


def _new_id() -> str:
    return uuid4().hex


def track_routes(
    *, facts: Facts, publisher: Publisher, link_by_id: LinkById, new_id: Callable[[], str] = _new_id
) -> list[Route]:
    """``link_by_id``: of the registry; whose the link is, is checked here. ``new_id``: see ``TrackSale``."""
    finder = Finder(facts, link_by_id)
    lead, sale = TrackLead(finder, facts, publisher), TrackSale(finder, facts, publisher, new_id)
    return [
        Route(
            method="POST",
            path="/track/lead",
            opens=Opens.SECRET,
            handle=lead,
            body=LeadBody,
            answer=LeadAnswer,
            summary="Report a lead: a sign-up, deferred or not, or its qualification",
            errors=(Code.BAD_REQUEST, Code.FORBIDDEN, Code.NOT_FOUND),
            tag="Track",
        ),
        Route(
            method="POST",
            path="/track/sale",
            opens=Opens.SECRET,
            handle=sale,
            body=SaleBody,
            answer=SaleAnswer,
            summary="Report a sale",
            errors=(Code.BAD_REQUEST, Code.FORBIDDEN, Code.NOT_FOUND),
            tag="Track",
        ),
        Route(
            method="POST",
            path="/track/lead/client",
            opens=Opens.PUBLISHABLE,
            handle=lead,
            body=ClientLeadBody,
            answer=LeadAnswer,
            summary="Report a lead from a page",
            errors=(Code.BAD_REQUEST, Code.FORBIDDEN, Code.NOT_FOUND),
            tag="Track",
        ),
        Route(
            method="POST",
            path="/track/sale/client",
            opens=Opens.PUBLISHABLE,
            handle=sale,
            body=ClientSaleBody,
            answer=SaleAnswer,
            summary="Report a sale from a page",
            errors=(Code.FORBIDDEN, Code.NOT_FOUND),
            tag="Track",
        ),
    ]
