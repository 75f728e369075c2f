"""Which click a page remembers: by its address, by ?via=, by its own call, by the visit itself."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.site import CLICK, Site
from tests.browser.visits import cookie, settled, visit

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

GO = "go.acme.test"
PARTNER = {
    "id": "pn_1",
    "name": "Anna Förster; & Söhne",
    "image": "https://x.test/a b.png?c=1;2",
    "tenantId": None,
}
DISCOUNT = {"id": "d", "amount": 10, "type": "percentage", "couponId": "ab;cd"}


async def test_a_partner_in_the_address_is_a_click(site: Site, page: Page) -> None:
    site.pages["/before"] = "before"
    await page.goto(site.url("/before"))
    await page.goto(site.tag(domains={"refer": GO}) + "?via=anna&x=1", referer=site.url("/before"))
    await settled(page)
    [call] = site.calls
    assert (call.host, call.path, call.key) == ("api.acme.test", "/track/click", None)
    assert call.body == {
        "domain": GO,
        "key": "anna",
        "url": site.url("/?via=anna&x=1"),
        "referrer": site.url("/before"),
    }
    assert await cookie(page) == CLICK


@pytest.mark.parametrize(
    ("options", "query", "key"),
    [
        ({"query_param": "ref"}, "ref=anna", "anna"),
        ({"query_param": "ref"}, "via=anna", "anna"),
        ({"query_params": ["from", "ref"]}, "ref=b%C3%A9n&via=anna", "bén"),
        ({"query_params": ["from", "ref"]}, "via=anna&ref=", "anna"),
        ({}, "ref=anna", None),
        ({}, "via=", None),
    ],
)
async def test_parameters_that_name_a_partner(
    site: Site, page: Page, options: dict[str, Any], query: str, key: str | None
) -> None:
    await visit(page, site.tag(short_domain=GO, **options) + "?" + query)
    assert [call.body["key"] for call in site.calls] == ([key] if key else [])


async def test_no_partner_without_a_short_domain(site: Site, page: Page) -> None:
    await visit(page, site.tag() + "?via=anna")
    assert site.calls == []


@pytest.mark.parametrize(
    ("model", "kept"), [("first-click", "first"), ("last-click", "second"), ("", "second")]
)
async def test_the_model_says_which_click_stays(site: Site, page: Page, model: str, kept: str) -> None:
    url = site.tag(short_domain=GO, attribution_model=model)
    await visit(page, url + "?dub_id=first")
    await visit(page, url + "?dub_id=second")
    assert await cookie(page) == kept


async def test_first_click_asks_for_no_further_one(site: Site, page: Page) -> None:
    url = site.tag(short_domain=GO, attribution_model="first-click")
    await visit(page, url + "?dub_id=first")
    await visit(page, url + "?via=anna")
    assert site.calls == []
    await page.evaluate("domain => dubAnalytics.trackClick({ domain, key: 'ben' })", GO)
    assert len(site.calls) == 1
    assert await cookie(page) == "first"


async def test_a_partner_link_names_click_and_partner(site: Site, page: Page) -> None:
    """As redirects do it. The click that is asked for is this visitor's; an address may be passed on."""
    site.answers["/track/click"] = lambda _: (200, {"clickId": "asked", "partner": PARTNER})
    url = site.tag(short_domain=GO)
    await visit(page, url + "?via=anna&dub_id=given")
    assert await cookie(page) == "asked"


async def test_a_partner_link_of_a_first_click(site: Site, page: Page) -> None:
    site.answers["/track/click"] = lambda _: (200, {"clickId": "asked", "partner": PARTNER})
    await visit(page, site.tag(short_domain=GO, attribution_model="first-click") + "?via=anna&dub_id=given")
    assert await cookie(page) == "given"
    assert await page.evaluate("DubAnalytics.partner") == PARTNER


async def test_a_page_knows_whose_link_it_was(site: Site, page: Page) -> None:
    site.answers["/track/click"] = lambda _: (
        200,
        {"clickId": CLICK, "partner": PARTNER, "discount": DISCOUNT},
    )
    url = site.tag(short_domain=GO)
    await visit(page, url)
    assert await page.evaluate("DubAnalytics") == {"partner": None, "discount": None}
    await visit(page, url + "?via=anna")
    assert await page.evaluate("DubAnalytics") == {"partner": PARTNER, "discount": DISCOUNT}
    await visit(page, url)
    assert await page.evaluate("DubAnalytics") == {"partner": PARTNER, "discount": DISCOUNT}
    assert len(site.calls) == 1


async def test_servers_can_read_whose_link_it_was(site: Site, page: Page) -> None:
    """JSON, in which the texts that people choose are encoded once more."""
    site.answers["/track/click"] = lambda _: (
        200,
        {"clickId": CLICK, "partner": PARTNER, "discount": DISCOUNT},
    )
    await visit(page, site.tag(short_domain=GO) + "?via=anna")
    stored = await cookie(page, "dub_partner_data")
    assert await page.evaluate("text => JSON.parse(text)", stored) == {
        "clickId": CLICK,
        "partner": {
            **PARTNER,
            "name": "Anna%20F%C3%B6rster%3B%20%26%20S%C3%B6hne",
            "image": "https%3A%2F%2Fx.test%2Fa%20b.png%3Fc%3D1%3B2",
        },
        "discount": DISCOUNT,
    }


async def test_a_partner_cookie_that_is_not_ours_is_no_matter(site: Site, page: Page) -> None:
    url = site.tag(short_domain=GO)
    await page.context.add_cookies([{"name": "dub_partner_data", "value": "null", "url": url}])
    await visit(page, url)
    assert await page.evaluate("DubAnalytics") == {"partner": None, "discount": None}


async def test_a_page_may_ask_for_a_click(site: Site, page: Page) -> None:
    await visit(page, site.tag())
    answer = await page.evaluate("domain => dubAnalytics.trackClick({ domain, key: 'anna' })", GO)
    assert answer == {"clickId": CLICK}
    assert await cookie(page) == CLICK


async def test_one_link_is_one_click_however_often_it_is_asked_for(site: Site, page: Page) -> None:
    await visit(page, site.tag(short_domain=GO) + "?via=anna")
    for key in ("anna", "anna", "ben"):
        await page.evaluate("([domain, key]) => dubAnalytics.trackClick({ domain, key })", [GO, key])
    assert [call.body["key"] for call in site.calls] == ["anna", "ben"]


async def test_a_refusal_changes_nothing(site: Site, page: Page) -> None:
    error = {"code": "not_found", "message": "Link not found."}
    site.answers["/track/click"] = lambda _: (404, {"error": error})
    url = site.tag(short_domain=GO)
    await visit(page, url + "?dub_id=before")
    await visit(page, url + "?via=nobody")
    assert await cookie(page) == "before"
    answer = await page.evaluate("domain => dubAnalytics.trackClick({ domain, key: 'x' })", GO)
    assert answer == {"error": error}


async def test_a_visitor_who_is_not_recorded_has_no_click(site: Site, page: Page) -> None:
    """The API then answers with an empty id."""
    site.answers["/track/visit"] = lambda _: (200, {"clickId": ""})
    await visit(page, site.tag(domains={"site": GO}))
    assert len(site.calls) == 1
    assert await cookie(page) is None


@pytest.mark.parametrize("host", ["/_proxy/x", "/_proxy/x/", "http://other.acme.test:{port}/_proxy/x"])
async def test_another_host_for_the_api(site: Site, page: Page, host: str) -> None:
    port = site.url().rstrip("/").rpartition(":")[2]
    site.answers["/_proxy/x/track/click"] = lambda _: (200, {"clickId": "proxied"})
    await visit(page, site.tag(short_domain=GO, api_host=host.format(port=port)) + "?via=anna")
    [call] = site.calls
    assert call.path == "/_proxy/x/track/click"
    assert call.host == ("www.acme.test" if host.startswith("/") else "other.acme.test")
    assert await cookie(page) == "proxied"


async def test_a_visit_without_a_link_is_a_click_as_well(site: Site, page: Page) -> None:
    url = site.tag(domains={"site": GO})
    await visit(page, url + "?x=1")
    [call] = site.calls
    assert (call.path, call.body["domain"], call.body["url"]) == ("/track/visit", GO, site.url("/?x=1"))
    assert await cookie(page) == CLICK
    await visit(page, url)
    assert len(site.calls) == 1


@pytest.mark.parametrize(
    ("query", "paths"), [("?dub_id=test", []), ("?via=anna", ["/track/click"]), ("", ["/track/visit"])]
)
async def test_a_visit_that_a_link_brought_is_none_of_its_own(
    site: Site, page: Page, query: str, paths: list[str]
) -> None:
    await visit(page, site.tag(domains={"site": GO, "refer": GO}) + query)
    assert [call.path for call in site.calls] == paths


async def test_a_page_rendered_ahead_has_no_visitor_yet(site: Site, page: Page) -> None:
    """Told as Chromium tells it, which renders nothing ahead while it is driven."""
    await page.add_init_script(
        "Object.defineProperty(document, 'prerendering', { get: () => !window.shown });"
        "window.show = () => { shown = true; document.dispatchEvent(new Event('prerenderingchange')) }"
    )
    await page.goto(site.tag(domains={"site": GO}) + "?dub_id=test")
    assert await page.evaluate("typeof _dubAnalytics") == "object"
    assert (site.calls, await cookie(page)) == ([], None)
    await page.evaluate("show()")
    assert await cookie(page) == "test"
