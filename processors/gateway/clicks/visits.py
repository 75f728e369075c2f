"""Who comes: what a request says of the one who made it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

from processors.gateway.clicks.destination import NO_TRACK, names_of
from processors.visitors.addresses import Address, Addresses
from processors.visitors.agents import Agent, Agents
from processors.visitors.countries import may_keep_addresses
from processors.visitors.networks import told_by_network
from processors.visitors.places import Place, Places
from schemas.registry import Workspace

log = logging.getLogger(__name__)

_SPECULATIVE: Final = (
    ("sec-purpose", "prefetch"),
    ("purpose", "prefetch"),
    ("x-purpose", "preview"),
    ("x-moz", "prefetch"),
)
"""Of requests that a browser makes in case somebody follows the link."""


@dataclass(frozen=True, slots=True)
class VisitorRequest:
    """A request, as it came.

    ``domain``: of its ``Host``, as the registry writes it. ``path``: raw. ``query``: raw, without ``?``;
    bytes that are no UTF-8 as ``surrogateescape``. ``headers``: by their names in lower case, those that came
    several times joined by commas. ``peer``: the address that the connection is from. ``now_ms``: when it
    came.
    """

    method: str
    domain: str
    path: bytes
    query: str
    headers: Mapping[str, str]
    peer: str | None
    now_ms: int

    @classmethod
    def of(cls, scope: Mapping[str, Any], domain: str, now_ms: int) -> Self:
        """``scope``: of ASGI."""
        headers: dict[str, str] = {}
        for raw_name, raw in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw.decode("utf-8", "replace")
            headers[name] = f"{headers[name]}{_BETWEEN.get(name, ', ')}{value}" if name in headers else value
        return cls(
            scope["method"],
            domain,
            scope["raw_path"],
            scope["query_string"].decode("utf-8", "surrogateescape"),
            headers,
            scope["client"][0] if scope.get("client") else None,
            now_ms,
        )


_BETWEEN: Final = {"cookie": "; "}


@dataclass(frozen=True)
class Visitor:
    """``address``: of the client itself. ``user_agent``: as it came, "" when there is none.

    ``speculative``: the request was made in case somebody follows the link. ``asks_not``: not to be recorded,
    by ``dub-no-track``; ``asks_privacy``: by Global Privacy Control.
    """

    address: Address | None
    agent: Agent
    place: Place
    user_agent: str
    speculative: bool
    asks_not: bool
    asks_privacy: bool

    @cached_property
    def kept_ip(self) -> str | None:
        """The address as it may be stored."""
        return str(self.address) if self.address and may_keep_addresses(self.place.country) else None

    def is_recorded(self, workspace: Workspace, *, through_library: bool = False) -> bool:
        """``through_library``: an app may be the one who asks; those use libraries like robots."""
        robot = self.agent.bot and not (through_library and self.agent.library)
        refused = self.asks_not or (self.asks_privacy and not workspace.record_gpc)
        return not (robot or self.speculative or refused)


class Visitors:
    """Knows visitors by their requests."""

    def __init__(self, addresses: Addresses, agents: Agents, places: Places) -> None:
        self._addresses = addresses
        self._agents = agents
        self._places = places
        self._warned = False

    def address_of(self, request: VisitorRequest) -> Address | None:
        """Of the client, behind trusted proxies."""
        return self._addresses.client(request.peer, request.headers.get("x-forwarded-for"))

    def of(self, request: VisitorRequest) -> Visitor:
        """Never raises."""
        headers = request.headers
        address = self.address_of(request)
        trusted = self._addresses.is_trusted(request.peer)
        if not trusted and address is not None and not address.is_global and "x-forwarded-for" in headers:
            self._warn()
        user_agent = headers.get("user-agent", "")
        return Visitor(
            address=address,
            agent=self._agents.of(user_agent),
            place=(told_by_network(headers) if trusted else None) or self._places.of(address),
            user_agent=user_agent,
            speculative=any(word in headers.get(name, "").lower() for name, word in _SPECULATIVE),
            asks_not=NO_TRACK in headers or NO_TRACK in names_of(request.query),
            asks_privacy=headers.get("sec-gpc", "").strip() == "1",
        )

    def _warn(self) -> None:
        """Once: all visitors behind one proxy look like one, and each link counts them so."""
        if not self._warned:
            self._warned = True
            log.warning(
                "requests come through a proxy of the own network that is not trusted, so that its visitors"
                " cannot be told apart: put its address into LEADSTREAM_TRUSTED_PROXIES"
            )
