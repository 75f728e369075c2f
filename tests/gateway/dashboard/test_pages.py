"""Pages when something is missing: a store that does not answer, a question that is too much, a session."""

import csv
import io
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC
from typing import Any

import httpx
import pytest
from starlette.types import Message

from deploy.local.ports import free_port
from processors.gateway.analytics.scopes import Scope
from processors.gateway.answers import ApiError, Code, TryAgain
from processors.gateway.asking import NO_ANSWER, Ask, Stored
from processors.gateway.customers.tracing import Tracing
from processors.gateway.dashboard import csvs
from processors.gateway.dashboard.assets import ROOT
from processors.gateway.dashboard.names import PLURALS
from processors.gateway.dashboard.sessions import begun
from processors.gateway.dashboard.signing_in import COOKIE, SIGN_IN
from processors.gateway.dashboard.state import GROUPS
from processors.gateway.dashboard.views import CUSTOMER, HELD, NOT_COUNTED, TRACE, VIEWS
from processors.gateway.looking import Looks
from processors.gateway.outcomes.held import Holding
from processors.gateway.spreadsheets import lines
from processors.people.traced import HeldEvents, Trace
from processors.registry.contents import Holder
from processors.settings import Settings
from schemas.times import DAY_MS
from tests.gateway.customers.traces import MOMENT, NO_TRACES, NOTHING_HELD, held, trace, waiting
from tests.gateway.dashboard.serving import SECRET, Dashboard, failing, workspace

NOW = 1_763_217_045_678
QUESTIONS = [*(path for path, _ in VIEWS), f"{CUSTOMER}?id=ann"]
PATHS = [*QUESTIONS, f"{TRACE}?id=ann", HELD]
BASE = "http://localhost:8787"
DOWN = "ClickHouse did not answer within 5 s"


@asynccontextmanager
async def signed_in(
    ask: Ask, tracing: Tracing = NO_TRACES, holding: Holding = NOTHING_HELD
) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=Dashboard(ask, now_ms=NOW, tracing=tracing, holding=holding).app),
        base_url=BASE,
        headers={"Origin": BASE},
    ) as client:
        answer = await client.post(SIGN_IN, data={"key": SECRET.text})
        assert answer.status_code == 303
        yield client


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_sees_a_page_without_a_session(path: str) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=Dashboard(failing(AssertionError())).app), base_url=BASE
    ) as client:
        answer = await client.get(path)
        assert answer.status_code == 401
        assert "Secret key of your workspace" in answer.text


@pytest.mark.parametrize("path", QUESTIONS)
async def test_a_store_that_is_not_there(path: str) -> None:
    """The page stands, every card of it says what is wrong, and nothing is lost."""
    settings = Settings.model_validate({"clickhouse_url": f"http://u:p@127.0.0.1:{free_port()}/x"})
    async with aclosing(Stored(settings)) as stored, signed_in(stored.rows) as client:
        answer = await client.get(path)
        assert answer.status_code == 200
        assert DOWN in answer.text
        assert "Your data is safe" in answer.text
        assert "Try again" in answer.text


@pytest.mark.parametrize(
    ("part", "title"),
    [
        ("edges:Array", "Leads by day"),
        ("quantilesExact", "Funnel"),
        ("age,", "Waiting to qualify"),
        ("recurring", "Events"),
        ("OVER ()", "Partners"),
        ("'late'", "Not counted"),
    ],
)
async def test_only_the_card_that_failed_says_so(part: str, title: str) -> None:
    # Without a series, the funnel has no numbers either.
    expected = 2 if part == "edges:Array" else 1
    async with signed_in(failing(TryAgain(NO_ANSWER), part)) as client:
        # Something is there: else the page would say what to send first.
        answer = await client.get("/?country=DE")
        assert answer.text.count(DOWN) == expected, answer.text
        before, _, after = answer.text.partition(DOWN)
        card = before.rpartition("<section")[2]
        assert title in card
        assert after


async def test_a_question_that_is_too_much_names_a_shorter_period() -> None:
    error = ApiError(Code.UNPROCESSABLE_ENTITY, "too much")
    async with signed_in(failing(error, "edges:Array")) as client:
        answer = await client.get("/?interval=90d&country=DE")
        assert "Too much for one question: choose a shorter period" in answer.text
        assert 'href="/?country=DE"' in answer.text
        assert "Show the last 30d" in answer.text


async def test_nothing_has_ever_been_sent() -> None:
    async with signed_in(failing(AssertionError(), "nothing has this")) as client:
        answer = await client.get("/")
        assert "No events yet" in answer.text
        assert "leadstream send -" in answer.text
        assert "&#34;workspaceId&#34;:&#34;acme&#34;" in answer.text


@pytest.mark.parametrize("name", ["series", "events", "groups", "customers", "not-counted"])
async def test_a_file_that_cannot_be_made_is_no_file(name: str) -> None:
    async with signed_in(failing(TryAgain(NO_ANSWER))) as client:
        answer = await client.get(f"/dashboard/{name}.csv")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "1"
        assert "Content-Disposition" not in answer.headers


async def test_a_file_says_in_its_name_what_is_in_it() -> None:
    async with signed_in(failing(AssertionError(), "nothing has this")) as client:
        answer = await client.get(
            "/dashboard/events.csv?start=2025-11-01&end=2025-11-07&timezone=Europe/Berlin&country=-DE&kind=leads"
        )
        assert answer.headers["Content-Disposition"] == (
            'attachment; filename="acme-events-leads-2025-11-01_2025-11-07-Europe.Berlin-country-not-DE.csv"'
        )
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.text.startswith("time,kind,event,customer_external_id,")
        answer = await client.get("/dashboard/customers.csv?status=pending&device=Mobile")
        assert answer.headers["Content-Disposition"] == (
            'attachment; filename="acme-customers-pending-2025-11-15-UTC-device-Mobile.csv"'
        )
        assert answer.text.startswith("customer_external_id,customer_name,")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    written = lines([[text, 5, -5, None, True]]).decode()
    assert next(csv.reader(io.StringIO(written, newline=""))) == [f"'{text}", "5", "-5", "", "true"]


async def test_a_file_of_any_length_is_made_in_parts() -> None:
    """Each question goes on after the last event of the one before."""
    places: list[object] = []

    async def ask(sql: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        places.append(parameters.get("at"))
        end = int(str(parameters.get("at", 20)))
        return [row(at) for at in range(end - 1, max(end - 8, -1), -1)]

    made = csvs.event_lines(ask, Scope("acme", 0, NOW), "all", UTC, at_once=7)
    parts = [part async for part in made]
    assert places == [None, 13, 6]
    assert [len(part.splitlines()) for part in parts] == [8, 7, 6]


async def test_a_file_is_made_for_as_long_as_somebody_takes_it() -> None:
    """Who breaks it off asks the store for nothing more."""
    asked = list[object]()

    async def ask(_: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        asked.append(parameters.get("at"))
        assert len(asked) < 3
        return [row(csvs.AT_ONCE - len(asked))] * csvs.AT_ONCE

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def take(_: Message) -> None: ...

    session = begun(Holder(workspace(), SECRET.record), NOW)
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"{ROOT}/events.csv",
        "raw_path": f"{ROOT}/events.csv".encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"cookie", f"{COOKIE}={session}".encode())],
    }
    await Dashboard(ask, now_ms=NOW).app(scope, gone, take)
    assert asked == [None]


def row(at_ms: int) -> tuple[object, ...]:
    """Of a click."""
    before, after = ("clicks", f"c{at_ms}", at_ms), (at_ms, 0, "", 1, 1, False)
    return (*before, *[""] * 8, *after, *[""] * 7)


async def test_a_trace_is_a_link_from_the_story_and_a_page_of_its_own() -> None:
    """Without a script; each fact is text, whatever it holds."""
    waits = {"clickId": "<b>c9</b>", "waitsUntil": MOMENT, "why": "nobody has seen its click"}
    purchase = {
        "saleId": "sl_1",
        "timestamp": MOMENT,
        "amount": 4_900,
        "currency": "usd",
        "invoiceId": None,
        "leadId": None,
        "revision": None,
        "waitsUntil": MOMENT,
        "why": "no lead yet",
    }

    async def run(workspace_id: str, external_id: str) -> Trace | None:
        told = trace(workspace_id, external_id, waits=[waits], purchases=[purchase], kept=["ld_9"])
        return told if (workspace_id, external_id) == ("acme", "a&b") else None

    async with signed_in(failing(AssertionError(), "nothing"), Tracing(run, Looks(1))) as client:
        story = await client.get(f"{CUSTOMER}?id=a%26b")
        assert f'href="{TRACE}?id=a%26b"' in story.text
        page = await client.get(f"{TRACE}?id=a%26b")
        assert page.status_code == 200
        for said in (
            *("Qualified", "One lead.", "goes to click c1", "Chosen", "partner", "$49.00", "no lead yet"),
            *("&lt;b&gt;c9&lt;/b&gt;", "ld_9", "first-click"),
        ):
            assert said in page.text, said
        nobody = await client.get(f"{TRACE}?id=nobody")
        assert (nobody.status_code, "Nothing is known of this customer" in nobody.text) == (404, True)


async def test_a_trace_beside_another_one_says_so() -> None:
    async def run(_: str, __: str) -> Trace | None:
        raise AssertionError

    async with signed_in(failing(AssertionError(), "nothing"), Tracing(run, Looks(0))) as client:
        answer = await client.get(f"{TRACE}?id=ann")
        assert answer.status_code == 503
        assert "traces are under way" in answer.text
        assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    ("basis", "links"),
    [
        ("events", ["/dashboard/events?interval=7d&country=DE&kind=sign-ups"]),
        (
            "cohort",
            [
                "/dashboard/customers?interval=7d&clicked=1&country=DE",
                "/dashboard/customers?interval=7d&clicked=1&country=DE&status=qualified",
                "/dashboard/customers?interval=7d&clicked=1&country=DE&status=pending",
            ],
        ),
    ],
)
async def test_a_step_of_the_funnel_leads_to_the_people_behind_it(basis: str, links: list[str]) -> None:
    nothing = failing(AssertionError(), "no question")

    async def ask(sql: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        return [(5, 4, 3, 2, 1, 1)] if "sales > 0" in sql else await nothing(sql, parameters)

    async with signed_in(ask) as client:
        page = await client.get(f"/?interval=7d&country=DE&basis={basis}")
        for link in links:
            assert f'href="{link}"'.replace("&", "&amp;") in page.text, link


async def test_a_step_of_the_funnel_may_be_given_a_time() -> None:
    """Of whom it counts then there is no list."""
    asked: list[str] = []
    nothing = failing(AssertionError(), "no question")

    async def ask(sql: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        asked.append(sql)
        return [(5, 4, 3, 2, 1, 1)] if "sales > 0" in sql else await nothing(sql, parameters)

    async with signed_in(ask) as client:
        page = (await client.get("/?country=DE&basis=cohort&qualifyWithin=14d&payWithin=1m")).text
    [sql] = [one for one in asked if "sales > 0" in one]
    assert "qualified_at <= addDays(deferred_at, 14)" in sql
    assert "paid_at <= addMonths(qualified_at, 1)" in sql
    assert "qualify within 14 days, pay within 1 month" in page
    form = page.partition('aria-label="How long a step may take"')[2].partition("</form>")[0]
    assert re.findall(r'value="(\w+)" selected', form) == ["any", "14d", "1m"]
    assert dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form)) == {
        "country": "DE",
        "basis": "cohort",
    }
    assert "clicked=1" not in page


async def test_the_people_behind_a_step_are_those_of_the_period() -> None:
    asked: list[tuple[str, Mapping[str, object]]] = []

    async def ask(sql: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        asked.append((sql, parameters))
        return []

    async with signed_in(ask) as client:
        page = await client.get("/dashboard/customers?interval=7d&clicked=1&minAge=3")
    [(sql, parameters)] = [one for one in asked if "deferred_at <=" in one[0]]
    assert "click_timestamp >= " in sql
    assert NOW - 8 * DAY_MS < int(str(parameters["start"])) < NOW
    assert "Remove filter: clicked" in page.text
    assert 'href="/dashboard/customers?minAge=3"' in page.text


async def test_a_list_of_people_stays_as_narrow_when_a_filter_goes_or_it_is_asked_for_again() -> None:
    path, narrow = "/dashboard/customers", "interval=7d&clicked=1&{}status=pending&minAge=3"
    asked = f"{path}?{narrow.format('country=DE&')}"
    async with signed_in(failing(TryAgain(NO_ANSWER), "deferred_at")) as client:
        page = (await client.get(asked)).text.replace("&amp;", "&")
    assert f'href="{path}?{narrow.format("")}" aria-label="Remove filter: country"' in page
    assert f'href="{asked}">Try again' in page


async def test_the_events_of_one_reason_are_asked_for_again() -> None:
    path = "/dashboard/not-counted?reason=click_not_found"
    async with signed_in(failing(TryAgain(NO_ANSWER))) as client:
        assert f'href="{path}">Try again' in (await client.get(path)).text


@pytest.mark.parametrize("path", ["/", "/dashboard/partners"])
async def test_it_is_broken_down_by_every_field_of_the_menu(path: str) -> None:
    async with signed_in(failing(AssertionError(), "no question")) as client:
        page = await client.get(f"{path}?groupBy=browser&country=DE")
        assert '<h2 id="h-groups">Browsers</h2>' in page.text
        for field in (*GROUPS, "utm_source", "referer"):
            link = f"{path}?country=DE" + ("" if field == "partnerId" else f"&amp;groupBy={field}")
            assert f'href="{link}"' in page.text, field
    assert PLURALS.keys() == GROUPS.keys()


async def test_how_long_leads_took_is_a_table_of_times_and_one_of_partners() -> None:
    nothing = failing(AssertionError(), "no question")
    rows = [(None, {0: 1, 7_680: 2, 15_360: 1}, [8_000, 20_000], 3), ("<p>", {7_680: 2}, [8_000, 9_000], 3)]

    async def ask(sql: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        return rows if "grouping(partner_id)" in sql else await nothing(sql, parameters)

    async with signed_in(ask) as client:
        page = (await client.get("/dashboard/partners?country=DE")).text
    card = page.partition('<h2 id="h-waits">')[2].partition("</section>")[0]
    cells = [
        [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row)]
        for row in re.findall(r"<tr>.*?</tr>", card, re.DOTALL)
    ]
    assert cells[0] == ["After the sign-up", "Leads", "Share", "By then"]
    assert (cells[1], cells[-5]) == (
        ["Under 1 min", "1", "25%", "25%"],
        ["2.1 – 4.3 h", "2", "50%", "75%"],
    )
    assert cells[-4:] == [
        ["4.3 – 8.5 h", "1", "25%", "100%"],
        ["Partner", "Leads", "Half within", "90% within"],
        ["&lt;p&gt;", "2", "2.2 h", "2.5 h"],
        ["All 3", "4", "2.2 h", "5.6 h"],
    ]
    assert 'href="/dashboard/partners?country=DE&amp;partnerId=%3Cp%3E"' in card
    assert "of the partners, the 1 with most leads are shown" in card


async def test_leads_whose_times_cannot_be_had_take_no_other_card_away() -> None:
    async with signed_in(failing(TryAgain(NO_ANSWER), "grouping(partner_id)")) as client:
        page = (await client.get("/dashboard/partners")).text
    assert page.count(DOWN) == 1
    assert 'id="h-waits"' in page.partition(DOWN)[0].rpartition("<section")[2]


async def test_leads_and_sales_are_broken_down_by_a_key_of_metadata_that_a_form_asks_for() -> None:
    """Nothing is asked before; other pages do not take the key over."""
    asked: list[Mapping[str, object]] = []
    nothing = failing(AssertionError(), "no question")

    async def ask(sql: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        if "{metadata_key:String}" not in sql:
            return await nothing(sql, parameters)
        asked.append(parameters)
        return [(["<b>"], 0, 0, 7, 2, {"usd": 4_900}, 4_900, 9), ([""], 0, 0, 3, 0, {}, 0, 9)]

    async with signed_in(ask) as client:
        page = (await client.get("/dashboard/partners?country=DE")).text
        assert (asked, 'name="metadata" value=""' in page) == ([], True)
        page = (await client.get("/dashboard/partners?country=DE&metadata=p%26lan")).text
    [parameters] = asked
    assert parameters["metadata_key"] == "p&lan"
    card = page.partition('id="h-metadata"')[2].partition("</section>")[0]
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", card)
    assert [re.sub(r"<[^>]*>", "", cell) for cell in cells] == [
        *("p&amp;lan", "Leads", "Sales", "Earned"),
        *("&lt;b&gt;", "7", "2", "$49.00"),
        *("Nothing", "3", "0", "—"),
    ]
    assert "2 of 9, most leads first" in card
    form = card.partition("<form")[2].partition("</form>")[0]
    assert 'type="hidden" name="country" value="DE"' in form
    assert 'href="/dashboard/partners?country=DE"' in form
    links = re.findall(r'href="([^"]*)"', page)
    assert [one for one in links if "metadata" in one and not one.startswith("/dashboard/partners?")] == [
        "/dashboard/views?of=/dashboard/partners%3Fcountry%3DDE%26metadata%3Dp%2526lan"
    ]
    assert "/dashboard/partners?interval=7d&amp;country=DE&amp;metadata=p%26lan" in links
    assert "/dashboard/partners?country=DE&amp;metadata.p%26lan=%3Cb%3E&amp;metadata=p%26lan" in links


async def test_a_value_of_metadata_is_a_filter_like_any_other() -> None:
    """A chip that turns and goes; every view takes it over."""
    asked: list[str] = []

    async def ask(sql: str, parameters: Mapping[str, object]) -> Sequence[Any]:
        if "{filter_0_0:String}" in sql:
            asked.append(sql)
            assert (parameters["filter_0_0"], parameters["filter_0_0_key"]) == ("pro", "plan")
        return await failing(AssertionError(), "no question")(sql, parameters)

    async with signed_in(ask) as client:
        page = (await client.get("/?metadata.plan=pro")).text
        chip = page.partition('<span class="chip">')[2].partition("</span>")[0]
        assert re.sub(r"<[^>]*>", "", chip).startswith("Metadata plan is pro")
        assert "leads and sales only" in page
        others = (await client.get("/?country=DE")).text
        assert "only</span>" not in others
        assert 'href="/?metadata.plan=-pro"' in chip
        for path, _ in VIEWS:
            assert f'href="{path}?metadata.plan=pro"' in page, path
    assert asked


async def test_what_is_held_is_a_link_from_what_is_not_counted_and_a_page_of_its_own() -> None:
    """Without a script; what it names is text."""

    async def look(workspace_id: str, most: int) -> HeldEvents:
        assert (workspace_id, most) == ("acme", 200)
        return held(waiting("<b>ann</b>"), waiting("ben"), complete=False)

    ask = failing(AssertionError(), "nothing")
    async with signed_in(ask, holding=Holding(look, Looks(1), ask)) as client:
        assert f'href="{HELD}"' in (await client.get(NOT_COUNTED)).text
        page = await client.get(HELD)
        assert page.status_code == 200
        for said in (
            *("At least 2 events may still count", "The click that it names has not arrived"),
            *("&lt;b&gt;ann&lt;/b&gt;", "in 1 day", 'aria-current="page">Not counted'),
        ):
            assert said in page.text, said


async def test_when_nothing_is_held_or_another_look_is_under_way() -> None:
    ask = failing(AssertionError(), "nothing")
    async with signed_in(ask) as client:
        assert "Nothing waits" in (await client.get(HELD)).text
    async with signed_in(ask, holding=Holding(no_look, Looks(0), ask)) as client:
        answer = await client.get(HELD)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]


async def no_look(_: str, __: int) -> HeldEvents:
    raise AssertionError
