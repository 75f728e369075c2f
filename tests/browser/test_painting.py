"""A page whose rest is long in coming: it is painted once, when it is whole."""

import asyncio
from typing import Final

import pytest
from playwright.async_api import Browser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from processors.clock import epoch_ms
from processors.gateway.answers import TryAgain
from processors.gateway.asking import NO_ANSWER
from tests.browser.dashboards import HOSTILE_PATH, sign_in, visiting
from tests.gateway.dashboard import kept
from tests.gateway.dashboard.serving import Dashboard, failing, served

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

HEADING: Final = b"</h1>"
KINDS: Final = b'aria-label="Kind of event">'
"""Of a menu that is beside the heading while it is empty, and below it with all that is in it."""
PAGES: Final = {
    "sign in": ("/", HEADING),
    "overview": ("/", HEADING),
    "events": ("/dashboard/events", KINDS),
    "hostile": (HOSTILE_PATH, KINDS),
    "hostile, at a place in it": (f"{HOSTILE_PATH}#main", KINDS),
    "shared": (kept.PARTNERS, HEADING),
    "expired link": (kept.EXPIRED, HEADING),
}
PAINTS: Final = """() => new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(() => done(true)));
    setTimeout(() => done(false), 300);
})"""
"""Whether it does, given the time for many a frame."""


class Halting:
    """A dashboard whose pages stop behind ``cut`` until ``rest`` is set. None: they do not."""

    def __init__(self) -> None:
        self._dashboard = Dashboard(failing(TryAgain(NO_ANSWER)))
        self._dashboard.registry.put(kept.views(epoch_ms()))
        self.live = self._dashboard.live
        self.rest = asyncio.Event()
        self.cut: bytes | None = None

    @property
    def app(self) -> ASGIApp:
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def halting(message: Message) -> None:
            body = message.get("body", b"")
            if self.cut and self.cut in body:
                begin, cut, body = body.partition(self.cut)
                await send({**message, "body": begin + cut, "more_body": True})
                await self.rest.wait()
                message = {**message, "body": body}
            await send(message)

        # What is compressed cannot be cut where the text is.
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self._dashboard.app({**scope, "headers": headers}, receive, halting)


@pytest.mark.parametrize("name", PAGES)
async def test_nothing_is_painted_before_it_is_whole(chromium: Browser, name: str) -> None:
    halting = Halting()
    path, cut = PAGES[name]
    async with served(halting) as there, visiting(chromium, there.url, width=320) as visit:
        if name != "sign in":
            await sign_in(visit)
        halting.cut = cut
        await visit.page.goto(visit.url + path, wait_until="commit")
        await visit.page.wait_for_selector("main", state="attached")
        early = await visit.page.evaluate(PAINTS)
        halting.rest.set()
        assert not early
        await visit.page.wait_for_load_state()
        await visit.page.evaluate("document.fonts.ready")
        await visit.page.evaluate("new Promise(requestAnimationFrame)")
        assert await visit.shifts() == []
