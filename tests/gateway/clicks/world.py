"""A short domain, its links, and those who follow them; without a server."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from processors.gateway.answers import Answer, TryAgain
from processors.gateway.clicks.recording import Recorder
from processors.gateway.clicks.redirect import Redirects
from processors.gateway.clicks.visits import VisitorRequest, Visitors
from processors.gateway.known import KnownClick, KnownCustomer, KnownSale
from processors.registry.contents import Contents
from processors.registry.names import same_key
from processors.visitors.addresses import Addresses
from processors.visitors.agents import Agents
from processors.visitors.places import Places
from schemas.links import Link
from schemas.registry import Domain, Workspace, encode_workspace
from schemas.routing import Routed, place_of
from schemas.times import HOUR_MS
from schemas.topics import Topic

DOMAIN: Final = "go.acme.example"
NOON: Final = 1_800_014_400_000
"""Of a day, UTC."""
CHROME: Final = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
)
IPHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)
AMERICAN: Final = "8.8.8.8"
DUTCH: Final = "193.0.6.139"
PROXY: Final = "10.0.0.1"

_AGENTS: Final = Agents()
_PLACES: Final = Places()


def link(key: str = "offer", **fields: Any) -> Link:
    """Of acme, without tracking."""
    given = {"id": f"link_{key}", "workspace_id": "acme", "domain": DOMAIN, "url": "https://acme.example/"}
    return Link(key=key, created_at=0, updated_at=0, **{**given, **fields})


def tracked(key: str = "offer", **fields: Any) -> Link:
    """Of acme, with tracking."""
    return link(key, track_conversion=True, **fields)


class Registry:
    """``later``: what others have written, and is not here yet. ``away``: it says nothing."""

    def __init__(self, workspace: Workspace, *links: Link) -> None:
        self.contents = Contents()
        self.contents.apply(workspace.workspace_id.encode(), encode_workspace(workspace))
        self._links = {(one.domain, same_key(one.key)): one for one in links}
        self.later: list[Link] = []
        self.away: Exception | None = None
        self.caught_up = 0

    @property
    def links(self) -> "Registry":
        return self

    def at(self, domain: str, key: str) -> Link | None:
        return self._links.get((domain, same_key(key)))

    def put(self, one: Link) -> None:
        self._links[(one.domain, same_key(one.key))] = one

    async def catch_up(self) -> None:
        self.caught_up += 1
        if isinstance(self.away, TimeoutError):
            await asyncio.Event().wait()
        if self.away is not None:
            raise self.away
        for one in self.later:
            self.put(one)


class Facts:
    """What a gateway knows that follows the topic of clicks."""

    def __init__(self) -> None:
        self.visits: dict[tuple[str, str], tuple[str, int]] = {}

    async def click(self, workspace_id: str, click_id: str) -> KnownClick | None:
        raise NotImplementedError

    async def customer(
        self, workspace_id: str, customer_external_id: str, *, wait: bool = True, requested: bool = False
    ) -> KnownCustomer | None:
        raise NotImplementedError

    async def sale(self, workspace_id: str, customer_external_id: str, invoice_id: str) -> KnownSale | None:
        raise NotImplementedError

    def click_of_visitor(self, link_id: str, visitor: str, now_ms: int) -> str | None:
        click_id, at_ms = self.visits.get((link_id, visitor), ("", 0))
        return click_id if click_id and now_ms - at_ms < HOUR_MS else None

    async def until_in_leads(self, workspace_id: str, customer_external_id: str, event_name: str) -> None:
        raise NotImplementedError


@dataclass
class Publisher:
    """Kafka. ``facts``: of all gateways, which hear of it. ``pause``: until then nothing is acknowledged."""

    facts: list[Facts]
    events: list[dict[str, Any]] = field(default_factory=list)
    visitors: list[str | None] = field(default_factory=list)
    away: bool = False
    pause: asyncio.Event | None = None

    async def publish(
        self, value: bytes, *, headers: tuple[tuple[str, bytes], ...] = (), routed: Routed | None = None
    ) -> None:
        assert (routed or place_of(value, NOON)).topic is Topic.CLICKS
        if self.pause is not None:
            await self.pause.wait()
        if self.away:
            raise TryAgain("Kafka is away")
        event = json.loads(value)
        visitor = dict(headers).get("visitor")
        self.events.append(event)
        self.visitors.append(None if visitor is None else visitor.decode())
        if visitor is not None:
            for one in self.facts:
                one.visits[event["linkId"], visitor.decode()] = event["clickId"], event["timestamp"]

    async def keep(self, value: bytes, *, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        await self.publish(value, headers=headers)


class World:
    """A gateway, or several of them (:meth:`beside`)."""

    def __init__(
        self, *links: Link, seed: int = 1, proxies: tuple[str, ...] = (PROXY,), **workspace: Any
    ) -> None:
        self.workspace = Workspace(
            **{
                "workspace_id": "acme",
                "domains": (Domain(slug=DOMAIN),),
                "visitor_salt": "salt",
                **workspace,
            }
        )
        self.registry = Registry(self.workspace, *links)
        self.facts = Facts()
        self.publisher = Publisher([self.facts])
        self.visitors = Visitors(Addresses(proxies), _AGENTS, _PLACES)
        self._start(seed)

    def _start(self, seed: int) -> None:
        self.recorder = Recorder(self.facts, self.publisher, Random(seed))
        self.redirects = Redirects(self.registry, self.visitors, self.recorder)

    def beside(self) -> "World":
        """Another gateway on the same Kafka."""
        other = World.__new__(World)
        other.__dict__ |= self.__dict__
        other.facts = Facts()
        self.publisher.facts.append(other.facts)
        other._start(seed=2)
        return other

    @property
    def events(self) -> list[dict[str, Any]]:
        """All clicks that were recorded."""
        return self.publisher.events

    async def follow(
        self,
        path: str | bytes = "/offer",
        query: str = "",
        *,
        method: str = "GET",
        ip: str = AMERICAN,
        agent: str = CHROME,
        peer: str | None = PROXY,
        at: int = NOON,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """As a browser behind the proxy does, which writes ``ip`` into its header."""
        given = {"user-agent": agent, "x-forwarded-for": ip, **(headers or {})}
        raw = path if isinstance(path, bytes) else path.encode()
        request = VisitorRequest(
            method, DOMAIN, raw, query, {name: one for name, one in given.items() if one}, peer, at
        )
        return await self.redirects.answer(request, self.workspace)


def location(answer: Answer) -> str:
    """Where it leads."""
    return answer.headers["Location"]
