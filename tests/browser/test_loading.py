"""However the script comes into a page, it works, and works once."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.site import CLICK, Site
from tests.browser.visits import cookie, settled, visit

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

GO = "go.acme.test"
PACKAGE = Path(__file__).parent / "node_modules" / "@dub" / "analytics" / "dist" / "index.js"
QUEUE = """<script>
    window.dubAnalytics = function () { (dubAnalytics.q = dubAnalytics.q || []).push(arguments) };
    for (const name of ["trackClick", "trackLead", "trackSale"])
        dubAnalytics[name] = (...values) => dubAnalytics(name, ...values);
</script>"""


@pytest.mark.parametrize(
    ("options", "domains", "short"),
    [
        (
            {"domains": {"refer": GO, "site": "s.test", "outbound": "a.test,b.test"}},
            {"refer": GO, "site": "s.test", "outbound": "a.test,b.test"},
            GO,
        ),
        ({"short_domain": GO}, {"refer": GO}, GO),
        ({"short_domain": "old.test", "domains": {"refer": GO}}, {"refer": GO}, GO),
        ({"short_domain": GO, "domains": {"site": "s.test"}}, {"refer": GO, "site": "s.test"}, GO),
    ],
)
async def test_a_page_can_see_how_it_is_set_up(
    site: Site, page: Page, options: dict[str, Any], domains: dict[str, str], short: str
) -> None:
    site.answers["/track/visit"] = lambda _: (404, {"error": {"code": "not_found", "message": ""}})
    await visit(page, site.tag(**options))
    assert await page.evaluate("_dubAnalytics.n") == domains
    assert await page.evaluate("_dubAnalytics.d") == short


async def test_calls_from_before_it_came(site: Site, page: Page) -> None:
    calls = f"""<script>
        dubAnalytics("ready", () => {{ window.readyWith = document.cookie }});
        dubAnalytics.trackLead({{ eventName: "e", customerExternalId: "c" }});
        dubAnalytics.trackClick({{ domain: "{GO}", key: "anna" }});
        dubAnalytics("nonsense");
    </script>"""
    site.tag(publishable_key="pk", body=QUEUE + calls)
    async with page.expect_response("**/track/lead/client"):
        await page.goto(site.url())
    assert [call.path for call in site.calls] == ["/track/click", "/track/lead/client"]
    assert site.calls[1].body["clickId"] == CLICK
    assert await page.evaluate("readyWith") == f"dub_id={CLICK}"


async def test_twice_is_once(site: Site, page: Page) -> None:
    site.tag(domains={"refer": GO, "outbound": "shop.test"}, body="<a href='https://shop.test/'></a>")
    site.pages["/"] += site.pages["/"]
    await visit(page, site.url("/?via=anna"))
    assert len(site.calls) == 1
    hrefs = await page.eval_on_selector_all("a", "all => all.map(one => one.getAttribute('href'))")
    assert hrefs == [f"https://shop.test/?dub_id={CLICK}"] * 2


async def test_options_of_another_tag_are_not_ours(site: Site, page: Page) -> None:
    site.tag(short_domain=GO)
    site.pages["/"] = (
        "<script src='/script.other.js' data-api-host='/no' data-domains='{}'></script>" + (site.pages["/"])
    )
    await visit(page, site.url("/?via=anna"))
    assert [(call.host, call.path) for call in site.calls] == [("api.acme.test", "/track/click")]


async def test_a_tag_made_by_another_script(site: Site, page: Page) -> None:
    site.pages["/"] = f"""<script>
        const tag = document.createElement("script");
        tag.src = "{site.url("/script.js", "api.acme.test")}";
        tag.setAttribute("data-short-domain", "{GO}");
        document.head.append(tag);
    </script>"""
    await page.goto(site.url("/?via=anna"))
    await page.wait_for_function("window._dubAnalytics")
    await settled(page)
    assert [(call.host, call.path) for call in site.calls] == [("api.acme.test", "/track/click")]


@pytest.mark.parametrize("options", ['data-short-domain="go.acme.test" type="text/later"', ""])
async def test_run_by_a_tag_manager(site: Site, page: Page, options: str) -> None:
    """Which fetches it and runs the text: there is no tag that is running."""
    url = site.url("/script.js", "api.acme.test")
    site.pages["/"] = f"""<script src="/other.js" data-domain="x.test"></script>
        <script src="{url}" type="text/later" {options}></script>
        <script type="module">(0, eval)(await (await fetch("{url}")).text())</script>"""
    await page.goto(site.url("/?via=anna"))
    await page.wait_for_function("window._dubAnalytics")
    await page.evaluate(f"() => dubAnalytics.trackClick({{ domain: '{GO}', key: 'anna' }})")
    assert [(call.host, call.path) for call in site.calls] == [("api.acme.test", "/track/click")]
    assert await page.evaluate("_dubAnalytics.d") == (GO if options else None)


async def test_run_without_any_tag(site: Site, page: Page) -> None:
    """What can be known is then the page's own host."""
    site.pages["/"] = "<script type=module>(0, eval)(await (await fetch('/script.js')).text())</script>"
    await page.goto(site.url("/?dub_id=test"))
    await page.wait_for_function("window._dubAnalytics")
    assert await cookie(page) == "test"
    await page.evaluate(f"() => dubAnalytics.trackClick({{ domain: '{GO}', key: 'anna' }})")
    assert [(call.host, call.path) for call in site.calls] == [("www.acme.test", "/track/click")]


def with_package(site: Site) -> None:
    """A page that uses the npm package ``@dub/analytics``."""
    site.serve(PACKAGE, "/analytics.js")
    site.pages["/"] = f"""<script type="module">
        import {{ inject }} from "/analytics.js";
        window.again = () => inject({{
            domainsConfig: {{ refer: "{GO}", outbound: ["shop.test"] }},
            publishableKey: "pk",
            cookieOptions: {{ expiresInDays: 7 }},
            scriptProps: {{ src: "{site.url("/script.js", "api.acme.test")}" }},
        }});
        again();
        window.early = dubAnalytics.trackLead;
    </script>"""


async def test_the_check_of_an_installation_with_the_npm_package(site: Site, page: Page) -> None:
    with_package(site)
    await page.goto(site.url("/?dub_id=test"))
    await page.wait_for_function("window._dubAnalytics")
    assert await cookie(page) == "test"
    assert await page.evaluate("_dubAnalytics.n") == {"refer": GO, "outbound": ["shop.test"]}
    assert site.calls == []


async def test_the_npm_package_with_a_partner(site: Site, page: Page) -> None:
    with_package(site)
    async with page.expect_response("**/track/click"):
        await page.goto(site.url("/?via=anna"))
    await page.wait_for_function("document.cookie")
    assert await cookie(page) == CLICK


async def test_the_npm_package_puts_its_queue_over_us_again_and_again(site: Site, page: Page) -> None:
    """At each render of its component. Calls go out, and their promises are answered, all the same."""
    with_package(site)
    await page.goto(site.url("/?dub_id=test"))
    await page.wait_for_function("window._dubAnalytics")
    await page.evaluate("() => again()")
    event = {"eventName": "e", "customerExternalId": "c"}
    assert await page.evaluate("event => dubAnalytics.trackLead(event)", event) == {"clickId": CLICK}
    assert site.calls[0].body == {**event, "clickId": "test"}


async def test_a_reference_to_the_queue_from_before_it_came(site: Site, page: Page) -> None:
    """What a module of the page took while there was only the npm package's queue."""
    with_package(site)
    await page.goto(site.url("/?dub_id=test"))
    await page.wait_for_function("window._dubAnalytics")
    async with page.expect_response("**/track/lead/client"):
        await page.evaluate("() => { early({ eventName: 'e', customerExternalId: 'c' }) }")
    assert site.calls[0].body["clickId"] == "test"
