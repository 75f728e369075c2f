"""The dashboard as people see it: every view, light and dark, at every width, with and without scripts."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from deploy.local.clickhouse import LocalClickHouse
from processors.clock import epoch_ms
from processors.gateway.asking import Stored
from processors.gateway.customers.tracing import Tracing
from processors.gateway.dashboard.assets import read_assets
from processors.gateway.looking import Looks
from processors.gateway.outcomes.held import Holding
from processors.people.traced import HeldEvents, Trace
from processors.settings import Settings
from schemas.ids import customer_id
from schemas.times import DAY_MS
from tests.browser.dashboards import COLOURS, HOSTILE_PATH, MOST_BYTES, Visit, sign_in, visiting
from tests.clickhouse.database import Database, fresh_database
from tests.gateway.customers.traces import MOMENT, held, trace, waiting
from tests.gateway.dashboard import kept, world
from tests.gateway.dashboard.serving import OTHER, SECRET, Dashboard, Served, served

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

WIDTHS = (320, 360, 768, 1024, 1440)
VIEWS = {
    "overview": "/",
    "overview, filtered": "/?country=-US&tab=sales&unit=amount&basis=cohort&groupBy=country&qualifyWithin=7d",
    "overview, a day": "/?interval=24h&tab=clicks&timezone=Asia/Kolkata",
    "overview, a year": "/?interval=1y&kind=leads",
    "overview, filtered empty": "/?utm_campaign=winter-2027",
    "events": "/dashboard/events",
    "customers": "/dashboard/customers",
    "customer": "/dashboard/customer?id=u1",
    "nobody": "/dashboard/customer?id=nobody",
    "trace": "/dashboard/trace?id=u1",
    "people behind a step": "/dashboard/customers?clicked=1&status=qualified",
    "partners, by browser": "/dashboard/partners?interval=90d&groupBy=browser",
    "partners": "/dashboard/partners?interval=90d",
    "not counted": "/dashboard/not-counted",
    "held": "/dashboard/held",
    "late": "/dashboard/not-counted?reason=late",
    "hostile": HOSTILE_PATH,
}
KEPT_VIEWS = {
    "views": "/dashboard/views?of=/%3Fcountry=DE",
    "shared overview": kept.OVERVIEW,
    "shared partners": kept.PARTNERS,
    "expired link": kept.EXPIRED,
}
HOSTILE = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>\u202e" + "long " * 100
MOST_SCRIPT_BYTES = 8 * 1024


@pytest.fixture(scope="module")
def database(clickhouse: LocalClickHouse) -> Iterator[Database]:
    now_ms = epoch_ms()
    made = world.made("acme", now_ms, per_day=30)
    _hostile(made, now_ms)
    with fresh_database(clickhouse.url) as database:
        made.insert(database.client)
        yield database


def _hostile(made: world.World, now_ms: int) -> None:
    """Somebody who writes what no browser should take for more than text, everywhere."""
    columns = ("click_id", "link_id", "partner_id", "domain", "key", "country", "city", "device", "browser")
    texts = dict.fromkeys((*columns, "os", "referer"), HOSTILE)
    about = {**texts, "url": "https://acme.com/?utm_campaign=" + HOSTILE}
    template = made.tables["customers_raw"][0]
    person = {
        **about,
        **dict.fromkeys(("customer_external_id", "customer_name", "customer_email"), HOSTILE),
        "customer_id": customer_id("acme", HOSTILE),
    }
    at_ms = now_ms - 60_000
    made.add("clicks_raw", **{**made.tables["clicks_raw"][0], **about, "timestamp": at_ms})
    made.add("customers_raw", **{**template, **person, "deferred_at": at_ms, "click_timestamp": at_ms})
    lead = made.tables["leads_raw"][0]
    late = {"version": world.version(now_ms), "revision": 2}
    made.add(
        "leads_raw", **{**lead, **person, **late, "event_name": HOSTILE, "timestamp": at_ms - 3 * DAY_MS}
    )
    sale = made.tables["sales_raw"][0]
    made.add("sales_raw", **{**sale, **person, "event_name": HOSTILE, "timestamp": at_ms, "currency": "<b>"})
    refused = made.tables["unmatched_raw"][0]
    told = dict.fromkeys(("detail", "customer_external_id", "click_id", "event_name"), HOSTILE)
    made.add(
        "unmatched_raw",
        **{
            **refused,
            **told,
            "customer_id": person["customer_id"],
            "unmatched_id": "hostile",
            "timestamp": at_ms,
        },
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def there(database: Database) -> AsyncIterator[Served]:
    settings = Settings.model_validate({"clickhouse_url": database.url})
    async with aclosing(Stored(settings)) as stored:
        looks = Looks(1)
        holding = Holding(_held, looks, stored.rows)
        dashboard = Dashboard(stored.rows, tracing=Tracing(_traced, looks), holding=holding)
        dashboard.registry.put(kept.views(epoch_ms()))
        async with served(dashboard) as found:
            yield found


async def _traced(workspace_id: str, external_id: str) -> Trace | None:
    waits = {"clickId": HOSTILE, "waitsUntil": MOMENT, "why": HOSTILE}
    return trace(workspace_id, external_id, waits=[waits], kept=[HOSTILE])


async def _held(_: str, __: int) -> HeldEvents:
    return held(waiting(HOSTILE, HOSTILE), waiting("u1"))


@pytest.mark.parametrize("width", WIDTHS)
async def test_every_view(chromium: Browser, there: Served, width: int) -> None:
    async with visiting(chromium, there.url, width=width) as visit:
        await visit.open("/")
        await _is_sound(visit, "sign in")
        await sign_in(visit)
        # Those that are kept have the cards of the others.
        views = VIEWS | KEPT_VIEWS if width in (WIDTHS[0], WIDTHS[-1]) else VIEWS
        for name, path in views.items():
            await visit.open(path)
            if "overview" in name and "empty" not in name:
                await visit.shows_chart()
            assert await visit.shifts() == [], name
            await _is_sound(visit, name)
            assert visit.hosts == {there.url.removeprefix("http://")}, name
            assert await visit.page.evaluate("document.querySelectorAll('img, iframe').length") == 0, name
        assert visit.failed == []


async def _is_sound(visit: Visit, name: str) -> None:
    """In both schemes."""
    assert await visit.overhang() <= 0, name
    assert await visit.axe() == [], name
    await visit.page.emulate_media(color_scheme="dark")
    assert await visit.overhang() <= 0, name
    assert await visit.axe(COLOURS) == [], name
    await visit.page.emulate_media(color_scheme="light")


async def test_the_first_visit_is_light(chromium: Browser, there: Served) -> None:
    """Nothing is in the browser's cache but what the form for the key has in common with it."""
    async with visiting(chromium, there.url) as visit:
        await visit.open("/")
        form = await visit.weight()
        await sign_in(visit)
        visit.answers.clear()
        await visit.open("/")
        assert form + await visit.weight() <= MOST_BYTES
        assert len(visit.answers) <= 6
    assert len(read_assets()["script"].plain) <= MOST_SCRIPT_BYTES


async def test_without_scripts(chromium: Browser, there: Served) -> None:
    """Links and forms do everything; the chart's numbers are in its table."""
    async with visiting(chromium, there.url, scripts=False) as visit:
        page = visit.page
        await sign_in(visit)
        assert not await page.locator("#plot").is_visible()
        assert not await page.locator("#theme").is_visible()
        await page.click("text=Show as table")
        assert await page.locator(".behind tbody tr").count() == 30
        await page.click("#tab-clicks")
        assert await page.locator("#tab-clicks").get_attribute("aria-selected") == "true"
        await page.click("nav[aria-label='Break down by'] >> text=Country")
        await page.click(".pick summary")
        await page.click(".pick .menu >> text=Browser")
        assert await page.locator("#h-groups").inner_text() == "Browsers"
        await page.click("nav[aria-label='Break down by'] >> text=Country")
        await page.click("#h-groups >> xpath=ancestor::section >> td.strong a >> nth=0")
        assert "country=" in page.url
        await page.click(".chip a:text-is('is')")
        assert "country=-" in page.url
        await page.click(".chip a.off")
        assert "country=" not in page.url
        await page.click("summary:has-text('+ Filter')")
        await page.select_option("select[name=filter]", "device")
        await page.fill("input[name=value]", "Mobile")
        await page.click("text=Add the filter")
        assert (await page.locator(".chip").inner_text()).split()[:3] == ["Device", "is", "Mobile"]
        await page.click("#dates summary")
        await page.fill("input[name=start]", "2026-01-01")
        await page.fill("input[name=end]", "2026-01-07")
        await page.click("#dates button")
        assert "start=2026-01-01" in page.url
        assert (await page.locator(".chip").inner_text()).split()[:3] == ["Device", "is", "Mobile"]
        await page.click("nav[aria-label=Views] >> text=Customers")
        await page.fill("#find", "u1")
        await page.press("#find", "Enter")
        await page.click("td.strong a >> nth=0")
        assert await page.locator(".story li").count() >= 2
        await page.click("text=Why? Every fact")
        assert await page.locator("#h-trace").inner_text() == "Qualified"
        await page.click(".own summary")
        await page.click("text=Sign out")
        await page.wait_for_selector("#key")
        await page.goto(visit.url + "/")
        assert await page.locator("#key").is_visible()


async def test_by_keyboard_alone(chromium: Browser, there: Served) -> None:
    async with visiting(chromium, there.url) as visit:
        page = visit.page
        await page.goto(visit.url + "/")
        await page.wait_for_selector("#key:focus")
        await page.keyboard.type(SECRET.text)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:text-is('Overview')")
        await visit.shows_chart()
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"
        await page.focus("#tab-leads")
        await page.keyboard.press("ArrowRight")
        assert await page.evaluate("document.activeElement.id") == "tab-sales"
        assert await page.locator("#tab-sales").get_attribute("aria-selected") == "true"
        assert "tab=sales" in page.url
        await page.keyboard.press("1")
        assert "tab=clicks" in page.url
        await page.focus("#plot")
        await page.keyboard.press("Home")
        first = await page.locator("#said").inner_text()
        await page.keyboard.press("ArrowRight")
        second = await page.locator("#said").inner_text()
        assert first.endswith("Clicks")
        assert first != second
        assert await page.locator(".tip").is_visible()
        await page.keyboard.press("t")
        assert await page.locator(".behind table").is_visible()
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.id") == "find"
        await page.keyboard.type("1t")
        assert await page.locator("#find").input_value() == "1t"
        await page.focus("#dates summary")
        await page.keyboard.press("Enter")
        assert await page.locator("#dates form").is_visible()
        await page.keyboard.press("Escape")
        assert not await page.locator("#dates form").is_visible()
        assert visit.failed == []


async def test_the_chart_says_what_the_table_says(chromium: Browser, there: Served) -> None:
    async with visiting(chromium, there.url) as visit:
        page = visit.page
        await sign_in(visit)
        await visit.open("/?timezone=America/New_York")
        await visit.shows_chart()
        rows = await page.locator(".behind tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        )
        await page.focus("#plot")
        await page.keyboard.press("Home")
        day, count = rows[-1][0], rows[-1][2]
        assert await page.locator("#said").inner_text() == f"{day}: {count} Leads"
        assert await page.locator(".tip h3").inner_text() == day
        total = sum(int(row[2].replace(",", "")) for row in rows)
        assert await page.locator("#tab-leads strong").inner_text() == f"{total:,}"
        assert await page.locator(".funnel .leads .count").inner_text() == f"{total:,}"


async def test_dragging_makes_a_period(chromium: Browser, there: Served) -> None:
    async with visiting(chromium, there.url) as visit:
        await sign_in(visit)
        await visit.shows_chart()
        box = await visit.page.locator(".u-over").bounding_box()
        assert box is not None
        begin, middle = box["x"] + box["width"] * 0.31, box["y"] + 60
        await visit.page.mouse.move(begin, middle)
        await visit.page.mouse.down()
        await visit.page.mouse.move(begin + box["width"] * 0.3, middle, steps=5)
        await visit.page.mouse.up()
        await visit.page.wait_for_url("**start=**")
        await visit.shows_chart()
        assert await visit.page.locator(".behind tbody tr").count() in (9, 10, 11)


async def test_the_reader_chooses_light_or_dark(chromium: Browser, there: Served) -> None:
    async with visiting(chromium, there.url, scheme="light") as visit:
        await sign_in(visit)
        ground = "getComputedStyle(document.body).backgroundColor"
        assert await visit.page.evaluate(ground) == "rgb(247, 247, 248)"
        await visit.page.click("#theme")
        assert await visit.page.evaluate(ground) == "rgb(13, 14, 18)"
        await visit.open("/dashboard/customers")
        assert await visit.page.evaluate(ground) == "rgb(13, 14, 18)"
        stored = await visit.page.evaluate("JSON.stringify([localStorage, sessionStorage])")
        assert stored == '[{"theme":"dark"},{}]'
        assert await visit.page.evaluate("document.cookie") == ""


async def test_another_workspace_sees_nothing_of_it(chromium: Browser, there: Served) -> None:
    async with visiting(chromium, there.url) as visit:
        await sign_in(visit, OTHER.text)
        assert await visit.page.locator(".empty h3").inner_text() == "No events yet"
        assert "globex" in await visit.page.locator(".empty code").inner_text()
        for path in VIEWS.values():
            await visit.open(path)
            text = await visit.page.locator("main").inner_text()
            assert "lantern-letter" not in text, path
            assert "example.com" not in text, path


async def test_texts_of_events_are_cut_and_isolated(chromium: Browser, there: Served) -> None:
    async with visiting(chromium, there.url) as visit:
        await sign_in(visit)
        await visit.open("/dashboard/events?kind=leads&interval=7d")
        shown = visit.page.locator("bdi[title]").first
        assert await shown.get_attribute("title") == HOSTILE
        assert len(await shown.inner_text()) <= 201
        assert visit.failed == []


async def test_a_view_is_named_and_shared_without_scripts(chromium: Browser, there: Served) -> None:
    async with (
        visiting(chromium, there.url, scripts=False) as visit,
        visiting(chromium, there.url, scripts=False) as stranger,
    ):
        page = visit.page
        await sign_in(visit, path="/?country=DE&interval=90d")
        await page.click(".saved summary")
        await page.click("text=Save or share this view")
        await page.fill("form[action$=save] input[name=name]", "My Germany")
        await page.click("text=Save it for this workspace")
        assert page.url.endswith("/?interval=90d&country=DE")
        await page.click(".saved summary")
        assert await page.locator(".saved a[aria-current]").inner_text() == "My Germany"
        await page.click("text=Save or share this view")
        await page.select_option("select[name=days]", "7")
        await page.click("text=Make a link")
        link = await page.locator("input[readonly]").input_value()
        await stranger.page.goto(link)
        leads = await stranger.page.locator("#tab-leads strong").inner_text()
        await stranger.page.click("#tab-sales")
        assert stranger.page.url == f"{link}?tab=sales"
        await page.click("li:has-text('My Germany') >> text=Delete")
        assert await page.locator("text=My Germany").count() == 0
        await page.click(".kept li:has-text('Until'):has-text('by Partner, Country is DE') >> text=Revoke")
        await stranger.page.reload()
        assert await stranger.page.locator("h1").inner_text() == "This link is not open"
        await visit.page.goto(visit.url + "/?country=DE&interval=90d")
        assert await page.locator("#tab-leads strong").inner_text() == leads


async def test_a_shared_page_names_nobody(chromium: Browser, there: Served, database: Database) -> None:
    """Of all that is stored of people, nothing is on it."""
    sql = "SELECT customer_name, customer_email, customer_external_id, customer_id FROM customers"
    people = [text for row in database.client.query(sql).result_rows for text in row if len(text) > 4]
    async with visiting(chromium, there.url) as visit:
        for path in (kept.OVERVIEW, kept.PARTNERS):
            await visit.open(path)
            page = await visit.page.content()
            assert await visit.page.locator("table tbody tr").count() > 5
            found = [one for one in people if one in page and one != HOSTILE]
            assert found == []
        assert visit.failed == []


async def test_menus_stay_within_a_phone(chromium: Browser, there: Served) -> None:
    async with visiting(chromium, there.url, width=320) as visit:
        await sign_in(visit)
        menus = visit.page.locator(".bar details.menu")
        assert await menus.count() == 3
        for index in range(3):
            await menus.nth(index).locator("summary").click()
            box = await menus.nth(index).locator(":scope > div").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 320
            assert await visit.overhang() <= 0
