"""A click becomes an event, once for each visitor and link within an hour."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from random import Random
from string import ascii_letters, digits
from typing import Any, Final, Literal, Protocol
from urllib.parse import urlsplit

from msgspec.json import Encoder

from processors.gateway.clicks.visits import Visitor
from processors.gateway.known import Publisher
from processors.visitors.hashing import visitor_hashes
from schemas.decoding import Refused
from schemas.headers import Header
from schemas.links import Link
from schemas.registry import Workspace
from schemas.texts import HEADER, URL
from schemas.times import HOUR_MS

log = logging.getLogger(__name__)

SAME_CLICK_MS: Final = HOUR_MS
CLICK_ID_CHARACTERS: Final = 16
_ALPHABET: Final = (ascii_letters + digits).encode()
_LETTERS: Final = (_ALPHABET * 5)[:256]
_LEFT_OUT: Final = bytes(range(256 // len(_ALPHABET) * len(_ALPHABET), 256))
"""Bytes that would make some letters likelier than others."""
_MOST_REMEMBERED: Final = 10_000
"""Clicks that Kafka may not have acknowledged: some seconds' worth, 3 MB."""

Trigger = Literal["link", "qr", "pageview", "deeplink"]
_encode: Final = Encoder().encode
_Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody came by a link. ``url``: where it led to, without what we add. ``tracked``: his click id is
    given away, so that what comes of it counts. ``referrer``: the page that he came from. ``event_id``: what
    stands for an ``Idempotency-Key``.
    """

    workspace: Workspace
    link: Link
    visitor: Visitor
    url: str
    trigger: Trigger
    tracked: bool
    referrer: str | None
    now_ms: int
    event_id: str | None = None


class Visits(Protocol):
    """Which clicks are known: of ``Facts``."""

    def click_of_visitor(self, link_id: str, visitor: str, now_ms: int) -> str | None:
        """The one that this visitor, a hash, was given for this link within the last hour."""


class Recorder:
    """Writes clicks down. ``random``: unguessable, but for tests.

    What it remembers itself are the clicks that ``facts`` have not heard of yet.
    """

    def __init__(self, facts: Visits, publisher: Publisher, random: Random) -> None:
        self._facts = facts
        self._publisher = publisher
        self._random = random
        self._handed: dict[_Name, tuple[str, int]] = {}
        self._under_way: dict[_Name, asyncio.Task[None]] = {}

    async def keep(self, arrival: Arrival) -> str | None:
        """The id of this click, or of the one before it. Waits as ``Publisher.keep`` does, and never raises;
        None: of this link nothing can be recorded."""
        names = _names(arrival)
        if (known := self._known(arrival, names)) is not None:
            return known
        click_id = self._hand_out(arrival, names)
        try:
            await self._publisher.keep(_event(arrival, click_id), headers=_headers(names))
        except Refused as refused:
            self._forget(names)
            log.error("clicks on link %s cannot be recorded: %s", arrival.link.id, refused.detail)
            return None
        return click_id

    async def publish(self, arrival: Arrival) -> str:
        """The same, once it is in Kafka. Raises ``TryAgain``, and then the next call writes another click."""
        names = _names(arrival)
        click_id = self._known(arrival, names)
        if click_id is None:
            click_id = self._hand_out(arrival, names)
            sent = self._publisher.publish(_event(arrival, click_id), headers=_headers(names))
            task = asyncio.ensure_future(sent)
            if not names:
                await task
                return click_id
            self._under_way[names[0]] = task
            task.add_done_callback(partial(self._settled, names[0]))
        for name in names:
            if name in self._under_way:
                await asyncio.shield(self._under_way[name])
        return click_id

    def _known(self, arrival: Arrival, names: tuple[_Name, ...]) -> str | None:
        for link_id, visitor in names:
            found = self._facts.click_of_visitor(link_id, visitor, arrival.now_ms)
            if found is not None:
                return found
            click_id, at_ms = self._handed.get((link_id, visitor), ("", 0))
            if click_id and arrival.now_ms - at_ms < SAME_CLICK_MS:
                return click_id
        return None

    def _hand_out(self, arrival: Arrival, names: tuple[_Name, ...]) -> str:
        click_id = new_click_id(self._random)
        if names:
            self._handed.pop(names[0], None)  # the order is that of handing out
            self._handed[names[0]] = click_id, arrival.now_ms
            if len(self._handed) > _MOST_REMEMBERED:
                del self._handed[next(iter(self._handed))]
        return click_id

    def _settled(self, name: _Name, task: asyncio.Task[None]) -> None:
        del self._under_way[name]
        if task.cancelled() or task.exception() is not None:
            self._forget((name,))

    def _forget(self, names: tuple[_Name, ...]) -> None:
        for name in names:
            self._handed.pop(name, None)


def new_click_id(random: Random) -> str:
    """16 letters and digits."""
    found = b""
    while len(found) < CLICK_ID_CHARACTERS:
        found += random.randbytes(2 * CLICK_ID_CHARACTERS).translate(_LETTERS, _LEFT_OUT)
    return found[:CLICK_ID_CHARACTERS].decode()


def is_click_id(text: str) -> bool:
    """Can it be one of those?"""
    return len(text) == CLICK_ID_CHARACTERS and text.isascii() and text.isalnum()


def _names(arrival: Arrival) -> tuple[_Name, ...]:
    """The link, and a hash of the visitor that is another one for every link, and for clicks that do not
    count: who starts to track conversions on a link waits for nobody's hour to pass. The first is that of
    today. None of somebody without an address, and none without a secret: who reads the topic could find the
    address by trying all."""
    secret = arrival.workspace.visitor_secret
    if arrival.visitor.address is None or not secret:
        return ()
    link_id = arrival.link.id
    parts = link_id, "1" if arrival.tracked else "0", str(arrival.visitor.address), arrival.visitor.user_agent
    hashes = visitor_hashes(secret, arrival.now_ms, SAME_CLICK_MS, *parts)
    return tuple((link_id, one) for one in hashes)


def _headers(names: tuple[_Name, ...]) -> tuple[tuple[str, bytes], ...]:
    return ((Header.VISITOR.value, names[0][1].encode()),) if names else ()


def _event(arrival: Arrival, click_id: str) -> bytes:
    link, visitor, place = arrival.link, arrival.visitor, arrival.visitor.place
    fields: dict[str, Any] = {
        "type": "click",
        "workspaceId": arrival.workspace.workspace_id,
        "clickId": click_id,
        "timestamp": arrival.now_ms,
        "eventId": arrival.event_id,
        "linkId": link.id,
        "domain": link.domain,
        "key": link.key,
        "url": arrival.url[:URL],
        "trackConversion": arrival.tracked,
        "partnerId": link.partner_id,
        "programId": link.program_id,
        "tenantId": link.tenant_id,
        "linkExternalId": link.external_id,
        **place._asdict(),
        "device": visitor.agent.device,
        "browser": visitor.agent.browser,
        "os": visitor.agent.os,
        "ua": visitor.user_agent[:HEADER] or None,
        "referer": _host(arrival.referrer),
        "refererUrl": (arrival.referrer or "")[:HEADER] or None,
        "ip": visitor.kept_ip,
        "trigger": arrival.trigger,
        "qr": arrival.trigger == "qr",
    }
    return _encode({name: value for name, value in fields.items() if value is not None})


def _host(url: str | None) -> str | None:
    """Of a page, without the www."""
    try:
        return (urlsplit(url or "").hostname or "").removeprefix("www.")[:253] or None
    except ValueError:
        return None
