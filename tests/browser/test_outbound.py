"""Links and frames that lead to other sites of ours carry the click there."""

import pytest
from playwright.async_api import Page

from tests.browser.site import CLICK, Site
from tests.browser.visits import visit

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

OUTBOUND = "shop.test, app.other.test,*.wide.test,acme.test"
WITH = "dub_id=test"


async def href(page: Page, selector: str = "a") -> str:
    return str(await page.eval_on_selector(selector, "one => one.getAttribute('href')"))


async def becomes(page: Page, selector: str, expected: str, name: str = "href") -> None:
    """Soon."""
    await page.wait_for_function(
        "([selector, name, expected]) => document.querySelector(selector)?.getAttribute(name) === expected",
        arg=[selector, name, expected],
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://shop.test", f"https://shop.test?{WITH}"),
        ("https://www.shop.test/a", f"https://www.shop.test/a?{WITH}"),
        ("//shop.test/a", f"//shop.test/a?{WITH}"),
        ("https://shop.test/?a=b%20c&flag#top?", f"https://shop.test/?a=b%20c&flag&{WITH}#top?"),
        ("https://shop.test/?q=ü+ö", f"https://shop.test/?q=ü+ö&{WITH}"),
        ("https://app.other.test:8443/a", f"https://app.other.test:8443/a?{WITH}"),
        ("https://a.wide.test/", f"https://a.wide.test/?{WITH}"),
        ("https://www.b.a.wide.test/", f"https://www.b.a.wide.test/?{WITH}"),
        ("https://shop.test/?dub_id=other", None),
        ("https://other.test/", None),
        ("https://sub.shop.test/", None),
        ("https://wide.test/", None),
        ("https://notwide.test/", None),
        ("https://notshop.test/", None),
        ("https://shop.test.evil/", None),
        ("https://www.acme.test/", None),
        ("/shop.test", None),
        ("mailto:a@shop.test", None),
        ("https://[", None),
    ],
)
async def test_which_links_carry_it(site: Site, page: Page, before: str, after: str | None) -> None:
    await visit(
        page, site.tag(domains={"outbound": OUTBOUND}, body=f"<a href='{before}'></a>") + "?dub_id=test"
    )
    assert await href(page) == (after or before)


async def test_domains_may_be_a_list(site: Site, page: Page) -> None:
    body = "<a href='https://shop.test/'></a>"
    await visit(page, site.tag(domains={"outbound": ["x.test", "www.shop.test"]}, body=body) + "?dub_id=test")
    assert await href(page) == f"https://shop.test/?{WITH}"


async def test_nothing_to_carry(site: Site, page: Page) -> None:
    body = "<a href='https://shop.test/'></a>"
    await visit(page, site.tag(domains={"outbound": OUTBOUND}, body=body))
    assert await href(page) == "https://shop.test/"


async def test_frames_and_what_documents_inside_hold(site: Site, page: Page) -> None:
    inner = '<iframe src="https://shop.test/book"></iframe><a href="https://a.wide.test/">x</a>'
    body = f"<iframe id=out src='https://shop.test/x'></iframe><iframe id=doc srcdoc='{inner}'></iframe>"
    await visit(page, site.tag(domains={"outbound": OUTBOUND}, body=body) + "?dub_id=test")
    await becomes(page, "#out", f"https://shop.test/x?{WITH}", "src")
    await page.wait_for_function(
        "expected => document.querySelector('#doc').contentDocument.body.innerHTML === expected",
        arg=inner.replace("/book", f"/book?{WITH}").replace("wide.test/", f"wide.test/?{WITH}"),
    )
    await page.evaluate(
        "() => document.querySelector('#doc').contentDocument.querySelector('a').href = 'https://shop.test/2'"
    )
    await page.wait_for_function(
        "expected => document.querySelector('#doc').contentDocument.querySelector('a').href === expected",
        arg=f"https://shop.test/2?{WITH}",
    )


async def test_a_document_inside_that_loads_itself_anew(site: Site, page: Page) -> None:
    """Nothing else changes in the page then."""
    body = "<iframe srcdoc='<a href=\"https://shop.test/\">x</a>'></iframe>"
    await visit(page, site.tag(domains={"outbound": OUTBOUND}, body=body) + "?dub_id=test")
    inner = "document.querySelector('iframe').contentDocument"
    carries = f"expected => !{inner}.old && {inner}.querySelector('a')?.href === expected"
    await page.wait_for_function(carries, arg=f"https://shop.test/?{WITH}")
    await page.evaluate(f"() => {{ {inner}.old = true; {inner}.location.reload() }}")
    await page.wait_for_function(carries, arg=f"https://shop.test/?{WITH}")


@pytest.mark.parametrize("move", ["pushState", "replaceState"])
async def test_pages_that_change_without_a_load(site: Site, page: Page, move: str) -> None:
    await visit(page, site.tag(domains={"outbound": OUTBOUND}) + "?dub_id=test")
    await page.evaluate(
        f"() => {{ history.{move}({{}}, '', '/next');"
        " document.body.innerHTML = '<div><a href=\"https://shop.test/\">x</a></div>' }"
    )
    await becomes(page, "a", f"https://shop.test/?{WITH}")
    await page.eval_on_selector("a", "one => one.href = 'https://www.shop.test/2'")
    await becomes(page, "a", f"https://www.shop.test/2?{WITH}")


async def test_back_in_a_page_that_changes_without_a_load(site: Site, page: Page) -> None:
    body = "<a href='https://shop.test/'></a><script>addEventListener('popstate', () =>"
    body += " { document.body.innerHTML = '<a href=\"https://shop.test/back\">x</a>' })</script>"
    await visit(page, site.tag(domains={"outbound": OUTBOUND}, body=body) + "?dub_id=test")
    await page.evaluate("() => { history.pushState({}, '', '/next'); history.back() }")
    await becomes(page, "a", f"https://shop.test/back?{WITH}")


async def test_a_link_that_is_followed_at_once(site: Site, page: Page) -> None:
    """In the same moment in which it came into the page."""
    site.pages["/there"] = "there"
    await visit(page, site.tag(domains={"outbound": OUTBOUND}) + "?dub_id=test")
    await page.evaluate(
        "port => { document.body.innerHTML = `<a href='http://shop.test:${port}/there'>x</a>`;"
        " document.querySelector('a').click() }",
        site.url().rstrip("/").rpartition(":")[2],
    )
    await page.wait_for_url(f"**/there?{WITH}")


async def test_another_click_goes_into_links_and_loads_no_frame_anew(site: Site, page: Page) -> None:
    body = "<a href='https://shop.test/'></a><iframe src='https://shop.test/'></iframe>"
    await visit(page, site.tag(domains={"outbound": OUTBOUND}, body=body) + "?dub_id=test")
    assert await href(page) == f"https://shop.test/?{WITH}"
    await page.evaluate("() => dubAnalytics.trackClick({ domain: 'go.test', key: 'anna' })")
    await page.evaluate("() => document.body.append('changed')")
    await becomes(page, "a", f"https://shop.test/?dub_id={CLICK}")
    await becomes(page, "iframe", f"https://shop.test/?{WITH}", "src")


async def test_frames_wait_for_the_click_that_is_asked_for(site: Site, page: Page) -> None:
    """A visitor with an earlier click: the frame is given the new one, and loaded anew only once."""
    body = "<iframe src='https://shop.test/'></iframe>"
    url = site.tag(domains={"outbound": OUTBOUND, "refer": "go.test"}, body=body)
    await page.context.add_cookies([{"name": "dub_id", "value": "old", "domain": ".acme.test", "path": "/"}])
    await visit(page, url + "?via=anna")
    await becomes(page, "iframe", f"https://shop.test/?dub_id={CLICK}", "src")
