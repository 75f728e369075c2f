"""``POST /track/sale`` and ``/track/sale/client``."""

from collections.abc import Callable
from typing import Final

from processors.gateway.answers import ApiError, Code
from processors.gateway.known import Facts, KnownCustomer, KnownSale, Publisher, Uncertain
from processors.gateway.routing import Call
from processors.gateway.track.answering import SaleAnswer, is_in_public, no_sale, sale_answer, sold
from processors.gateway.track.bodies import ClientSaleBody, SaleBody
from processors.gateway.track.events import Origin, lead_of_direct_sale, origin, purchase
from processors.gateway.track.finding import Finder
from schemas.events import Purchase
from schemas.texts import said

_NO_LEAD: Final = (
    "Lead event not found for customerExternalId: {}. "
    "Only a deferred one was reported: qualify the customer by a lead event first."
)


class TrackSale:
    """A customer paid. ``new_id``: gives a text that was never given before."""

    def __init__(self, finder: Finder, facts: Facts, publisher: Publisher, new_id: Callable[[], str]) -> None:
        self._finder = finder
        self._facts = facts
        self._publisher = publisher
        self._new_id = new_id

    async def __call__(self, call: Call) -> SaleAnswer:
        """Raises ``ApiError``."""
        body: SaleBody | ClientSaleBody = call.body
        of = origin(call)
        value, event, routed = purchase(of, body, self._new_id())
        # Waited for even if there is a click to make a lead of: another gateway may have taken one a moment
        # ago, and the customer must not get a second.
        known = await self._finder.customer(of.workspace_id, of.customer, wait=True, requested=True)
        if known is None:
            if said(body.click_id) is None:
                return no_sale(event)
            known = await self._direct(of, body)
        else:
            if event.invoice_id is not None:
                before = await self._sold_before(of, event.invoice_id)
                if before is not None:
                    return _answer(call, event, known, before)
            self._check_lead(of, known)
        if not event.amount:
            return no_sale(event)
        await self._publisher.publish(value, routed=routed)
        return _answer(call, event, known, sold(event))

    async def _sold_before(self, of: Origin, invoice_id: str) -> KnownSale | None:
        """Without the store, that which is known: a sale is worth more than the answer to one that is
        reported again, of which workers make no second one.
        """
        try:
            return await self._facts.sale(of.workspace_id, of.customer, invoice_id)
        except Uncertain:
            return None

    async def _direct(self, of: Origin, body: SaleBody | ClientSaleBody) -> KnownCustomer:
        """The customer, now that it has a lead.

        The lead goes first: should the purchase not follow, then the call that is made again finds a customer
        with a lead, and does the rest.
        """
        value, event, routed = lead_of_direct_sale(of, body)
        click = await self._finder.click(of.workspace_id, event.click_id or "")
        self._finder.link(of.workspace_id, click)
        await self._publisher.publish(value, routed=routed)
        return KnownCustomer(
            name=event.customer_name, email=event.customer_email, avatar=event.customer_avatar
        )

    def _check_lead(self, of: Origin, known: KnownCustomer) -> None:
        if not known.requested:
            raise ApiError(Code.NOT_FOUND, _NO_LEAD.format(of.customer))
        if known.click is not None:
            self._finder.link(of.workspace_id, known.click)


def _answer(call: Call, event: Purchase, known: KnownCustomer, sale: KnownSale) -> SaleAnswer:
    if not is_in_public(call):
        return sale_answer(event, known, sale)
    body: ClientSaleBody = call.body
    told = KnownCustomer(
        name=said(body.customer_name), email=said(body.customer_email), avatar=said(body.customer_avatar)
    )
    return sale_answer(event, told, sold(event))
