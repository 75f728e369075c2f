"""Leads and sales that a page reports itself, with a publishable key."""

import pytest
from playwright.async_api import Page

from tests.browser.site import CLICK, Site
from tests.browser.visits import visit

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

LEAD = {"eventName": "Sign Up", "customerExternalId": "u1", "mode": "deferred", "metadata": {"plan": "pro"}}
SALE = {"customerExternalId": "u1", "amount": 100}
KEY = "leadstream_pk_1"


@pytest.mark.parametrize(
    ("method", "path", "event"),
    [("trackLead", "/track/lead/client", LEAD), ("trackSale", "/track/sale/client", SALE)],
)
async def test_an_event_goes_out_with_the_click(
    site: Site, page: Page, method: str, path: str, event: dict[str, object]
) -> None:
    site.answers[path] = lambda called: (200, {"echo": called.body})
    await visit(page, site.tag(publishable_key=KEY) + "?dub_id=test")
    answer = await page.evaluate("([method, event]) => dubAnalytics[method](event)", [method, event])
    [call] = site.calls
    assert (call.host, call.path, call.key) == ("api.acme.test", path, KEY)
    assert call.body == {**event, "clickId": "test"}
    assert answer == {"echo": call.body}


@pytest.mark.parametrize(
    ("given", "sent"), [("{}", ""), ("{ clickId: 'mine' }", "mine"), ("{ clickId: undefined }", "")]
)
async def test_the_click_of_an_event(site: Site, page: Page, given: str, sent: str) -> None:
    """The page's own, else the cookie's, else an empty text: the API refuses an event that has none."""
    await visit(page, site.tag(publishable_key=KEY))
    await page.evaluate(f"() => dubAnalytics.trackLead({given})")
    assert site.calls[-1].body["clickId"] == sent


async def test_an_event_waits_for_the_click_that_is_asked_for(site: Site, page: Page) -> None:
    """A page that reports a lead at once does so with the click that brought this visitor."""
    report = "<script>function dubAnalytics() { (dubAnalytics.q = dubAnalytics.q || []).push(arguments) }"
    report += "dubAnalytics('trackLead', { eventName: 'e', customerExternalId: 'c' })</script>"
    site.tag(publishable_key=KEY, short_domain="go.acme.test", body=report)
    async with page.expect_response("**/track/lead/client"):
        await page.goto(site.url("/?via=anna"))
    assert [call.path for call in site.calls] == ["/track/click", "/track/lead/client"]
    assert site.calls[-1].body["clickId"] == CLICK


async def test_a_refusal_is_told_and_thrown_at_nobody(site: Site, page: Page) -> None:
    error = {"code": "unprocessable_entity", "message": "invalid_type: eventName: is missing"}
    site.answers["/track/lead/client"] = lambda _: (422, {"error": error})
    await visit(page, site.tag(publishable_key=KEY))
    async with page.expect_console_message(lambda one: "invalid_type" in one.text) as said:
        assert await page.evaluate("() => dubAnalytics.trackLead({})") == {"error": error}
    assert (await said.value).type == "error"


async def test_an_api_that_is_away_is_told_and_thrown_at_nobody(site: Site, page: Page) -> None:
    await visit(page, site.tag(publishable_key=KEY, api_host="http://127.0.0.1:1"))
    answer = await page.evaluate("event => dubAnalytics.trackLead(event)", LEAD)
    assert answer["error"]["code"] == "no_answer"


async def test_a_missing_key_is_named(site: Site, page: Page) -> None:
    await visit(page, site.tag())
    async with page.expect_console_message(lambda one: "data-publishable-key" in one.text):
        await page.evaluate("event => dubAnalytics.trackLead(event)", LEAD)


async def test_an_event_survives_the_page(site: Site, page: Page) -> None:
    """Forms report a sign-up and go on to the next page in the same moment."""
    site.pages["/next"] = "next"
    await visit(page, site.tag(publishable_key=KEY) + "?dub_id=test")
    await page.evaluate("event => { dubAnalytics.trackLead(event); location.href = '/next' }", LEAD)
    await page.wait_for_url("**/next")
    await site.until(lambda: bool(site.calls))
    assert site.calls[0].body["clickId"] == "test"
