"""Visits to the dashboard, and what is asked of every page."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Response

from tests.gateway.dashboard.serving import SECRET

Scheme = Literal["light", "dark"]
AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS: Final = ["color-contrast"]
"""What of them depends on the scheme."""
HOSTILE_PATH: Final = "/dashboard/events?partnerId=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E"
MOST_BYTES: Final = 100 * 1024
WATCH_SHIFTS: Final = """
    window.shifts = [];
    const placed = (box) => `${box.x},${box.y} ${box.width}x${box.height}`;
    const told = ({ node, previousRect, currentRect }) =>
        `${placed(previousRect)} to ${placed(currentRect)}: ` +
        (node?.outerHTML ?? node?.textContent ?? "something gone").slice(0, 200);
    new PerformanceObserver((list) => {
        for (const one of list.getEntries())
            window.shifts.push(`${one.value} by ${one.sources.map(told).join(" and ")}`);
    }).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Visit:
    """``failed``: what the page's scripts and its policy complained about. ``answers``: to all requests
    but streams."""

    url: str
    page: Page
    failed: list[str] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)

    async def open(self, path: str) -> None:
        """Until all that it names is loaded."""
        self.answers.clear()
        await self.page.goto(self.url + path)
        await self.page.evaluate("document.fonts.ready")

    async def shows_chart(self) -> None:
        await self.page.wait_for_selector(":root.drawn", state="attached")

    async def shifts(self) -> Sequence[str]:
        """What moved on the page without anybody's doing."""
        found: list[str] = await self.page.evaluate("shifts")
        return found

    async def overhang(self) -> int:
        """By how many pixels the page is wider than the window."""
        found: int = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return found

    async def axe(self, rules: Sequence[str] = ()) -> Sequence[Any]:
        """Each violation in a line. ``rules``: none is all of them."""
        if not await self.page.evaluate("'axe' in window"):
            # By the protocol of the debugger: the page's policy lets no script of others in.
            session = await self.page.context.new_cdp_session(self.page)
            await session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        # Of what is sound it need not say where it is, which takes half of its time.
        found = await self.page.evaluate(
            "(runOnly) => axe.run(document, { runOnly, resultTypes: ['violations'] })",
            {"type": "rule", "values": rules} if rules else {"type": "tag", "values": RULES},
        )
        return [
            f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]

    async def weight(self) -> int:
        """Bytes over the network of all that was loaded; what does not end is not."""
        ended = (one for one in self.answers if one.request.resource_type != "eventsource")
        sizes = [await one.request.sizes() for one in ended]
        return sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)

    @property
    def hosts(self) -> set[str]:
        return {urlsplit(one.url).netloc for one in self.answers if not one.url.startswith("data:")}


@asynccontextmanager
async def visiting(
    browser: Browser, url: str, *, width: int = 1440, scheme: Scheme = "light", scripts: bool = True
) -> AsyncIterator[Visit]:
    """Somebody who has not signed in."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
    )
    async with context:
        if scripts:
            await context.add_init_script(WATCH_SHIFTS)
        visit = Visit(url, await context.new_page())
        visit.page.on("pageerror", lambda error: visit.failed.append(str(error)))
        visit.page.on("console", lambda said: _complaint(visit, said.type, said.text))
        visit.page.on("response", lambda answer: _note(visit, answer))
        yield visit


def _note(visit: Visit, answer: Response) -> None:
    # A stream has no end, nor a size.
    if answer.request.resource_type != "eventsource":
        visit.answers.append(answer)


def _complaint(visit: Visit, kind: str, text: str) -> None:
    # The form for a key answers that nobody has signed in, the page of nobody that there is none, a link that
    # it has expired: of such a status browsers tell as well.
    told = any(f"status of {status}" in text for status in (401, 404, 410))
    if kind in ("error", "warning") and not told:
        visit.failed.append(text)


async def sign_in(visit: Visit, key: str = SECRET.text, path: str = "/") -> None:
    """By the form."""
    await visit.page.goto(visit.url + path)
    await visit.page.fill("#key", key)
    await visit.page.click("button[type=submit]")
    await visit.page.wait_for_selector("h1")
