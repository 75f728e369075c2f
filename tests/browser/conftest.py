"""A real Chromium, and a site for it to visit.

Playwright belongs to one event loop: tests with a browser say ``asyncio(loop_scope="session")``.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.browser import ARGUMENTS, find_chromium, ordinary_user_agent
from tests.browser.site import Site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """A running Chromium, shared: open contexts of your own, and leave it running."""
    path = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(chromium: Browser) -> AsyncIterator[Page]:
    """Of a visitor who has never been anywhere. A script that throws fails the test."""
    thrown: list[str] = []
    async with await chromium.new_context(user_agent=ordinary_user_agent(chromium.version)) as visitor:
        visitor.on("weberror", lambda error: thrown.append(str(error.error)))
        yield await visitor.new_page()
    assert thrown == []


@pytest.fixture
def site() -> Iterator[Site]:
    """Pages and an API of one test."""
    with Site() as site:
        yield site
