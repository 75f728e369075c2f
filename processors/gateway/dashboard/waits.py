"""How long leads have waited: from the sign-up to the qualification, of all and by partner."""

# ruff: noqa: S608 - what strangers say goes in as parameters; the rest is ours

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from processors.gateway.analytics.filters import Kind
from processors.gateway.analytics.scopes import Scope, within
from processors.gateway.asking import Ask
from processors.gateway.dashboard.journeys import Took

BORDERS: Final = (0, *(60 << doubled for doubled in range(26)))
"""In seconds, as those of the view ``time_to_qualify``, for longer than anybody waits."""
MOST_COMPARED: Final = 20
"""Partners side by side."""


@dataclass(frozen=True)
class Waited:
    """The leads of a partner; None: of all. ``leads``: how many by the border from which on they have
    waited."""

    partner_id: str | None
    leads: Mapping[int, int]
    took: Took

    @property
    def total(self) -> int:
        """Of all borders."""
        return sum(self.leads.values())


@dataclass(frozen=True)
class Waits:
    """``first`` of ``there_are`` partners, most leads first."""

    all: Waited
    first: Sequence[Waited]
    there_are: int


async def waits(ask: Ask, scope: Scope, most: int) -> Waits:
    """Of the leads that the filters leave, counted as the view ``time_to_qualify`` does."""
    sql = f"""
        SELECT
            if(grouping(partner_id) = 1, NULL, partner_id) AS partner,
            sumMap(map(border, toUInt64(quantity))) AS leads,
            quantilesExact(0.5, 0.9)(seconds),
            count() OVER () - 1
        FROM
        (
            SELECT partner_id, quantity, dateDiff('second', deferred_at, timestamp) AS seconds,
                roundDown(greatest(0, seconds), {{borders:Array(Int64)}}) AS border
            FROM leads WHERE {scope.sql(Kind.LEADS)} AND {within("timestamp")}
        )
        GROUP BY GROUPING SETS ((), (partner_id))
        ORDER BY grouping(partner_id) DESC, arraySum(mapValues(leads)) DESC, partner
        LIMIT {{most:UInt32}}
    """
    rows = await ask(sql, {**scope.parameters, "borders": [*BORDERS], "most": most + 1})
    found = [Waited(row[0], row[1], Took.of(row[2] if row[1] else [])) for row in rows]
    return Waits(found[0], found[1:], rows[0][3]) if found else Waits(Waited(None, {}, Took.of([])), [], 0)


@dataclass(frozen=True)
class Bucket:
    """``share``: of all leads; ``by_then``: of all, those of shorter buckets with it."""

    from_s: int
    to_s: int
    leads: int
    share: float
    by_then: float
    width: str


def buckets(waited: Waited) -> list[Bucket]:
    """From the shortest to the longest wait there is, with those between that nobody has; the bar of the
    fullest is full."""
    if not waited.total:
        return []
    within_s = range(BORDERS.index(min(waited.leads)), BORDERS.index(max(waited.leads)) + 1)
    counts = [waited.leads.get(BORDERS[index], 0) for index in within_s]
    most, total = max(counts), sum(counts)
    return [
        Bucket(
            BORDERS[index],
            60 << index,
            count,
            count / total,
            so_far / total,
            f"{count / most * 100:.2f}%",
        )
        for index, count, so_far in zip(within_s, counts, accumulate(counts), strict=True)
    ]
