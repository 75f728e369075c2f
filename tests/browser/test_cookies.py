"""The cookie in which a site remembers the click."""

import time
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.site import Site
from tests.browser.visits import cookie, cookies, visit

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

DAY_S = 86_400
WRITTEN = """
    const cookies = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
    const set = (text) => { window.written = text; cookies.set.call(document, text) };
    Object.defineProperty(document, "cookie", { ...cookies, set });
"""


def days_left(one: dict[str, Any]) -> float:
    return float((one["expires"] - time.time()) / DAY_S)


async def test_the_check_of_an_installation(site: Site, page: Page) -> None:
    """As guides have it: the global is there, and ?dub_id=test makes the cookie."""
    await visit(page, site.tag() + "?dub_id=test")
    assert await page.evaluate("typeof _dubAnalytics") == "object"
    assert await cookie(page) == "test"


async def test_its_attributes(site: Site, page: Page) -> None:
    await visit(page, site.tag() + "?dub_id=test")
    one = (await cookies(page))["dub_id"]
    assert days_left(one) == pytest.approx(90, abs=0.1)
    assert (one["path"], one["sameSite"], one["secure"], one["httpOnly"]) == ("/", "Lax", False, False)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.acme.test", ".acme.test"),
        ("shop.acme.test", ".shop.acme.test"),
        ("app.localhost", ".app.localhost"),
        ("localhost", "localhost"),
        ("intranet", "intranet"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
    ],
)
async def test_the_domain_is_the_site_wherever_it_has_one(
    site: Site, page: Page, host: str, domain: str
) -> None:
    await page.add_init_script(WRITTEN)
    site.tag()
    await visit(page, site.url("/?dub_id=test", host))
    assert (await cookies(page))["dub_id"]["domain"] == domain
    # Not every browser is as patient with a domain that cannot be one.
    assert ("domain=" in await page.evaluate("written")) == domain.startswith(".")


async def test_subdomains_share_it(site: Site, page: Page) -> None:
    await visit(page, site.tag() + "?dub_id=test")
    await page.goto(site.url("/", "app.acme.test"))
    assert await page.evaluate("document.cookie") == "dub_id=test"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"domain": ".acme.test", "path": "/shop"}, {"domain": ".acme.test", "path": "/shop"}),
        ({"domain": None}, {"domain": "app.acme.test"}),
        ({"sameSite": "strict"}, {"sameSite": "Strict"}),
        ({"sameSite": True}, {"sameSite": "Strict"}),
        ({"sameSite": False}, {"sameSite": "Lax"}),  # what Chromium takes for none
    ],
)
async def test_options(site: Site, page: Page, options: dict[str, Any], expected: dict[str, Any]) -> None:
    site.tag(cookie_options=options)
    await visit(page, site.url("/?dub_id=test", "app.acme.test"))
    assert (await cookies(page))["dub_id"].items() >= expected.items()


@pytest.mark.parametrize(
    ("options", "days"),
    [({"expiresInDays": 7}, 7), ({"maxAge": 2 * DAY_S}, 2), ({"expiresInDays": 0.5}, 0.5)],
)
async def test_how_long_it_lasts(site: Site, page: Page, options: dict[str, Any], days: float) -> None:
    await visit(page, site.tag(cookie_options=options) + "?dub_id=test")
    assert days_left((await cookies(page))["dub_id"]) == pytest.approx(days, abs=0.1)


async def test_a_moment_at_which_it_ends(site: Site, page: Page) -> None:
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + DAY_S))
    await visit(page, site.tag(cookie_options={"expires": tomorrow}) + "?dub_id=test")
    assert days_left((await cookies(page))["dub_id"]) == pytest.approx(1, abs=0.1)


async def test_options_that_are_no_json_are_as_if_not_given(site: Site, page: Page) -> None:
    await visit(page, site.tag(cookie_options="{", domains="{", short_domain="go.acme.test") + "?dub_id=test")
    assert await cookie(page) == "test"
    assert await page.evaluate("_dubAnalytics.d") == "go.acme.test"


async def test_an_id_sets_no_attributes(site: Site, page: Page) -> None:
    """A link can hold anything; it goes to the API as it was, and nowhere else."""
    evil = "x%3B%20domain%3D.test%3B%20max-age%3D1%0D%0Aü"
    await visit(page, site.tag(publishable_key="pk") + f"?dub_id={evil}")
    one = (await cookies(page))["dub_id"]
    assert one["domain"] == ".acme.test"
    assert days_left(one) > 80
    await page.evaluate("() => dubAnalytics.trackLead({ eventName: 'e', customerExternalId: 'c' })")
    assert site.calls[-1].body["clickId"] == "x; domain=.test; max-age=1\r\nü"


async def test_a_page_without_cookies_goes_on(site: Site, page: Page) -> None:
    """A sandboxed frame: whoever reads document.cookie there is thrown at."""
    site.tag(short_domain="go.acme.test")
    inner = site.url("/?dub_id=test&via=anna")
    site.pages["/outer"] = f"<iframe sandbox='allow-scripts' src='{inner}'></iframe>"
    await page.goto(site.url("/outer"))
    frame = page.frame(url=inner)
    assert frame is not None
    await frame.evaluate("() => dubAnalytics('ready', () => {})")
    assert len(site.called("/track/click")) == 1
    assert await cookies(page) == {}
