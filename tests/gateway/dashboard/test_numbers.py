"""What pages count, on a real ClickHouse: one number everywhere, and that of the events themselves."""

import csv
import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from deploy.local.clickhouse import LocalClickHouse
from processors.clock import epoch_ms
from processors.gateway.analytics import counts
from processors.gateway.analytics.counts import Counts
from processors.gateway.analytics.filters import Condition, Filter
from processors.gateway.analytics.metadata import MetadataFilter
from processors.gateway.analytics.scopes import Scope
from processors.gateway.asking import Stored
from processors.gateway.dashboard import csvs, journeys, numbers
from processors.gateway.dashboard.events import Event, Place, newest
from processors.gateway.dashboard.funnel import events_funnel
from processors.gateway.dashboard.models import MODELS, compared
from processors.gateway.dashboard.overview import waiting_card
from processors.gateway.dashboard.people import PENDING, Wanted, people, place_of
from processors.gateway.dashboard.periods import INTERVALS, Period, period
from processors.gateway.dashboard.refusals import late_leads, not_counted, refused_events
from processors.gateway.dashboard.state import State, read
from processors.gateway.dashboard.waits import buckets, waits
from processors.gateway.dashboard.windows import EVER, WINDOWS, Windows
from schemas.times import DAY_MS, rfc3339
from tests.clickhouse.database import Database, fresh_database
from tests.gateway.dashboard import world
from tests.gateway.stored import stored

pytestmark = pytest.mark.integration

NOW: Final = 1_763_217_045_678
"""15 November 2025, 14:30:45 UTC: clocks have gone back in Europe and America meanwhile."""
ZONES: Final = (
    "UTC",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Pacific/Apia",
    "Europe/Berlin",
)
QUERIES: Final = (
    "",
    "country=DE",
    "country=-DE,US",
    "partnerId=lantern-letter&device=Mobile",
    "utm_campaign=autumn-2026",
    "utm_campaign=-newsletter&browser=Chrome",
    "os=Plan9",
)
_TIMES: Final = {
    "clicks": ("clicks_raw", "timestamp"),
    "sign_ups": ("customers_raw", "deferred_at"),
    "leads": ("leads_raw", "timestamp"),
    "sales": ("sales_raw", "timestamp"),
}
_COLUMNS: Final = {"partnerId": "partner_id", "linkId": "link_id"}
_METADATA: Final = (
    *("", "{}", '{"plan":"pro","seats":5}', '{"plan":5}', '{"plan":"5"}'),
    """{"plan":true,"a'b":"c"}""",
)
BEGIN_DAY: Final = 20_000
Rows = Sequence[Mapping[str, Any]]


def newest_of(rows: Rows, key: str) -> Rows:
    return list({row[key]: row for row in rows}.values())


@pytest.fixture(scope="module")
def made() -> world.World:
    there = world.made("acme", NOW, per_day=25, days=75)
    there.tables["leads_raw"] = [
        {**row, "quantity": 3 if place % 7 == 0 else 1} for place, row in enumerate(there.tables["leads_raw"])
    ]
    for table in ("leads_raw", "sales_raw"):
        there.tables[table] = [
            {**row, "metadata": _METADATA[place % len(_METADATA)]}
            for place, row in enumerate(there.tables[table])
        ]
    return there


@pytest.fixture(scope="module")
def database(clickhouse: LocalClickHouse, made: world.World) -> Iterator[Database]:
    with fresh_database(clickhouse.url) as database:
        made.insert(database.client)
        # What nobody of acme may see.
        other = world.made("globex", NOW, per_day=10, days=75, seed=8)
        other.insert(database.client)
        world.made("initech", epoch_ms(), per_day=25, days=75, seed=9).insert(database.client)
        yield database


@pytest_asyncio.fixture
async def asked(database: Database) -> AsyncIterator[Stored]:
    async with stored(database.url) as found:
        yield found


def shown_by(filters: Sequence[Filter]) -> Callable[[Mapping[str, Any]], bool]:
    """The rule of filters, a second time."""

    def value(row: Mapping[str, Any], field: str) -> str:
        if field.startswith("utm_"):
            return parse_qs(urlsplit(str(row["url"])).query).get(field, [""])[0]
        return str(row[_COLUMNS.get(field, field)])

    return lambda row: all((value(row, one.field) in one.values) is not one.negated for one in filters)


def rows_of(made: world.World, name: str, state: State) -> Rows:
    table, _ = _TIMES[name]
    rows: Rows = made.tables[table]
    rows = newest_of(rows, "lead_id") if name == "leads" else rows
    return [row for row in rows if shown_by(state.filters)(row)]


def counted(made: world.World, name: str, state: State, start: int, end: int) -> int:
    _, time = _TIMES[name]
    found = [row for row in rows_of(made, name, state) if start <= row[time] < end]
    return sum(row["quantity"] for row in found) if name == "leads" else len(found)


def asked_for() -> Iterator[tuple[State, Period]]:
    """Every zone with every filter, each with an interval or days of its own."""
    random = Random(5)
    for place, zone in enumerate(ZONES):
        for filters in QUERIES:
            chosen = random.choice([*INTERVALS, "custom"])
            first = random.randrange(1, 75)
            days = [first, max(0, first - random.randrange(60))]
            start, end = (datetime.fromtimestamp((NOW - one * DAY_MS) / 1000, UTC).date() for one in days)
            when = f"start={start}&end={end}" if chosen == "custom" else f"interval={chosen}"
            state = read(f"{when}&timezone={zone}&{filters}&x={place}".encode())
            yield state, period(state.interval, state.days, state.zone, NOW)


async def test_one_number_everywhere(made: world.World, asked: Stored) -> None:
    compared = 0
    for state, when in asked_for():
        span, before = when.span, when.before
        scope = Scope("acme", span.start_ms, span.end_ms, state.filters)
        found = await counts.series(asked.rows, scope, when)
        edges = [*span.begins, span.end_ms]
        for name in _TIMES:
            buckets = [getattr(one, name) for one in found.buckets]
            assert buckets == [counted(made, name, state, *pair) for pair in pairwise(edges)], (name, state)
            earlier = [getattr(one, name) for one in found.before]
            assert sum(earlier) == counted(made, name, state, before.start_ms, before.end_ms)
            cut = counted(made, name, state, before.start_ms, when.cutoff_ms)
            assert getattr(found.compared, name) == cut
            compared += 1
        total = found.total
        groups = await numbers.groups(asked.rows, scope, "country", 1_000)
        assert sum((one.counts for one in groups.first), Counts()) == total
        assert [one.count for one in events_funnel(total)] == [
            total.clicks,
            total.sign_ups,
            total.leads,
            total.sales,
        ]
        events = [line async for line in csvs.event_lines(asked.rows, scope, "all", state.zone, at_once=500)]
        kinds = Counter(line.split(b",")[1] for part in events for line in part.splitlines())
        kinds.pop(b"kind", None)
        leads = len(
            [row for row in rows_of(made, "leads", state) if span.start_ms <= row["timestamp"] < span.end_ms]
        )
        wanted = {
            b"clicks": total.clicks,
            b"sign-ups": total.sign_ups,
            b"leads": leads,
            b"sales": total.sales,
        }
        assert kinds == {kind: count for kind, count in wanted.items() if count}
        if total.sales:
            paid = [
                row
                for row in rows_of(made, "sales", state)
                if span.start_ms <= row["timestamp"] < span.end_ms
            ]
            assert total.amounts == {"usd": sum(row["amount"] for row in paid)}
    assert compared == 4 * len(ZONES) * len(QUERIES)


async def test_pages_of_events_follow_each_other(asked: Stored) -> None:
    scope = Scope("acme", 0, NOW)
    found = await newest(asked.rows, scope, "all", 1_000)
    assert [one.at_ms for one in found] == sorted((one.at_ms for one in found), reverse=True)
    after: Place | None = None
    read_on: list[Event] = []
    while len(read_on) < 1_000:
        part = await newest(asked.rows, scope, "all", 37, after)
        read_on += part
        after = Place(part[-1].at_ms, part[-1].kind, part[-1].id)
    assert read_on[:1_000] == found
    assert {one.kind for one in found} == {"clicks", "sign-ups", "leads", "sales"}


async def test_what_is_new_and_what_recurs(made: world.World, asked: Stored) -> None:
    found = await newest(asked.rows, Scope("acme", 0, NOW), "sales", 10_000)
    assert {one.id for one in found if one.recurring} == {
        row["sale_id"] for row in made.tables["sales_raw"] if row["event_name"] == "Renewal"
    }


async def test_steps(made: world.World, asked: Stored) -> None:
    start = NOW - 30 * DAY_MS
    found = await journeys.steps(asked.rows, Scope("acme", start, NOW))
    leads = [one for one in newest_of(made.tables["leads_raw"], "lead_id") if one["timestamp"] >= start]
    earlier = sum(one["quantity"] for one in leads if one["click_timestamp"] < start)
    assert (found.earlier, found.model) == (earlier, "first-click")
    took = sorted(one["timestamp"] // 1000 - one["deferred_at"] // 1000 for one in leads)
    assert found.qualify.half is not None
    assert abs(took.index(found.qualify.half) - len(took) / 2) <= 1
    led = {one["lead_id"]: one["timestamp"] for one in newest_of(made.tables["leads_raw"], "lead_id")}
    first: dict[str, int] = {}
    for one in made.tables["sales_raw"]:
        first[one["lead_id"]] = min(one["timestamp"], first.get(one["lead_id"], NOW))
    paid = sorted(at // 1000 - led[lead] // 1000 for lead, at in first.items() if start <= at < NOW)
    assert found.pay.half in paid
    assert found.pay.most in paid


async def test_nobody_has_taken_any_time(asked: Stored) -> None:
    found = await journeys.steps(asked.rows, Scope("acme", 0, 1))
    assert (found.earlier, found.model) == (0, "")
    assert [found.sign_up, found.qualify, found.pay] == [journeys.Took(None, None)] * 3


async def test_clicks_followed_to_today(database: Database, asked: Stored) -> None:
    start, end = NOW - 40 * DAY_MS, NOW - 10 * DAY_MS
    found = await journeys.cohort(asked.rows, Scope("acme", start, end), NOW)
    view = database.rows(
        f"SELECT step, count, open FROM funnel_cohort(workspace = 'acme', start = '{rfc3339(start)}',"
        f" end = '{rfc3339(end)}', timezone = 'UTC')"
    )
    assert view == [
        ("clicks", found.clicks, 0),
        ("signed up", found.sign_ups, found.open),
        ("qualified", found.qualified, found.unpaid),
        ("paid", found.paid, 0),
    ]
    for status, count in (("", found.sign_ups), ("qualified", found.qualified), ("pending", found.open)):
        behind = await people(asked.rows, Scope("acme", start, end), Wanted(status, clicked=True), NOW, 1)
        assert behind.there_are == count > 0


async def test_a_step_counts_within_its_window_from_the_one_before(database: Database, asked: Stored) -> None:
    """Customers by the days of their sign-up, qualification and first sale."""
    there = world.World("windows")
    for name, signed, led, paid in (
        ("all in time", 0.5, 5, 8),
        ("signs up late", 2, 5, 8),
        ("qualifies late", 0.1, 40, 41),
        ("pays late", 0.1, 5, 50),
        ("may pay", 0.1, 5, None),
        ("may qualify", 0.1, None, None),
    ):
        whose = {"click_id": name, "customer_id": name, "customer_external_id": name}
        at = [None if day is None else int((BEGIN_DAY + day) * DAY_MS) for day in (0, signed, led, paid)]
        there.add("clicks_raw", click_id=name, timestamp=at[0], content_hash=0, version=1)
        there.add(
            "customers_raw",
            status="qualified" if led else "pending",
            click_timestamp=at[0],
            deferred_at=at[1],
            qualified_at=at[2],
            sales=int(paid is not None),
            version=1,
            is_deleted=0,
            **whose,
        )
        if paid is not None:
            there.add("sales_raw", sale_id=name, lead_id=name, timestamp=at[3], version=1, **whose)
    there.insert(database.client)
    scope = Scope("windows", BEGIN_DAY * DAY_MS, (BEGIN_DAY + 1) * DAY_MS)
    chosen = Windows(WINDOWS["1d"], WINDOWS["7d"], WINDOWS["1m"])
    for windows, day, wanted in (
        (EVER, 60, journeys.Cohort(6, 6, 5, 4, open=1, unpaid=1)),
        (chosen, 3, journeys.Cohort(6, 5, 3, 1, open=1, unpaid=1)),
        (chosen, 20, journeys.Cohort(6, 5, 3, 1, open=0, unpaid=1)),
        (chosen, 60, journeys.Cohort(6, 5, 3, 1, open=0, unpaid=0)),
    ):
        now_ms = (BEGIN_DAY + day) * DAY_MS
        assert await journeys.cohort(asked.rows, scope, now_ms, windows) == wanted, (windows, day)


async def test_who_waits(database: Database, asked: Stored) -> None:
    """As the view says it of the same moment."""
    now_ms = int(str(database.client.command("SELECT toUnixTimestamp64Milli(now64(3))")))
    scope = Scope("initech", 0, 1)
    found = await journeys.waiting(asked.rows, scope, now_ms)
    view = database.rows(
        "SELECT from_days, customers, chance, leaving FROM pending_by_age(workspace = 'initech',"
        " start = '2000-01-01', end = '2100-01-01', timezone = 'UTC')"
    )
    assert [(one.from_days, one.customers) for one in found.ages] == [row[:2] for row in view]
    for place, (_, _, chance, _) in enumerate(view):
        estimated = journeys.chance(found.ages[place:])
        assert (estimated is None) == (chance is None)
        assert estimated is None or abs(estimated - float(str(chance))) < 0.005
    assert found.leaving == sum(int(str(row[3])) for row in view)
    shown = waiting_card(found)
    assert shown.customers == sum(one.customers for one in shown.rows)
    listed = await people(
        asked.rows, scope, Wanted(PENDING, (shown.rows[2].least, shown.rows[2].most)), now_ms, 1
    )
    assert listed.there_are == shown.rows[2].customers


async def test_models_add_up_to_the_leads_and_sales_that_the_page_counts(asked: Stored) -> None:
    """In every zone, under every filter, and a touch of another partner gets its share."""
    divided = 0
    for state, when in asked_for():
        scope = Scope("acme", when.span.start_ms, when.span.end_ms, state.filters)
        total = (await counts.series(asked.rows, scope, when, compare=False)).total
        found = await compared(asked.rows, scope, "partner_id", 100)
        assert [*found.totals] == ([total.leads] * len(MODELS) if found.first else [])
        assert found.first or not (total.leads or total.sales)
        assert found.there_are == len(found.first)
        for place in range(len(MODELS)):
            amounts = Counter[str]()
            for one in found.first:
                amounts.update(one.amounts[place])
            assert amounts == {one: paid for one, paid in total.amounts.items() if paid}
            assert sum(one.leads[place] for one in found.first) == total.leads
        divided += any(one.leads[0] != one.leads[2] for one in found.first)
        few = await compared(asked.rows, scope, "partner_id", 1)
        assert (few.first, few.there_are, few.totals) == (found.first[:1], found.there_are, found.totals)
    assert divided > 20


async def test_leads_and_sales_by_metadata_add_up_to_those_that_the_page_counts(
    made: world.World, asked: Stored
) -> None:
    """Also those that have nothing under the key; a number is told as its text is."""
    for state, when in asked_for():
        start, end = when.span.start_ms, when.span.end_ms
        scope = Scope("acme", start, end, state.filters)
        total = (await counts.series(asked.rows, scope, when, compare=False)).total
        for key in ("plan", "a'b", "nobody has this"):
            found = await numbers.by_metadata(asked.rows, scope, key, 100)
            wanted: dict[str, Counts] = {}
            for name in ("leads", "sales"):
                for row in rows_of(made, name, state):
                    if start <= row["timestamp"] < end:
                        value = _under(row["metadata"], key)
                        wanted[value] = wanted.get(value, Counts()) + _counts(row)
            assert {one.values[0]: one.counts for one in found.first} == wanted
            assert sum(wanted.values(), Counts()) == Counts(
                leads=total.leads, sales=total.sales, amounts=total.amounts
            )
            assert found.there_are == len(wanted)
            for value in filter(str.strip, wanted):
                chosen = MetadataFilter(f"metadata.{key}", (value,))
                of_it = await counts.series(asked.rows, narrowed(scope, chosen), when, compare=False)
                others = await counts.series(asked.rows, narrowed(scope, chosen.turned), when, compare=False)
                assert (of_it.total.leads, of_it.total.sales) == (wanted[value].leads, wanted[value].sales)
                assert of_it.total.leads + others.total.leads == total.leads
                assert of_it.total.clicks == total.clicks
            few = await numbers.by_metadata(asked.rows, scope, key, 1)
            assert (few.first, few.there_are) == (found.first[:1], found.there_are)


def narrowed(scope: Scope, more: Condition) -> Scope:
    return replace(scope, filters=[*scope.filters, more])


def _counts(row: Mapping[str, Any]) -> Counts:
    if "sale_id" in row:
        return Counts(sales=1, amounts={row["currency"]: row["amount"]})
    return Counts(leads=row["quantity"])


def _under(metadata: str, key: str) -> str:
    value = json.loads(metadata or "{}").get(key, "")
    return value if isinstance(value, str) else json.dumps(value)


async def test_leads_by_the_time_they_took_add_up_to_those_that_the_page_counts(
    made: world.World, asked: Stored
) -> None:
    """In every zone, under every filter; half of them, and nine in ten, as the funnel says it."""
    for state, when in asked_for():
        span = when.span
        scope = Scope("acme", span.start_ms, span.end_ms, state.filters)
        found = await waits(asked.rows, scope, 100)
        leads = [
            one for one in rows_of(made, "leads", state) if span.start_ms <= one["timestamp"] < span.end_ms
        ]
        wanted = Counter[str]()
        for one in leads:
            wanted[one["partner_id"]] += one["quantity"]
        assert {one.partner_id: one.total for one in found.first} == wanted
        assert [one.total for one in found.first] == sorted(wanted.values(), reverse=True)
        assert (found.there_are, found.all.total) == (len(wanted), wanted.total())
        shown = buckets(found.all)
        assert [one.leads for one in shown] == [
            sum(lead["quantity"] for lead in leads if one.from_s <= _waited_s(lead) < one.to_s)
            for one in shown
        ]
        assert sum(one.leads for one in shown) == wanted.total()
        assert found.all.took == (await journeys.steps(asked.rows, scope)).qualify
        few = await waits(asked.rows, scope, 1)
        assert (few.all, few.first, few.there_are) == (found.all, found.first[:1], found.there_are)


def _waited_s(lead: Mapping[str, Any]) -> int:
    return int(lead["timestamp"] // 1000 - lead["deferred_at"] // 1000)


async def test_leads_by_the_time_they_took_are_those_of_the_view(database: Database, asked: Stored) -> None:
    """Also at the borders, and for who qualified before signing up."""
    there = world.World("waits")
    borders = [60, 120, 3_840, 2_048 * 60, 2**20 * 60]
    for place, seconds in enumerate((-5, 0, *(border + one for border in borders for one in (-1, 0)))):
        there.add(
            "leads_raw",
            lead_id=str(place),
            customer_id=str(place),
            deferred_at=BEGIN_DAY * DAY_MS,
            click_timestamp=BEGIN_DAY * DAY_MS,
            timestamp=BEGIN_DAY * DAY_MS + seconds * 1000,
            partner_id=str(place % 2),
            quantity=place % 3 + 1,
            version=1,
        )
    there.insert(database.client)
    start, end = (BEGIN_DAY - 1) * DAY_MS, (BEGIN_DAY + 2_000) * DAY_MS
    found = await waits(asked.rows, Scope("waits", start, end), 10)
    view = database.rows(
        "SELECT partner_id, from_seconds, leads FROM time_to_qualify(workspace = 'waits',"
        f" start = '{rfc3339(start)}', end = '{rfc3339(end)}', timezone = 'UTC')"
    )
    by_partner = sorted(found.first, key=lambda one: str(one.partner_id))
    assert [(one.partner_id, *pair) for one in by_partner for pair in sorted(one.leads.items())] == view
    assert len({border for _, border, _ in view}) > len(borders)


async def test_weeks(database: Database, asked: Stored) -> None:
    start, end = NOW - 60 * DAY_MS, NOW
    now_ms = int(str(database.client.command("SELECT toUnixTimestamp64Milli(now64(3))")))
    found = await journeys.weeks(asked.rows, Scope("acme", start, end), "Europe/Berlin", now_ms)
    view = database.rows(
        "SELECT toString(week), sum(clicks), sum(signed_up), sum(qualified_7), sum(qualified_14),"
        f" sum(qualified_30) FROM partner_cohorts(workspace = 'acme', start = '{rfc3339(start)}',"
        f" end = '{rfc3339(end)}', timezone = 'Europe/Berlin') GROUP BY week ORDER BY week"
    )
    assert [(one.monday, one.clicks, one.sign_ups, *one.qualified) for one in found] == view


async def test_lists_of_people_follow_each_other(made: world.World, asked: Stored) -> None:
    scope, after, names = Scope("acme", 0, 1), None, []
    while True:
        found = await people(asked.rows, scope, Wanted(after=after), NOW, 50)
        names += [(one.status, one.external_id) for one in found.shown]
        if len(found.shown) < 50:
            break
        after = place_of(found.shown[-1])
    there = sorted(
        made.tables["customers_raw"], key=lambda one: (one["status"], one["deferred_at"], one["customer_id"])
    )
    assert names == [(one["status"], one["customer_external_id"]) for one in there]
    parts = csvs.people_lines(asked.rows, scope, Wanted(), NOW, UTC, at_once=50)
    text = b"".join([part async for part in parts]).decode()
    listed = csv.DictReader(io.StringIO(text, newline=""))
    assert [(one["status"], one["customer_external_id"]) for one in listed] == names
    searched = await people(asked.rows, scope, Wanted(search="iVORY"), NOW, 1_000)
    assert {one.name for one in searched.shown} == {
        one["customer_name"] for one in there if "Ivory" in one["customer_name"]
    }


async def test_what_was_not_counted(made: world.World, asked: Stored) -> None:
    scope = Scope("acme", NOW - 40 * DAY_MS, NOW)
    found = await not_counted(asked.rows, scope)
    reasons = Counter(one["reason"] for one in made.tables["unmatched_raw"])
    assert {one.reason: one.events for one in found.reasons} == reasons
    events = await refused_events(asked.rows, scope)
    assert Counter(one.reason for one in events) == reasons
    parts = csvs.refused_lines(asked.rows, scope, "", UTC, at_once=7)
    text = b"".join([part async for part in parts]).decode()
    everything = await refused_events(asked.rows, scope, most=10_000)
    assert len(everything) > 7
    listed = csv.DictReader(io.StringIO(text, newline=""))
    assert [one["position"] for one in listed] == [one.position for one in everything]
    only = await refused_events(asked.rows, scope, reason="no_deferred_lead")
    assert len(only) == reasons["no_deferred_lead"]
    late = await late_leads(asked.rows, scope, 10_000)
    assert (len(late), len([one for one in late if one.revision > 1])) == (found.late, found.changed)
    assert found.changed > 0


async def test_is_anything_there(asked: Stored) -> None:
    assert await numbers.anything(asked.rows, "acme")
    assert not await numbers.anything(asked.rows, "nobody")
