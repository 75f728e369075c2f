"""What a gateway knows and writes, without Kafka and ClickHouse: they keep the words of ``known``.

Gateways share a :class:`Topics`, and each has its own :class:`MemoryFacts`, which may lag behind it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from processors.gateway.answers import TryAgain
from processors.gateway.known import KnownClick, KnownCustomer, KnownLink, KnownSale, Uncertain
from processors.gateway.track.answering import sold
from schemas.decoders import BY_TYPE
from schemas.events import Click, Erasure, LeadEvent, Purchase
from schemas.headers import Header
from schemas.ids import customer_id
from schemas.routing import Routed, place_of, routed_of
from schemas.times import HOUR_MS

Headers = tuple[tuple[str, bytes], ...]
Who = tuple[str, str]


@dataclass(frozen=True)
class Written:
    """A record. ``at_ms``: of its arrival."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers
    at_ms: int


@dataclass
class Topics:
    """Everything that was written, in order."""

    now_ms: Callable[[], int]
    records: list[Written] = field(default_factory=list)

    def write(self, value: bytes, headers: Headers = ()) -> None:
        """Raises ``Refused``."""
        at_ms = self.now_ms()
        place = place_of(value, at_ms)
        self.records.append(Written(place.topic, place.key, value, headers, at_ms))


class Fate(Enum):
    """What becomes of something that is published."""

    ACKNOWLEDGED = auto()
    LOST = auto()
    """Not written, and the caller is told to try again."""
    UNHEARD = auto()
    """Written, and the caller is told to try again."""


class MemoryPublisher:
    """Acknowledges at once, unless ``fates`` say otherwise, each once; ``facts`` hear of what it wrote."""

    def __init__(self, topics: Topics, facts: "MemoryFacts | None" = None) -> None:
        self._topics = topics
        self._facts = facts
        self.fates: list[Fate] = []

    async def publish(self, value: bytes, *, headers: Headers = (), routed: Routed | None = None) -> None:
        """As of ``Publisher``."""
        assert routed is None or routed == routed_of(value, routed.at_ms)
        fate = self.fates.pop(0) if self.fates else Fate.ACKNOWLEDGED
        if fate is not Fate.LOST:
            self._topics.write(value, headers)
        if fate is not Fate.ACKNOWLEDGED:
            raise TryAgain("Kafka does not answer.")
        if self._facts is not None:
            self._facts.hear(self._topics.records[-1])

    async def keep(self, value: bytes, *, headers: Headers = ()) -> None:
        """As of ``Publisher``: it is written, whatever its fate."""
        self._topics.write(value, headers)
        if self._facts is not None:
            self._facts.hear(self._topics.records[-1])


@dataclass
class _Customer:
    erased: bool = False
    requested: bool = False
    touches: dict[str, int] = field(default_factory=dict)
    """By click id, the earliest time of a lead event that names it."""
    said: dict[str, tuple[int, str]] = field(default_factory=dict)

    def say(self, event: LeadEvent, at_ms: int) -> None:
        for name in ("name", "email", "avatar"):
            text = getattr(event, f"customer_{name}")
            if text is not None:
                self.said[name] = min(self.said.get(name, (at_ms, text)), (at_ms, text))

    def first(self, name: str) -> str | None:
        return self.said.get(name, (0, None))[1]


class MemoryFacts:
    """Knows what it heard, and when it waits, all that was written. ``down``: no store answers."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._heard: set[int] = set()
        self._clicks: dict[Who, KnownClick] = {}
        self._customers: dict[Who, _Customer] = {}
        self._sales: dict[tuple[str, str, str], KnownSale] = {}
        self._visitors: dict[tuple[str, str], tuple[str, int]] = {}
        self.down = False
        self.leads_asked_for: list[tuple[str, str, str]] = []

    async def click(self, workspace_id: str, click_id: str) -> KnownClick | None:
        """As of ``Facts``."""
        if (workspace_id, click_id) not in self._clicks:
            self._catch_up()
        return self._clicks.get((workspace_id, click_id))

    async def customer(
        self, workspace_id: str, customer_external_id: str, *, wait: bool = True, requested: bool = False
    ) -> KnownCustomer | None:
        """As of ``Facts``."""
        found = self._customer(workspace_id, customer_external_id)
        if wait and (found is None or (requested and not found.requested and not found.erased)):
            self._catch_up()
            return self._customer(workspace_id, customer_external_id)
        return found

    async def external_id(self, workspace_id: str, our_id: str) -> str | None:
        """As of ``Facts``."""
        names = (name for workspace, name in self._customers if workspace == workspace_id)
        return next((one for one in names if customer_id(workspace_id, one) == our_id), None)

    async def sale(self, workspace_id: str, customer_external_id: str, invoice_id: str) -> KnownSale | None:
        """As of ``Facts``."""
        return self._sales.get((workspace_id, customer_external_id, invoice_id))

    def click_of_visitor(self, link_id: str, visitor: str, now_ms: int) -> str | None:
        """As of ``Facts``."""
        click_id, at_ms = self._visitors.get((link_id, visitor), (None, 0))
        return click_id if now_ms - at_ms < HOUR_MS else None

    async def until_in_leads(self, workspace_id: str, customer_external_id: str, event_name: str) -> None:
        """As of ``Facts``; there is nobody to wait for."""
        self.leads_asked_for.append((workspace_id, customer_external_id, event_name))

    def hear(self, record: Written) -> None:
        """As everything that was written, each record once."""
        if id(record) in self._heard:
            return
        self._heard.add(id(record))
        event, at_ms = BY_TYPE[place_of(record.value, record.at_ms).type](
            record.value, record.at_ms, record.at_ms
        )
        match event:
            case Click() if not event.bot:
                self._hear_click(event, at_ms, record.headers)
            case LeadEvent():
                customer = self._customers.setdefault((event.workspace_id, event.customer), _Customer())
                customer.requested |= not event.deferred
                customer.say(event, at_ms)
                if event.click_id:
                    earliest = min(customer.touches.get(event.click_id, at_ms), at_ms)
                    customer.touches[event.click_id] = earliest
            case Purchase() if event.invoice_id:
                self._sales.setdefault((event.workspace_id, event.customer, event.invoice_id), sold(event))
            case Erasure():
                self._customers[event.workspace_id, event.customer] = _Customer(erased=True)

    def hear_all(self, records: Iterable[Written]) -> None:
        """Of other gateways, too."""
        for record in records:
            self.hear(record)

    def _catch_up(self) -> None:
        if self.down:
            raise Uncertain("ClickHouse does not answer.")
        self.hear_all(self._topics.records)

    def _hear_click(self, event: Click, at_ms: int, headers: Headers) -> None:
        tracked = event.track_conversion in (None, True, 1)
        link = KnownLink(
            event.link_id,
            event.domain,
            event.key,
            event.url,
            event.partner_id,
            event.program_id,
            event.tenant_id,
            event.link_external_id,
        )
        found = KnownClick(event.click_id, at_ms, tracked, link)
        who = event.workspace_id, event.click_id
        self._clicks[who] = min(self._clicks.get(who, found), found, key=lambda one: one.at_ms)
        visitor = dict(headers).get(Header.VISITOR.value)
        if visitor is not None and event.link_id is not None:
            self._visitors[event.link_id, visitor.decode()] = event.click_id, at_ms

    def _customer(self, workspace_id: str, external_id: str) -> KnownCustomer | None:
        found = self._customers.get((workspace_id, external_id))
        if found is None:
            return None
        if found.erased:
            return KnownCustomer(erased=True)
        by_time = sorted((at_ms, click_id) for click_id, at_ms in found.touches.items())
        clicks = [click for _, one in by_time if (click := self._clicks.get((workspace_id, one)))]
        known = KnownCustomer(
            requested=found.requested,
            click=next((click for click in clicks if click.tracked), None),
            name=found.first("name"),
            email=found.first("email"),
            avatar=found.first("avatar"),
        )
        return known if known.click is not None else None
