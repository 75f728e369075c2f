"""What was written lately, in bounded memory.

Kept in generations, each with what came while it was the youngest. When memory is used up the oldest one is
let go as a whole, and with it the claim to know what came in its time: :meth:`Recent.start` tells of each
partition from which offset on everything is here.
"""

from collections.abc import Mapping
from typing import Final

from aiokafka import TopicPartition
from msgspec import Struct

from processors.gateway.facts.entries import ClickEntry, PersonEntry, SaleEntry, Standing, earlier
from processors.gateway.known import KnownLink
from schemas.events import Click, LeadEvent, Purchase
from schemas.ids import customer_id
from schemas.links import Link
from schemas.times import HOUR_MS, SECOND_MS
from schemas.topics import split_key

_GENERATIONS: Final = 8
_CLICK_BYTES: Final = 320
_LINK_BYTES: Final = 700
_VISIT_BYTES: Final = 300
_PERSON_BYTES: Final = 1_000
_LISTED_BYTES: Final = 200
_NAMED_BYTES: Final = 170
_SALE_BYTES: Final = 600
_LEAD_BYTES: Final = 150
"""What an entry takes with its key, measured."""
_MOST_NAMED: Final = 50
VISIT_MS: Final = HOUR_MS
"""For so long a visitor of a link is known."""
_SKEW_MS: Final = 5 * SECOND_MS
"""Clocks of gateways differ: a visit may have been, by that of another, a moment from now."""


class Visit(Struct, frozen=True, gc=False):
    """The click that a visitor was given, and when."""

    click_id: str
    at_ms: int


class _Generation:
    """What came in one stretch of time. ``begins``: where each partition stood when it began. ``by_our_id``:
    keys of people, but for those that are still ``unlisted``."""

    def __init__(self, begins: Mapping[TopicPartition, int]) -> None:
        self.begins = dict(begins)
        self.size = 0
        self.clicks: dict[str, ClickEntry] = {}
        self.visits: dict[str, Visit] = {}
        self.people: dict[str, PersonEntry] = {}
        self.unlisted: list[str] = []
        self.by_our_id: dict[str, str] = {}
        self.sales: dict[str, SaleEntry] = {}
        self.leads: set[str] = set()


class Recent:
    """Facts, by workspace and id. What is added twice counts once. ``size``, ``limit``: bytes, estimated."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.reached: dict[TopicPartition, int] = {}
        self._generations = [_Generation({})]
        self._youngest = self._generations[0]

    @property
    def size(self) -> int:
        """Bytes that it takes by now, estimated."""
        return sum(one.size for one in self._generations)

    def begin(self, place: TopicPartition, offset: int) -> None:
        """A partition is read from here on. What was read of it before is kept, but no claim rests on it."""
        self.reached[place] = offset
        for one in self._generations:
            one.begins[place] = offset

    def advance(self, place: TopicPartition, offset: int) -> None:
        """Everything of the partition before this offset was added, and nothing after it."""
        self.reached[place] = offset
        self.bound()

    def start(self, place: TopicPartition) -> int | None:
        """Everything from this offset up to ``reached`` is here. None: the partition is not read."""
        return self._generations[0].begins.get(place)

    def click(self, workspace_id: str, click_id: str) -> ClickEntry | None:
        """The one that counts of those with this id: the earliest."""
        key = f"{workspace_id}:{click_id}"
        found = [one.clicks[key] for one in self._generations if key in one.clicks]
        return min(found, key=_time_of) if found else None

    def person(self, workspace_id: str, customer: str) -> PersonEntry | None:
        """All that is here of a customer."""
        key = f"{workspace_id}:{customer}"
        found = [one.people[key] for one in self._generations if key in one.people]
        return _merged(found) if len(found) > 1 else found[0] if found else None

    def list_people(self, most: int) -> bool:
        """By our ids, which no event has: so many more. True: there are others that are not listed yet.

        Each takes as long as to add it did, and nearly nobody is asked for by that id.
        """
        for one in self._generations:
            for key in one.unlisted[-most:]:
                one.by_our_id[customer_id(*split_key(key.encode()))] = key
                one.size += _LISTED_BYTES
            del one.unlisted[-most:]
        return any(one.unlisted for one in self._generations)

    def external_id(self, workspace_id: str, our_id: str) -> str | None:
        """Of a customer who is listed."""
        for one in self._generations:
            found, external_id = split_key(one.by_our_id.get(our_id, "").encode())
            if found == workspace_id and external_id:
                return external_id
        return None

    def sale(self, workspace_id: str, customer: str, invoice_id: str) -> SaleEntry | None:
        """The one that counts of those with this invoice."""
        key = f"{workspace_id}:{customer}\n{invoice_id}"
        return min((one.sales[key] for one in self._generations if key in one.sales), default=None)

    def visit(self, link_id: str, visitor: str, now_ms: int) -> str | None:
        """The click id that the visitor was given for the link within the last hour."""
        key = f"{visitor}:{link_id}"
        for one in reversed(self._generations):
            visit = one.visits.get(key)
            if visit is not None:
                return visit.click_id if -_SKEW_MS <= now_ms - visit.at_ms < VISIT_MS else None
        return None

    def has_lead(self, lead_id: str) -> bool:
        """It was in ``leads`` lately."""
        return any(lead_id in one.leads for one in self._generations)

    def add_click(self, click: Click, at_ms: int, link: KnownLink | Link, visitor: str | None) -> None:
        """``link``: what the entry is to hold of it. A bot's click is none."""
        if click.bot:
            return
        youngest = self._youngest
        tracked = click.track_conversion
        key = f"{click.workspace_id}:{click.click_id}"
        known = youngest.clicks.get(key)
        if known is None or at_ms < known.at_ms:
            youngest.clicks[key] = ClickEntry(at_ms, tracked is None or bool(tracked), link)
            youngest.size += _CLICK_BYTES + _size_of(link)
        if visitor is not None and click.link_id:
            youngest.visits[f"{visitor}:{click.link_id}"] = Visit(click.click_id, at_ms)
            youngest.size += _VISIT_BYTES

    def add_lead_event(self, event: LeadEvent, at_ms: int) -> None:
        """Whatever its mode."""
        person = self._person(event.workspace_id, event.customer)
        person.requested = person.requested or not event.deferred
        if event.click_id:
            known = len(person.named)
            _name(person.named, event.click_id, at_ms)
            self._youngest.size += _NAMED_BYTES * (len(person.named) - known)
        if event.customer_name:
            person.name = earlier(person.name, (at_ms, event.customer_name))
        if event.customer_email:
            person.email = earlier(person.email, (at_ms, event.customer_email))
        if event.customer_avatar:
            self._youngest.size += 0 if person.avatar else len(event.customer_avatar)
            person.avatar = earlier(person.avatar, (at_ms, event.customer_avatar))

    def add_purchase(self, event: Purchase, at_ms: int) -> None:
        """Those with an invoice."""
        if event.invoice_id is None:
            return
        key = f"{event.workspace_id}:{event.customer}\n{event.invoice_id}"
        sale = SaleEntry(
            at_ms,
            event.amount,
            event.currency or "",
            event.event_name or "",
            event.payment_processor or "",
            bytes(event.metadata).decode(),
        )
        known = self._youngest.sales.get(key)
        if known is None or sale < known:
            self._youngest.sales[key] = sale
            self._youngest.size += _SALE_BYTES + len(sale.metadata)

    def add_erasure(self, workspace_id: str, customer: str) -> None:
        """Nothing but that is known of the customer from now on."""
        for one in self._generations:
            one.people.pop(f"{workspace_id}:{customer}", None)
        self._person(workspace_id, customer).erased = True

    def add_standing(self, workspace_id: str, customer: str, standing: Standing) -> None:
        """What a worker says of the customer, instead of what it said before."""
        person = self._person(workspace_id, customer)
        if person.standing is None:
            self._youngest.size += _size_of(standing.click.link)
        person.standing = standing

    def add_lead(self, lead_id: str) -> None:
        """It is in ``leads``."""
        self._youngest.leads.add(lead_id)
        self._youngest.size += _LEAD_BYTES

    def _person(self, workspace_id: str, customer: str) -> PersonEntry:
        key, people = f"{workspace_id}:{customer}", self._youngest.people
        person = people.get(key)
        if person is None:
            person = people[key] = PersonEntry()
            self._youngest.unlisted.append(key)
            self._youngest.size += _PERSON_BYTES
        return person

    def bound(self) -> None:
        """Let go of the oldest, where there is too much. To be called between two records."""
        if self._youngest.size * _GENERATIONS < self.limit:
            return
        self._youngest = _Generation(self.reached)
        self._generations.append(self._youngest)
        if len(self._generations) > _GENERATIONS:
            del self._generations[0]


def _time_of(entry: ClickEntry) -> int:
    return entry.at_ms


def _size_of(link: KnownLink | Link) -> int:
    return 0 if isinstance(link, Link) else _LINK_BYTES + len(link.url or "")


def _name(named: dict[str, int], click_id: str, at_ms: int) -> None:
    known = named.get(click_id)
    if known is not None:
        named[click_id] = min(known, at_ms)
    elif len(named) < _MOST_NAMED:
        named[click_id] = at_ms


def _merged(entries: list[PersonEntry]) -> PersonEntry:
    """``entries``: the oldest first."""
    merged = PersonEntry()
    for one in entries:
        merged.erased = merged.erased or one.erased
        merged.requested = merged.requested or one.requested
        for click_id, at_ms in one.named.items():
            _name(merged.named, click_id, at_ms)
        merged.name = earlier(merged.name, one.name)
        merged.email = earlier(merged.email, one.email)
        merged.avatar = earlier(merged.avatar, one.avatar)
        merged.standing = one.standing or merged.standing
    return merged
