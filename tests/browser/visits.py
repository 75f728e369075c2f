"""What tests ask of a page."""

from typing import Any

from playwright.async_api import Page


async def cookies(page: Page) -> dict[str, Any]:
    """All that this visitor has, by name, from every site."""
    return {one["name"]: one for one in await page.context.cookies()}


async def cookie(page: Page, name: str = "dub_id") -> str | None:
    found = (await cookies(page)).get(name)
    return found and found["value"]


async def settled(page: Page) -> None:
    """Every click that the script asked for is answered, and what follows from it done."""
    await page.evaluate("() => dubAnalytics('ready', () => {})")


async def visit(page: Page, url: str) -> None:
    await page.goto(url)
    await settled(page)
