"""What handlers ask."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final, NamedTuple, Protocol

from aiokafka import TopicPartition

from processors.attribution.policy import Policy
from processors.clock import epoch_ms
from processors.gateway.facts.certainty import (
    CustomerEnds,
    CustomerReach,
    Reach,
    click_is_absent,
    customer_is_complete,
)
from processors.gateway.facts.entries import ClickEntry, PersonEntry, Standing
from processors.gateway.facts.following import BACK_MS, MOST_VISITS, Follower
from processors.gateway.facts.merging import known_click, known_customer
from processors.gateway.facts.older import Erased, Older
from processors.gateway.facts.reading import Links, Memory
from processors.gateway.facts.recent import Recent
from processors.gateway.facts.seeking import WAIT_S, Ends, Seeker
from processors.gateway.facts.watching import Watch
from processors.gateway.known import KnownClick, KnownCustomer, KnownLink, KnownSale, Uncertain
from processors.kafka.placement import partition_for
from processors.settings import Settings
from schemas.events import AnyEvent
from schemas.headers import Headers
from schemas.ids import event_key, lead_id
from schemas.links import Link
from schemas.topics import Topic, click_key, customer_key

_NO_METADATA: Final = frozenset({"", "{}"})
_CUSTOMER_S: Final = 3.0
"""So long, at most, it is tried to tell what is known of a customer."""

_LISTED_AT_ONCE: Final = 500
"""A millisecond, which others wait for."""


class Registry(Protocol):
    """Where links are registered."""

    @property
    def links(self) -> Links: ...


class RecentAndOlder:
    """The ``Facts`` of a gateway. ``memory``, ``older``: have what metrics show."""

    def __init__(
        self,
        settings: Settings,
        memory: Memory,
        follower: Follower,
        watch: Watch,
        older: Older,
        tasks: Sequence[asyncio.Task[None]] = (),
    ) -> None:
        """``tasks``: what ``follower`` and ``watch`` do."""
        self._tasks = tasks
        self.memory = memory
        self.older = older
        self._settings = settings
        self._recent = memory.recent
        self._follower = follower
        self._watch = watch
        self._seeker = Seeker(follower, memory.arrivals)
        self._policy = Policy(
            settings.attribution_model,
            settings.attribution_window,
            settings.qualification_window,
            settings.hold,
        )

    async def follow(self) -> None:
        """Returns never; raises what has ended the following, after which nothing is certain any more."""
        ended, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()

    def learn(self, event: AnyEvent, at_ms: int, headers: Headers) -> None:
        """An event that was acknowledged."""
        self.memory.learn(event, at_ms, headers)

    async def click(self, workspace_id: str, click_id: str) -> KnownClick | None:
        """As ``Facts`` says."""
        entry = self._recent.click(workspace_id, click_id)
        if entry is None:
            entry = await self._sought_click(workspace_id, click_id)
        return None if entry is None else known_click(click_id, entry, self._linked(workspace_id))

    async def _sought_click(
        self, workspace_id: str, click_id: str, *, wait: bool = True
    ) -> ClickEntry | None:
        """``wait``: also for one that comes after the call."""
        place = self._place(Topic.CLICKS, click_key(workspace_id, click_id))
        # Before ClickHouse is asked.
        sunk = self._watch.sunk(Topic.CLICKS, place.partition)
        seek = self._seeker.seek if wait else self._seeker.look_now
        sought = await seek(
            ("click", workspace_id, click_id), [place], lambda: self._found_click(workspace_id, click_id)
        )
        if sought.found is None and not click_is_absent(self._reach(place), sought.ends[place], sunk):
            raise Uncertain("Whether there is such a click cannot be told at the moment. Try again.")
        return sought.found

    async def _found_click(self, workspace_id: str, click_id: str) -> ClickEntry | None:
        return self._recent.click(workspace_id, click_id) or await self.older.click(workspace_id, click_id)

    async def customer(
        self, workspace_id: str, customer_external_id: str, *, wait: bool = True, requested: bool = False
    ) -> KnownCustomer | None:
        """As ``Facts`` says."""
        if not wait:
            return self._customer_by_now(workspace_id, customer_external_id)
        try:
            async with asyncio.timeout(_CUSTOMER_S):
                return await self._sought_customer(workspace_id, customer_external_id, requested=requested)
        except TimeoutError:
            raise _incomplete() from None

    async def _sought_customer(
        self, workspace_id: str, customer: str, *, requested: bool
    ) -> KnownCustomer | None:
        places = self._customer_places(workspace_id, customer)
        # Before ClickHouse is asked.
        sunk = self._watch.sunk(Topic.CUSTOMERS, places.customers.partition)
        found: KnownCustomer | None = None

        async def look() -> KnownCustomer | None:
            nonlocal found
            found = await self._found_customer(workspace_id, customer)
            return found if not requested or _is_settled(found) else None

        if requested and (followed := self._watch.followed(places.customers.partition)) is not None:
            await self._follower.reach({places.customers: followed.customers_end})
        seek = self._seeker.look_now if requested else self._seeker.seek
        sought = await seek(("customer", workspace_id, customer), places.of_events, look)
        if sought.found is not None:
            return sought.found
        # Nobody waited for the results of workers, whose last transaction ends with a marker.
        await self._follower.past_markers([places.customers])
        if not self._is_complete(places, sought.ends, sunk):
            raise _incomplete()
        return found or await self._named(workspace_id, customer)

    async def _named(self, workspace_id: str, customer: str) -> KnownCustomer | None:
        """Of one whom lead events name with clicks that were not found: with certainty, there are none."""
        person = self._recent.person(workspace_id, customer)
        if person is None or not person.named:
            return None
        clicks = await asyncio.gather(
            *(self._sought_click(workspace_id, click_id, wait=False) for click_id in person.named)
        )
        return await self._found_customer(workspace_id, customer) if any(clicks) else None

    def _is_complete(self, places: "_CustomerPlaces", ends: Ends, sunk: int) -> bool:
        partition = places.customers.partition
        memory = CustomerReach(
            {one.partition: self._reach(one) for one in places.deferred},
            self._reach(places.qualifications),
            self._reach(places.erasures),
            self._reach(places.customers),
        )
        asked = CustomerEnds(
            {one.partition: ends[one] for one in places.deferred},
            ends[places.qualifications],
            ends[places.erasures],
        )
        return customer_is_complete(partition, memory, asked, self._watch.followed(partition), sunk)

    async def _found_customer(self, workspace_id: str, customer: str) -> KnownCustomer | None:
        person = self._recent.person(workspace_id, customer)
        stored = None
        if person is None or not (person.erased or person.standing):
            stored = await self.older.customer(workspace_id, customer)
            person = self._recent.person(workspace_id, customer)
        clicks = {}
        if person is not None and not person.erased:
            found = await asyncio.gather(
                *(self._found_click(workspace_id, click_id) for click_id in person.named)
            )
            clicks = {one: entry for one, entry in zip(person.named, found, strict=True) if entry}
        return self._merged(workspace_id, person, stored, clicks)

    async def external_id(self, workspace_id: str, our_id: str) -> str | None:
        """As ``Facts`` says."""
        while self._recent.list_people(_LISTED_AT_ONCE):  # noqa: ASYNC110 - others get their turn
            await asyncio.sleep(0)
        return self._recent.external_id(workspace_id, our_id)

    def _customer_by_now(self, workspace_id: str, customer: str) -> KnownCustomer | None:
        person = self._recent.person(workspace_id, customer)
        clicks = {
            click_id: entry
            for click_id in (person.named if person is not None else ())
            if (entry := self._recent.click(workspace_id, click_id)) is not None
        }
        return self._merged(workspace_id, person, self.older.cached_customer(workspace_id, customer), clicks)

    def _merged(
        self,
        workspace_id: str,
        person: PersonEntry | None,
        stored: Standing | Erased | None,
        clicks: Mapping[str, ClickEntry],
    ) -> KnownCustomer | None:
        if isinstance(stored, Erased):
            return KnownCustomer(erased=True)
        return known_customer(person, stored, clicks, self._policy, self._linked(workspace_id))

    async def sale(self, workspace_id: str, customer_external_id: str, invoice_id: str) -> KnownSale | None:
        """As ``Facts`` says."""
        stored = None
        try:
            stored = await self.older.sale(workspace_id, customer_external_id, invoice_id)
        except Uncertain:
            if self._recent.sale(workspace_id, customer_external_id, invoice_id) is None:
                raise
        recent = self._recent.sale(workspace_id, customer_external_id, invoice_id)
        sale = min((one for one in (recent, stored) if one is not None), default=None)
        if sale is None:
            return None
        return KnownSale(
            sale.event_name,
            sale.amount,
            sale.currency,
            sale.payment_processor or None,
            invoice_id,
            None if sale.metadata in _NO_METADATA else sale.metadata,
        )

    def click_of_visitor(self, link_id: str, visitor: str, now_ms: int) -> str | None:
        """As ``Facts`` says."""
        return self._recent.visit(link_id, visitor, now_ms)

    async def until_in_leads(self, workspace_id: str, customer_external_id: str, event_name: str) -> None:
        """As ``Facts`` says."""
        key = event_key(event_name)
        wanted = lead_id(workspace_id, customer_external_id, key)
        waited = ("lead", "", wanted)
        arrival = self.memory.arrivals.expect(waited)
        try:
            async with asyncio.timeout(WAIT_S):
                if self._recent.has_lead(wanted):
                    return
                with suppress(Uncertain):
                    if await self.older.has_lead(workspace_id, customer_external_id, key):
                        return
                await arrival
        except TimeoutError:
            return
        finally:
            self.memory.arrivals.forget(waited, arrival)

    def _linked(self, workspace_id: str) -> Callable[[KnownLink | Link], KnownLink]:
        return lambda link: self.memory.linked(workspace_id, link)

    def _customer_places(self, workspace_id: str, customer: str) -> "_CustomerPlaces":
        key = customer_key(workspace_id, customer)
        name = self._settings.topic(Topic.DEFERRED_LEADS)
        return _CustomerPlaces(
            [TopicPartition(name, one) for one in range(self._follower.partitions[Topic.DEFERRED_LEADS])],
            self._place(Topic.QUALIFICATIONS, key),
            self._place(Topic.ERASURES, key),
            self._place(Topic.CUSTOMERS, key),
        )

    def _place(self, topic: Topic, key: bytes) -> TopicPartition:
        partition = partition_for(key, self._follower.partitions[topic])
        return TopicPartition(self._settings.topic(topic), partition)

    def _reach(self, place: TopicPartition) -> Reach:
        start = self._recent.start(place)
        assert start is not None  # noqa: S101 - narrows: all of its topics are followed
        return Reach(start, self._recent.reached[place])


def _is_settled(found: KnownCustomer | None) -> bool:
    """Whatever else is said of the customer changes nothing about its having a request."""
    return found is not None and (found.requested or found.erased)


def _incomplete() -> Uncertain:
    return Uncertain("What is known of the customer is not complete at the moment. Try again.")


class _CustomerPlaces(NamedTuple):
    """Partitions that say something of a customer."""

    deferred: Sequence[TopicPartition]
    qualifications: TopicPartition
    erasures: TopicPartition
    customers: TopicPartition

    @property
    def of_events(self) -> list[TopicPartition]:
        """Those that producers write."""
        return [*self.deferred, self.qualifications, self.erasures]


@asynccontextmanager
async def open_facts(
    settings: Settings,
    registry: Registry,
    clock: Callable[[], int] = epoch_ms,
    *,
    back_ms: int = BACK_MS,
    most_visits: int = MOST_VISITS,
) -> AsyncIterator[RecentAndOlder]:
    """Facts that follow the topics while they are open. ``clock``: epoch milliseconds. ``back_ms``,
    ``most_visits``: as of ``Follower``.

    Raises ``NoBroker`` or ``KafkaRefused`` when Kafka cannot be read at the start; everything that happens
    later is waited out. ClickHouse may be away.
    """
    memory = Memory(Recent(settings.gateway_memory), lambda: registry.links, clock)
    older = Older(settings, memory.registered)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(older.close)
        follower = await stack.enter_async_context(Follower(settings, memory, clock, back_ms, most_visits))
        watch = Watch(settings, follower.starts)
        tasks = asyncio.create_task(follower.run()), asyncio.create_task(watch.run())
        for task in tasks:
            stack.push_async_callback(_ended, task)
        yield RecentAndOlder(settings, memory, follower, watch, older, tasks)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
