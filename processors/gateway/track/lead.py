"""``POST /track/lead`` and ``/track/lead/client``."""

import asyncio
from contextlib import suppress
from typing import Final

from processors.gateway.answers import ApiError, Code
from processors.gateway.known import Facts, KnownClick, KnownCustomer, Publisher
from processors.gateway.routing import Call
from processors.gateway.track.answering import LeadAnswer, is_in_public, lead_answer
from processors.gateway.track.events import lead_event, origin
from processors.gateway.track.finding import Finder

ANSWERED_WITHIN_S: Final = 4.5
"""Clients give up after 5 s: a lead that is waited for is not waited for longer."""


class TrackLead:
    """A sign-up, a qualification, or another step of a customer."""

    def __init__(self, finder: Finder, facts: Facts, publisher: Publisher) -> None:
        self._finder = finder
        self._facts = facts
        self._publisher = publisher

    async def __call__(self, call: Call) -> LeadAnswer:
        """Raises ``ApiError``."""
        deadline = asyncio.get_running_loop().time() + ANSWERED_WITHIN_S
        of = origin(call)
        value, event, routed = lead_event(of, call.body)
        known = await self._finder.customer(of.workspace_id, of.customer, wait=not event.click_id)
        if event.click_id:
            click = await self._finder.click(of.workspace_id, event.click_id)
        else:
            click = _click_of(known)
        link = self._finder.link(of.workspace_id, click)
        if event.click_id or not event.deferred:
            await self._publisher.publish(value, routed=routed)
        if event.mode == "wait":
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await self._facts.until_in_leads(of.workspace_id, of.customer, event.event_name)
        return lead_answer(event, click, link, None if is_in_public(call) else known)


def _click_of(known: KnownCustomer | None) -> KnownClick:
    if known is None or known.click is None:
        raise ApiError(
            Code.BAD_REQUEST,
            "The customer is not known, and clickId is empty: send the clickId of the click it came through.",
        )
    return known.click
