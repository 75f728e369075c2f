"""Whichever way it is asked for, it is the same number: the one that a plain count of what is left gives."""

import csv
import io
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, Final, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from deploy.local.clickhouse import LocalClickHouse
from processors.gateway.analytics.filters import Filter
from processors.gateway.analytics.periods import Interval, Period, named, of_days
from processors.gateway.analytics.routes import analytics_routes
from processors.gateway.answers import Answer
from processors.gateway.links.calls import Shown
from processors.gateway.links.counters import LinkCounters
from processors.gateway.live import Live
from processors.gateway.routing import Route
from processors.registry.store import RegistryStore
from processors.settings import Settings
from schemas.ids import customer_id
from tests.clickhouse.database import fresh_database
from tests.gateway.analytics.history import (
    History,
    Test,
    counted,
    has_plan,
    leads_of,
    seats,
    utm,
)
from tests.gateway.analytics.test_periods import ZONES
from tests.gateway.links.world import NOW_MS, PUBLIC_URL, MemoryStore, called
from tests.gateway.stored import stored

pytestmark = pytest.mark.integration

NOW: Final = datetime.fromtimestamp(NOW_MS / 1000, UTC)
SEEDS: Final = range(5)
QUESTIONS: Final = 60
"""Of each seed; every one of them is asked seven times, each time in another way."""


@asynccontextmanager
async def asking(clickhouse: LocalClickHouse, history: History) -> AsyncIterator[Sequence[Route]]:
    with fresh_database(clickhouse.url) as database:
        history.write(database)
        async with stored(database.url) as store:
            registry = cast(RegistryStore, MemoryStore())
            shown = Shown(LinkCounters(store.rows), PUBLIC_URL)
            yield analytics_routes(store.rows, registry, shown, Live(Settings()))


Filtered = tuple[dict[str, str], Test]


def filters(random: Random, history: History) -> Iterator[Filtered]:
    """What a query says, and what it means."""
    country = random.choice(("DE", "a,b", "-x", "'); DROP"))
    negated = random.random() < 0.5
    of_country = Filter("country", (country,), negated).written
    yield {"country": of_country}, lambda _, row: (row["country"] == country) is not negated
    yield {"partnerId": "p1,p2"}, lambda _, row: row["partner_id"] in ("p1", "p2")
    yield {"eventName": "Meeting"}, lambda kind, row: kind == "clicks" or row["event_name"] == "Meeting"
    yield {"utm_source": "a b"}, lambda _, row: utm(row, "utm_source") == "a b"
    referrer = random.choice(("(direct)", "news.example", "(direct),news.example"))
    yield {"referer": referrer}, lambda _, row: (row["referer"] or "(direct)") in referrer
    minus = random.choice(("", "-"))
    yield (
        {"linkId": minus + "link_3,ext_own1"},
        lambda _, row: (row["link_id"] in ("link_1", "link_3")) is not bool(minus),
    )
    own, link = random.choice((("own1", "link_1"), ("ext_own1", "link_1"), ("ext_2", "link_2")))
    yield {"externalId": minus + own}, lambda _, row: (row["link_id"] == link) is not bool(minus)
    yield {"root": "true"}, lambda _, row: row["key"] == "_root"
    yield {"qr": "false"}, lambda _, row: row["trigger"] != "qr"
    yield {"query": "metadata['plan']:'pro'"}, lambda kind, row: kind == "clicks" or has_plan(row, "pro")
    yield (
        {"query": "metadata['plan']:'free' AND metadata['seats']>4"},
        lambda kind, row: kind == "clicks" or (has_plan(row, "free") and seats(row) > 4),
    )
    who = f"u{random.randrange(9)}"
    ours = customer_id("acme", who)
    theirs = {row["click_id"] for row in history.left("leads") if row["customer_id"] == ours}
    yield (
        {"customerId": random.choice((who, f"ext_{who}", ours))},
        lambda kind, row: row["click_id"] in theirs if kind == "clicks" else row["customer_id"] == ours,
    )
    kind_of_sale = random.choice(("new", "recurring"))
    firsts = first_sales(history)
    yield (
        {"saleType": kind_of_sale},
        lambda kind, row: kind != "sales" or (row["sale_id"] in firsts) is (kind_of_sale == "new"),
    )


def first_sales(history: History) -> set[str]:
    first: dict[str, Mapping[str, Any]] = {}
    for row in sorted(history.left("sales"), key=lambda row: (row["timestamp"], row["sale_id"])):
        first.setdefault(row["customer_id"], row)
    return {row["sale_id"] for row in first.values()}


def periods(random: Random) -> tuple[dict[str, str], Period]:
    zone = random.choice(ZONES)
    if random.random() < 0.5:
        interval = random.choice([one for one in Interval if one is not Interval.ALL])
        return {"interval": interval, "timezone": zone}, named(interval, ZoneInfo(zone), NOW_MS)
    last = NOW.date() - timedelta(days=random.randrange(200))
    first = last - timedelta(days=random.randrange(250))
    asked = {"start": first.isoformat(), "end": last.isoformat(), "timezone": zone}
    return asked, of_days(first, last, ZoneInfo(zone), NOW_MS)


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_way_of_asking_gives_the_same_number(clickhouse: LocalClickHouse, seed: int) -> None:
    random = Random(seed)
    history = History(random, NOW, days=420)
    history.fill(120)
    async with asking(clickhouse, history) as routes:
        for _ in range(QUESTIONS):
            when, period = periods(random)
            said, test = random.choice([({}, lambda _, __: True), *filters(random, history)])
            kind = random.choice(("clicks", "leads", "sales"))
            rows = [*counted(history, kind, period, test)]
            await check(routes, {**when, **said, "event": kind}, kind, rows, random)


async def check(
    routes: Sequence[Route],
    asked: Mapping[str, str],
    kind: str,
    rows: Sequence[Mapping[str, Any]],
    random: Random,
) -> None:
    """``asked``: it is to be these rows."""

    async def get(path: str, **more: str) -> Any:
        headers = {"accept": "text/csv"} if more.pop("accept", "") else None
        return await called(routes, f"GET {path}?{urlencode({**asked, **more})}", headers=headers)

    amounts: dict[str, int] = {}
    for row in rows if kind == "sales" else ():
        amounts[row["currency"]] = amounts.get(row["currency"], 0) + row["amount"]
    number = leads_of(rows) if kind == "leads" else len(rows)
    dollars = amounts.get("usd", 0)
    none = {"clicks": 0, "leads": 0, "sales": 0}
    expected = {**none, "saleAmount": dollars, "saleAmounts": amounts, kind: number}
    assert await get("/analytics") == expected, asked
    composite = await get("/analytics", event="composite")
    assert (composite[kind], composite["saleAmounts"].items() >= amounts.items()) == (number, True), asked
    for group_by in (
        "timeseries",
        random.choice(("countries", "top_links", "utm_sources", "devices", "referers")),
    ):
        found = await get("/analytics", groupBy=group_by)
        assert sum(one[kind] for one in found) == number, (asked, group_by)
        assert sum(one["saleAmount"] for one in found) == dollars, (asked, group_by)
    ids = {row[f"{kind[:-1]}_id"] for row in rows}
    listed = [one async for one in pages(get, kind)]
    assert (len(listed), {*listed}) == (len(ids), ids), asked
    first = cast(list[Any], (await get("/events", limit="1000", sortOrder="asc")).content)
    assert [one.timestamp for one in first] == sorted(one.timestamp for one in first)
    assert len(first) == len(ids), asked
    lines = [*csv.DictReader(io.StringIO(await text(await get("/events", accept="csv"))))]
    assert [one["id"] for one in lines] == listed, asked


async def pages(get: Any, kind: str) -> AsyncIterator[str]:
    """By the cursor, ids of what is found."""
    cursor = ""
    while True:
        answer = await get("/events", limit="17", cursor=cursor)
        for one in answer.content:
            yield one.click_id if kind == "clicks" else one.event_id
        cursor = answer.headers.get("X-Next-Cursor", "")
        if not cursor:
            return


async def text(answer: Answer) -> str:
    return b"".join([piece async for piece in answer.content]).decode()


async def test_all_begins_with_the_first_event(clickhouse: LocalClickHouse) -> None:
    history = History(Random(1), NOW, days=900)
    history.fill(40)
    async with asking(clickhouse, history) as routes:
        series = await called(routes, "GET /analytics?event=composite&interval=all&groupBy=timeseries")
        whole = await called(routes, "GET /analytics?event=composite&interval=all")
    earliest = min(row["timestamp"] for kind in history.rows for row in history.left(kind))
    assert series[0]["start"] == f"{earliest:%Y-%m}-01T00:00:00.000+0000"
    for kind in history.rows:
        rows = history.left(kind)
        number = leads_of(rows) if kind == "leads" else len(rows)
        assert whole[kind] == sum(one[kind] for one in series) == number


async def test_a_comparison_is_the_same_question_about_another_time(clickhouse: LocalClickHouse) -> None:
    history = History(Random(2), NOW, days=120)
    history.fill(400)
    async with asking(clickhouse, history) as routes:
        found = await called(routes, "GET /analytics?interval=30d&compare=previous")
        series = await called(routes, "GET /analytics?interval=30d&compare=previous&groupBy=timeseries")
    period = named(Interval.DAYS_30, ZoneInfo("UTC"), NOW_MS)
    at = [int(row["timestamp"].timestamp() * 1000) for row in history.left("clicks")]
    before = [one for one in at if period.before.start_ms <= one < period.before.end_ms]
    assert found["previous"]["clicks"] == sum(one < period.cutoff_ms for one in before) > 0
    assert sum(one["previous"]["clicks"] for one in series) == len(before)
    assert date.fromisoformat(series[0]["previous"]["start"][:10]) == period.before.first


async def test_another_workspace_is_another_world(clickhouse: LocalClickHouse) -> None:
    history = History(Random(3), NOW, days=20)
    history.rows["clicks"] = [history._row("clicks", "other", 1)]
    async with asking(clickhouse, history) as routes:
        assert (await called(routes, "GET /analytics"))["clicks"] == 0
        for query in ("linkId=link_1,link_2,link_3", "customerId=u1", "cursor=9999999999999.x", "country=-q"):
            assert (await called(routes, f"GET /events?{query}")).content == []
