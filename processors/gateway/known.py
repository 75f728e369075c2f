"""What a gateway knows of clicks, customers and sales, and whom it asks."""

from typing import Protocol

from msgspec import Struct

from processors.gateway.answers import TryAgain
from schemas.routing import Routed


class Uncertain(TryAgain):
    """What was asked for was not found, and might be there all the same."""


class KnownLink(Struct, frozen=True, gc=False):
    """What a click says of its link. ``url``: where the click led to."""

    id: str | None
    domain: str | None
    key: str | None
    url: str | None
    partner_id: str | None
    program_id: str | None
    tenant_id: str | None
    external_id: str | None


class KnownClick(Struct, frozen=True, gc=False):
    """A click of somebody who is no bot. ``at_ms``: epoch milliseconds of the click."""

    click_id: str
    at_ms: int
    tracked: bool
    link: KnownLink


class KnownCustomer(Struct, frozen=True):
    """Pending or qualified, or named in a lead event that was accepted.

    ``erased``: and then nothing else is known. ``requested``: a lead request of it was accepted, or it has a
    lead. ``click``: what its leads go to as far as that can be told by now. ``name``, ``email``, ``avatar``:
    the first ones that were given.
    """

    erased: bool = False
    requested: bool = False
    click: KnownClick | None = None
    name: str | None = None
    email: str | None = None
    avatar: str | None = None


class KnownSale(Struct, frozen=True):
    """A purchase that was accepted. Amounts in minor units. ``metadata``: JSON text."""

    event_name: str
    amount: int
    currency: str
    payment_processor: str | None
    invoice_id: str | None
    metadata: str | None


class Facts(Protocol):
    """Recent ones from memory, older ones from ClickHouse.

    None is a certain no, unless a method says otherwise. Each waits up to 2 s for what is not there yet, and
    raises ``Uncertain`` when it then cannot say so, or a store does not answer.
    """

    async def click(self, workspace_id: str, click_id: str) -> KnownClick | None:
        """None also of a bot's click, and of another workspace's."""

    async def customer(
        self, workspace_id: str, customer_external_id: str, *, wait: bool = True, requested: bool = False
    ) -> KnownCustomer | None:
        """``wait``: False: what is known by now is enough, and None then says only that; nobody is asked.
        ``requested``: of who is known without a lead request it has to be certain that there is none; what
        was written before the call counts, and nothing is waited for that comes later."""

    async def external_id(self, workspace_id: str, our_id: str) -> str | None:
        """Whose id of ours (``cus_…``) it is, of those whom events named lately. Does not wait; None is not
        certain."""

    async def sale(self, workspace_id: str, customer_external_id: str, invoice_id: str) -> KnownSale | None:
        """The purchase that came first with this invoice. Does not wait."""

    def click_of_visitor(self, link_id: str, visitor: str, now_ms: int) -> str | None:
        """The click id that this visitor (a hash) was given for this link within the last hour."""

    async def until_in_leads(self, workspace_id: str, customer_external_id: str, event_name: str) -> None:
        """Returns when such a lead is in the topic ``leads``, or after 2 s."""


class Publisher(Protocol):
    """Events into Kafka, those of concurrent calls together."""

    async def publish(
        self, value: bytes, *, headers: tuple[tuple[str, bytes], ...] = (), routed: Routed | None = None
    ) -> None:
        """``value``: an event with its ``type``, which says topic and key; ``routed``: what it is decoded
        to, of whoever has done so. Returns when all replicas in sync
        have it, and facts know it. Raises ``TryAgain`` after 2.5 s: it may be written then all the same.
        Raises ``schemas.decoding.Refused`` for what a worker would refuse."""

    async def keep(self, value: bytes, *, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        """As ``publish``, for what must not fail: returns after 100 ms at the latest, and what is not
        acknowledged by then stays in a bounded buffer until it is."""
