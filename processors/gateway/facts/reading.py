"""Records and events → memory, and who waits for what they say."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from aiokafka import ConsumerRecord
from msgspec import MsgspecError, Struct
from msgspec.json import Decoder

from processors.gateway.facts.entries import ClickEntry, Standing
from processors.gateway.facts.recent import Recent
from processors.gateway.known import KnownLink
from processors.registry.links import UnreadableLink
from schemas.decoding import Refused, decode_click, decode_erasure, decode_lead_event, decode_purchase
from schemas.events import AnyEvent, Click, Erasure, LeadEvent, Purchase
from schemas.headers import Header, Headers
from schemas.links import Link
from schemas.results import Customer
from schemas.times import parse_rfc3339
from schemas.topics import Topic, split_key


class Links(Protocol):
    """The links of the registry."""

    def get(self, link_id: str) -> Link | None: ...


class _Lead(Struct, rename="camel", gc=False):
    lead_id: str


_decode_customer: Final = Decoder(Customer).decode
_decode_lead: Final = Decoder(_Lead).decode

Waited = tuple[str, str, str]
"""Kind, workspace or nothing, id."""


class Arrivals:
    """Whoever waits for a fact is woken when it comes."""

    def __init__(self) -> None:
        self._waiting: dict[Waited, list[asyncio.Future[None]]] = defaultdict(list)

    def expect(self, waited: Waited) -> "asyncio.Future[None]":
        """Done as soon as something comes of this name. To be given back by :meth:`forget`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waited].append(future)
        return future

    def forget(self, waited: Waited, future: "asyncio.Future[None]") -> None:
        """Nobody waits for it any more."""
        futures = self._waiting.get(waited, [])
        if future in futures:
            futures.remove(future)
        if not futures:
            self._waiting.pop(waited, None)

    def came(self, waited: Waited) -> None:
        """Wake them."""
        if self._waiting and waited in self._waiting:
            for future in self._waiting.pop(waited):
                if not future.done():
                    future.set_result(None)


class Memory:
    """``Recent``, fed with events and records."""

    def __init__(self, recent: Recent, links: Callable[[], Links], clock: Callable[[], int]) -> None:
        self.recent = recent
        self.arrivals = Arrivals()
        self._links = links
        self._clock = clock
        self._readers: dict[Topic, Callable[[ConsumerRecord], None]] = {
            Topic.CLICKS: self._click,
            Topic.DEFERRED_LEADS: self._lead_event,
            Topic.QUALIFICATIONS: self._lead_event,
            Topic.PURCHASES: self._purchase,
            Topic.ERASURES: self._erasure,
            Topic.CUSTOMERS: self._customer,
            Topic.LEADS: self._lead,
        }

    @property
    def topics(self) -> Iterable[Topic]:
        """Those whose records :meth:`read` takes."""
        return self._readers

    def learn(self, event: AnyEvent, at_ms: int, headers: Headers) -> None:
        """An event that is in Kafka, as this gateway knows before it reads it."""
        match event:
            case Click():
                self._add_click(event, at_ms, headers)
            case LeadEvent():
                self._add_lead_event(event, at_ms)
            case Purchase():
                self.recent.add_purchase(event, at_ms)
            case Erasure():
                self._add_erasure(event.workspace_id, event.customer)
        self.recent.bound()

    def reader(self, topic: Topic) -> Callable[[ConsumerRecord], None]:
        """Adds what a record says. One that cannot be read says nothing: the worker dead-letters it."""
        return self._readers[topic]

    def linked(self, workspace_id: str, link: KnownLink | Link) -> KnownLink:
        """What is known of a link: the registry's word wins, so that all sources say the same."""
        registered = self.registered(workspace_id, link.id) if link.id else None
        found = link if registered is None else registered
        if isinstance(found, KnownLink):
            return found
        return KnownLink(
            found.id,
            found.domain,
            found.key,
            found.url,
            found.partner_id,
            found.program_id,
            found.tenant_id,
            found.external_id,
        )

    def registered(self, workspace_id: str, link_id: str) -> Link | None:
        """The workspace's link of this id. None: there is none, or none that can be read."""
        try:
            found = self._links().get(link_id)
        except UnreadableLink:
            return None
        return found if found is not None and found.workspace_id == workspace_id else None

    def _click(self, record: ConsumerRecord) -> None:
        try:
            click, at_ms = decode_click(record.value, record.timestamp, self._clock())
        except Refused:
            return
        self._add_click(click, at_ms, record.headers)

    def _add_click(self, click: Click, at_ms: int, headers: Headers) -> None:
        if click.bot:
            return
        link_id = click.link_id
        registered = self.registered(click.workspace_id, link_id) if link_id else None
        link = _link_of(click) if registered is None else registered
        visitor = _visitor(headers) if headers else None
        self.recent.add_click(click, at_ms, link, visitor)
        self.arrivals.came(("click", click.workspace_id, click.click_id))

    def _lead_event(self, record: ConsumerRecord) -> None:
        try:
            event, at_ms = decode_lead_event(record.value, record.timestamp, self._clock())
        except Refused:
            return
        self._add_lead_event(event, at_ms)

    def _add_lead_event(self, event: LeadEvent, at_ms: int) -> None:
        self.recent.add_lead_event(event, at_ms)
        self.arrivals.came(("customer", event.workspace_id, event.customer))

    def _purchase(self, record: ConsumerRecord) -> None:
        try:
            event, at_ms = decode_purchase(record.value, record.timestamp, self._clock())
        except Refused:
            return
        self.recent.add_purchase(event, at_ms)

    def _erasure(self, record: ConsumerRecord) -> None:
        try:
            event, _ = decode_erasure(record.value, record.timestamp, self._clock())
        except Refused:
            return
        self._add_erasure(event.workspace_id, event.customer)

    def _add_erasure(self, workspace_id: str, customer: str) -> None:
        self.recent.add_erasure(workspace_id, customer)
        self.arrivals.came(("customer", workspace_id, customer))

    def _customer(self, record: ConsumerRecord) -> None:
        if record.value is None:
            self._add_erasure(*split_key(record.key))
            return
        try:
            customer = _decode_customer(record.value)
        except MsgspecError:
            return
        workspace_id, external_id = customer.workspace_id, customer.customer_external_id
        self.recent.add_standing(workspace_id, external_id, self._standing(customer))
        self.arrivals.came(("customer", workspace_id, external_id))

    def _standing(self, customer: Customer) -> Standing:
        link = customer.link
        known = KnownLink(
            link.id,
            link.domain,
            link.key,
            link.url,
            link.partner_id,
            link.program_id,
            link.tenant_id,
            link.external_id,
        )
        return Standing(
            customer.status == "qualified",
            parse_rfc3339(customer.deferred_at),
            parse_rfc3339(customer.first_seen_at),
            customer.click.id,
            ClickEntry(parse_rfc3339(customer.click.timestamp), True, known),
            customer.name,
            customer.email,
            customer.avatar,
        )

    def _lead(self, record: ConsumerRecord) -> None:
        try:
            lead_id = _decode_lead(record.value).lead_id
        except (MsgspecError, TypeError):
            return
        self.recent.add_lead(lead_id)
        self.arrivals.came(("lead", "", lead_id))


def _link_of(click: Click) -> KnownLink:
    return KnownLink(
        click.link_id,
        click.domain,
        click.key,
        click.url,
        click.partner_id,
        click.program_id,
        click.tenant_id,
        click.link_external_id,
    )


def _visitor(headers: Headers) -> str | None:
    for name, value in headers:
        if name == Header.VISITOR:
            return value.decode("ascii", "replace")
    return None
