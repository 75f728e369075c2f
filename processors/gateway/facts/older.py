"""What ClickHouse knows, asked for many at once.

A question waits for no more than the one before it, and some milliseconds in which others gather: a call of
the driver costs half a millisecond of CPU, whatever it asks for. What is silent for a second counts as gone,
and so does everything that goes wrong: the questions end as ``Uncertain``.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from msgspec import MsgspecError
from msgspec.json import Decoder

from processors.clickhouse.shared import SharedClient, Unanswered, answers
from processors.gateway.facts.entries import ClickEntry, SaleEntry, Standing
from processors.gateway.known import KnownLink, Uncertain
from processors.settings import Settings
from schemas.ids import customer_id, lead_id, sale_id
from schemas.links import Link

if TYPE_CHECKING:
    from clickhouse_connect.driver.asyncclient import AsyncClient

log = logging.getLogger(__name__)
V = TypeVar("V")

_OPENING_S: Final = 2.0
"""The first question waits until the driver is loaded, and connects, which takes questions of its own."""
_PATIENCE_S: Final = 1.0
_SILENCE_S: Final = 1
_GATHER_S: Final = 0.005
_MOST_AT_ONCE: Final = 500
_CACHED: Final = 20_000
_CACHED_S: Final = 30.0
_SETTINGS: Final = {
    "max_threads": 2,
    "max_execution_time": 2,
    "log_queries": 0,
    "output_format_json_quote_64bit_integers": 0,
}
"""Not logged by the server: questions have ids of people in them."""

_QUICK_CLICKS: Final = """
    SELECT workspace_id, click_id, toUnixTimestamp64Milli(timestamp) AS at_ms, track_conversion, link_id,
        toString(precedence)
    FROM clicks_by_id WHERE (workspace_id, click_id) IN {ids:Array(Tuple(String, String))}
"""
"""Half of what a question costs is columns and threads. Most links are registered, which says all of them."""
_QUICK: Final = {**_SETTINGS, "max_threads": 1}
_CLICKS: Final = """
    SELECT workspace_id, click_id, toUnixTimestamp64Milli(timestamp) AS at_ms, track_conversion,
        link_id, domain, key, url, partner_id, program_id, tenant_id, link_external_id
    FROM {table} WHERE (workspace_id, click_id) IN {ids:Array(Tuple(String, String))}
    ORDER BY precedence
"""
# Without FINAL, which takes twice as long: of several rows of a click the last one here counts.
_WHOLE_CLICKS: Final = _CLICKS.replace("{table}", "clicks_by_id")
_ALL_CLICKS: Final = _CLICKS.replace("{table}", "clicks_raw")
_CUSTOMERS: Final = """
    SELECT workspace_id, customer_external_id, status, toUnixTimestamp64Milli(deferred_at) AS deferred_ms,
        toUnixTimestamp64Milli(customer_first_seen_at) AS first_seen_ms, click_id,
        customer_name, customer_email, customer_avatar, toUnixTimestamp64Milli(click_timestamp) AS at_ms,
        link_id, domain, key, url, partner_id, program_id, tenant_id, link_external_id
    FROM customers WHERE (workspace_id, customer_external_id) IN {ids:Array(Tuple(String, String))}
"""
ERASED_AMONG: Final = "SELECT DISTINCT customer_id FROM erased_raw WHERE customer_id IN {ids:Array(String)}"
_SALES: Final = """
    SELECT sale_id, toUnixTimestamp64Milli(timestamp) AS at_ms, amount, currency, event_name,
        payment_processor, metadata
    FROM sales WHERE (workspace_id, sale_id) IN {ids:Array(Tuple(String, String))}
"""
_LEADS: Final = (
    "SELECT lead_id FROM leads WHERE (workspace_id, lead_id) IN {ids:Array(Tuple(String, String))}"
)

Pair = tuple[str, str]
Registered = Callable[[str, str], Link | None]
"""This workspace's link of this id, if there is one."""
_decode_rows: Final = Decoder(list[Any]).decode_lines


class Erased:
    """Of a customer, instead of a standing."""


ERASED: Final = Erased()


class Older:
    """``lookups``, ``failures``: how often ClickHouse was asked, and in vain. Opens nothing before the first
    question, so that a gateway starts without ClickHouse. ``registered``: of such a link nothing is asked
    but its id."""

    def __init__(self, settings: Settings, registered: Registered) -> None:
        self._client = SharedClient(settings, _SILENCE_S)
        self.lookups = self.failures = 0
        self._clicks = Lookup[ClickEntry](self._ask(partial(_clicks, registered)))
        self._customers = Lookup[Standing | Erased](self._ask(_customers), _is_final)
        self._sales = Lookup[SaleEntry](self._ask(_sales))
        self._leads = Lookup[str](self._ask(_leads))

    async def close(self) -> None:
        """Waits half a second, at most."""
        await self._client.close()

    async def click(self, workspace_id: str, click_id: str) -> ClickEntry | None:
        """Raises ``Uncertain``, as the others."""
        return await self._clicks.get((workspace_id, click_id))

    async def customer(self, workspace_id: str, customer: str) -> Standing | Erased | None:
        """As it was published last."""
        return await self._customers.get((workspace_id, customer))

    def cached_customer(self, workspace_id: str, customer: str) -> Standing | Erased | None:
        """Without asking."""
        return self._customers.cached((workspace_id, customer))

    async def sale(self, workspace_id: str, customer: str, invoice_id: str) -> SaleEntry | None:
        """By the invoice."""
        return await self._sales.get((workspace_id, sale_id(workspace_id, customer, invoice_id)))

    async def has_lead(self, workspace_id: str, customer: str, key_of_event: str) -> bool:
        """It was emitted."""
        found = await self._leads.get((workspace_id, lead_id(workspace_id, customer, key_of_event)))
        return found is not None

    def _ask(
        self, query: "Callable[[AsyncClient, Sequence[Pair]], Awaitable[Mapping[Pair, V]]]"
    ) -> Callable[[Sequence[Pair]], "asyncio.Future[Mapping[Pair, V]]"]:
        async def ask(keys: Sequence[Pair]) -> Mapping[Pair, V]:
            self.lookups += 1
            try:
                with answers():
                    async with asyncio.timeout(_OPENING_S):
                        client = await self._client.get()
                    async with asyncio.timeout(_PATIENCE_S):
                        return await query(client, keys)
            except (Unanswered, MsgspecError) as error:
                self.failures += 1
                # Its text may have the query, and that has ids of people.
                cause = error.__cause__ if isinstance(error, Unanswered) else error
                log.warning("ClickHouse does not answer", extra={"error": type(cause).__name__})
                raise Uncertain("ClickHouse does not answer. Try again.") from None

        return lambda keys: asyncio.ensure_future(ask(keys))


class Lookup(Generic[V]):
    """Questions of one kind. What was found is remembered for half a minute; what was not, not at all, nor
    what is not ``final``, since more is concluded from it than that it was so a while ago."""

    def __init__(
        self,
        ask: Callable[[Sequence[Pair]], "asyncio.Future[Mapping[Pair, V]]"],
        final: Callable[[V], bool] = lambda _: True,
    ) -> None:
        self._ask = ask
        self._final = final
        self._gathering: dict[Pair, asyncio.Future[V | None]] = {}
        self._running: asyncio.Task[None] | None = None
        self._cache: OrderedDict[Pair, tuple[float, V]] = OrderedDict()

    def cached(self, key: Pair) -> V | None:
        """Without asking."""
        found = self._cache.get(key)
        if found is None or asyncio.get_running_loop().time() > found[0]:
            return None
        return found[1]

    async def get(self, key: Pair) -> V | None:
        """Raises ``Uncertain``."""
        if (found := self.cached(key)) is not None:
            return found
        answer = self._gathering.get(key)
        if answer is None:
            answer = self._gathering[key] = asyncio.get_running_loop().create_future()
            if self._running is None:
                self._running = asyncio.create_task(self._run())
        # Several may wait for it, and one of them may go.
        return await asyncio.shield(answer)

    async def _run(self) -> None:
        """One query after the other, until nobody asks any more."""
        try:
            while self._gathering:
                await asyncio.sleep(_GATHER_S)
                keys = list(self._gathering)[:_MOST_AT_ONCE]
                asked = {key: self._gathering.pop(key) for key in keys}
                await self._answer(asked)
        finally:
            self._running = None

    async def _answer(self, asked: Mapping[Pair, "asyncio.Future[V | None]"]) -> None:
        try:
            found = await self._ask(list(asked))
        except Exception as error:
            if not isinstance(error, Uncertain):
                log.error("ClickHouse was asked in vain", extra={"error": type(error).__name__})
            for answer in asked.values():
                answer.set_exception(Uncertain("ClickHouse does not answer. Try again."))
                answer.exception()  # whoever asked may have gone
            return
        until = asyncio.get_running_loop().time() + _CACHED_S
        for key, answer in asked.items():
            if (one := found.get(key)) is not None and self._final(one):
                self._cache[key] = until, one
                self._cache.move_to_end(key)
            answer.set_result(one)
        while len(self._cache) > _CACHED:
            self._cache.popitem(last=False)


def _is_final(found: Standing | Erased) -> bool:
    """That a request was accepted stays so; that none was does not."""
    return isinstance(found, Erased) or found.requested


async def _rows(
    client: "AsyncClient", sql: str, ids: Sequence[Any], settings: Mapping[str, int] = _SETTINGS
) -> Sequence[Sequence[Any]]:
    # A third cheaper than the driver's own format, for so few rows.
    answer = await client.raw_query(sql, {"ids": list(ids)}, dict(settings), fmt="JSONCompactEachRow")
    return _decode_rows(answer)


def _link(fields: Sequence[str]) -> KnownLink:
    """From the columns link_id, domain, key, url, partner_id, program_id, tenant_id, link_external_id."""
    return KnownLink(*(field or None for field in fields))


async def _clicks(
    registered: Registered, client: "AsyncClient", keys: Sequence[Pair]
) -> Mapping[Pair, ClickEntry]:
    rows = await _rows(client, _QUICK_CLICKS, keys, _QUICK)
    quick = {(row[0], row[1]): row[2:5] for row in sorted(rows, key=_precedence)}
    found = {
        key: ClickEntry(at_ms, bool(tracked), link)
        for key, (at_ms, tracked, link_id) in quick.items()
        if (link := registered(key[0], link_id)) is not None
    }
    if whole := [key for key in quick if key not in found]:
        found |= _clicks_of(await _rows(client, _WHOLE_CLICKS, whole))
    # Whatever may have kept a click out of there: that it is nowhere is not said because of it.
    if missing := [key for key in keys if key not in quick]:
        found |= _clicks_of(await _rows(client, _ALL_CLICKS, missing))
    return found


def _precedence(row: Sequence[Any]) -> int:
    return int(row[-1])


def _clicks_of(rows: Sequence[Sequence[Any]]) -> dict[Pair, ClickEntry]:
    return {
        (workspace_id, click_id): ClickEntry(at_ms, bool(tracked), _link(link))
        for workspace_id, click_id, at_ms, tracked, *link in rows
    }


async def _customers(client: "AsyncClient", keys: Sequence[Pair]) -> Mapping[Pair, Standing | Erased]:
    found: dict[Pair, Standing | Erased] = {}
    for workspace_id, customer, status, deferred_ms, first_seen_ms, click_id, *rest in await _rows(
        client, _CUSTOMERS, keys
    ):
        name, email, avatar, at_ms, *link = rest
        found[workspace_id, customer] = Standing(
            status == "qualified",
            deferred_ms,
            first_seen_ms,
            click_id,
            ClickEntry(at_ms, True, _link(link)),
            name or None,
            email or None,
            avatar or None,
        )
    ids = {customer_id(*key): key for key in keys if key not in found}
    if ids:
        found |= {ids[row[0]]: ERASED for row in await _rows(client, ERASED_AMONG, list(ids))}
    return found


async def _sales(client: "AsyncClient", keys: Sequence[Pair]) -> Mapping[Pair, SaleEntry]:
    workspaces = {sale: workspace_id for workspace_id, sale in keys}
    rows = await _rows(client, _SALES, keys)
    return {(workspaces[sale], sale): SaleEntry(*fields) for sale, *fields in rows}


async def _leads(client: "AsyncClient", keys: Sequence[Pair]) -> Mapping[Pair, str]:
    workspaces = {lead: workspace_id for workspace_id, lead in keys}
    return {(workspaces[lead], lead): lead for (lead,) in await _rows(client, _LEADS, keys)}
