"""What came of links: clicks, leads, sales, as ClickHouse has them."""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from processors.clickhouse.query_limits import QueryTooLarge
from processors.gateway.answers import TryAgain
from processors.gateway.asking import Ask, Row

log = logging.getLogger(__name__)

FRESH_S: Final = 10.0
PATIENCE_S: Final = 2.0
"""A caller waits no longer for numbers; what comes later is kept for the next one."""
REST_S: Final = 2.0
"""After a question that failed none is asked for so long."""
MOST_KEPT: Final = 20_000


class Counters(NamedTuple):
    """Of one link. ``leads`` counts quantities, ``conversions`` customers who paid; ``sale_amount`` adds up
    minor units. ``last_clicked``: epoch milliseconds.
    """

    clicks: int = 0
    last_clicked: int | None = None
    leads: int = 0
    conversions: int = 0
    sales: int = 0
    sale_amount: int = 0


NONE: Final = Counters()

_Place = tuple[str, str]
"""Workspace and link."""


class _Known(NamedTuple):
    at: float
    counters: Counters


class _Asked(NamedTuple):
    at: float
    task: asyncio.Task[None]


_NEVER: Final = _Known(-math.inf, NONE)

_SQL: Final = """
    SELECT link_id, sum(clicked), max(last), sum(led), sum(converted), sum(sold), sum(earned)
    FROM
    (
        SELECT link_id, count() AS clicked, toUnixTimestamp64Milli(max(timestamp)) AS last,
            0 AS led, 0 AS converted, 0 AS sold, toInt128(0) AS earned
        FROM clicks WHERE workspace_id = {workspace:String} AND link_id IN {ids:Array(String)}
        GROUP BY link_id
        UNION ALL
        SELECT link_id, 0, 0, sum(quantity), 0, 0, 0
        FROM leads WHERE workspace_id = {workspace:String} AND link_id IN {ids:Array(String)}
        GROUP BY link_id
        UNION ALL
        SELECT link_id, 0, 0, 0, uniqExact(customer_id), count(), sum(toInt128(amount))
        FROM sales WHERE workspace_id = {workspace:String} AND link_id IN {ids:Array(String)}
        GROUP BY link_id
    )
    GROUP BY link_id
"""


class LinkCounters:
    """Numbers at most 10 s old; the last known ones where ClickHouse does not answer in time.

    ``ask``: as ``Stored.rows``. ``clock``: seconds, monotonic.
    """

    def __init__(
        self,
        ask: Ask,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = PATIENCE_S,
        most_kept: int = MOST_KEPT,
    ) -> None:
        self._ask, self._clock = ask, clock
        self._patience_s, self._most_kept = patience_s, most_kept
        self._known: OrderedDict[_Place, _Known] = OrderedDict()
        self._asked: dict[_Place, _Asked] = {}
        self._rests_until = -math.inf

    async def of(self, workspace_id: str, link_ids: Iterable[str]) -> Mapping[str, Counters]:
        """By link id; zeros where nothing is known. Waits 2 s at the longest; raises for no store."""
        places = [(workspace_id, one) for one in link_ids]
        now = self._clock()
        stale = [one for one in places if self._known.get(one, _NEVER).at <= now - FRESH_S]
        if stale and now >= self._rests_until and not self._is_late(workspace_id, now):
            if new := [one for one in stale if one not in self._asked]:
                self._asked.update(dict.fromkeys(new, self._ask_for(new, now)))
            await asyncio.wait({self._asked[one].task for one in stale}, timeout=self._patience_s)
        return {one[1]: self._known.get(one, _NEVER).counters for one in places}

    def _is_late(self, workspace_id: str, now: float) -> bool:
        """Somebody has waited in vain already, and nobody needs to do so again."""
        return any(
            place[0] == workspace_id and one.at <= now - self._patience_s
            for place, one in self._asked.items()
        )

    def _ask_for(self, places: list[_Place], now: float) -> _Asked:
        return _Asked(now, asyncio.create_task(self._read(places, now)))

    async def _read(self, places: list[_Place], asked_at: float) -> None:
        try:
            rows = await self._ask(_SQL, {"workspace": places[0][0], "ids": [one for _, one in places]})
        except (TryAgain, QueryTooLarge) as error:
            self._rests_until = self._clock() + REST_S
            log.warning("numbers of links are the last known ones: %s", error)
        else:
            found = {str(row[0]): _counters(row) for row in rows}
            for one in places:
                self._known[one] = _Known(asked_at, found.get(one[1], NONE))
                self._known.move_to_end(one)
            while len(self._known) > self._most_kept:
                self._known.popitem(last=False)
        finally:
            for one in places:
                self._asked.pop(one, None)


def _counters(row: Row) -> Counters:
    clicks, last, leads, conversions, sales, amount = (int(one) for one in row[1:])
    return Counters(clicks, last or None, leads, conversions, sales, amount)
