"""The list of events as it grows before somebody's eyes, off real topics."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Final

import pytest
from confluent_kafka import Producer
from msgspec import Raw, convert
from msgspec.json import encode
from playwright.async_api import Browser, Page

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_port
from processors.clickhouse.connection import connect
from processors.clock import epoch_ms
from processors.gateway.asking import Stored
from processors.gateway.listening import listen, serve
from processors.gateway.live import Live
from processors.settings import Settings
from schemas.ids import customer_id
from schemas.results import Lead, LeadClick, LeadCustomer, LeadLink
from schemas.times import rfc3339
from schemas.topics import Topic, customer_key
from tests.browser.dashboards import sign_in, visiting
from tests.gateway.dashboard import world
from tests.gateway.dashboard.serving import Dashboard
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

CUTS: Final = 4
OF_EACH: Final = 5
LIST: Final = "/dashboard/events?kind=leads"
ROWS: Final = "[...document.querySelectorAll('.events tbody tr')].map((row) => row.dataset.id)"


def lead(name: str, at_ms: int, revision: int = 1) -> bytes:
    """Somebody has qualified through somebody else's link."""
    click, link = (dict.fromkeys(one.__struct_encode_fields__) for one in (LeadClick, LeadLink))
    return encode(
        Lead(
            lead_id=f"ld_{name}",
            revision=revision,
            workspace_id="acme",
            event_name="Meeting",
            quantity=1,
            timestamp=rfc3339(at_ms),
            deferred_at=rfc3339(at_ms - 1_000),
            event_id=None,
            attribution_model="first-click",
            metadata=Raw(b"null"),
            customer=LeadCustomer(
                id=customer_id("acme", name),
                external_id=name,
                name=f"Name <b>{name}</b>",
                email=None,
                avatar=None,
                first_seen_at=rfc3339(at_ms),
            ),
            click=convert({**click, "id": f"c_{name}", "timestamp": rfc3339(at_ms), "qr": False}, LeadClick),
            link=convert({**link, "domain": "go.acme.com", "key": "x", "partnerId": "p1"}, LeadLink),
        )
    )


@dataclass
class Site:
    """A gateway's pages and streams, which may be stopped and started. Worker and sink are not there."""

    stack: Stack
    stored: Stored
    settings: Settings
    port: int = field(default_factory=free_port)
    running: "asyncio.Task[object] | None" = None
    _newest_ms: int = 0

    def __post_init__(self) -> None:
        self.producer: Producer = self.stack.producer()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.live = Live(self.settings)
        self._stopping = asyncio.Event()
        dashboard = Dashboard(self.stored.rows, live=self.live)
        listening = listen("127.0.0.1", self.port)

        async def run() -> None:
            with listening:
                await asyncio.gather(
                    serve(dashboard.app, listening, self._stopping), self.live.follow(self._stopping)
                )

        self.running = asyncio.create_task(run())

    async def stop(self) -> float:
        """As SIGTERM does it; how long it took, in seconds."""
        assert self.running
        began = time.monotonic()
        self._stopping.set()
        await self.running
        return time.monotonic() - began

    def send(self, name: str, revision: int = 1) -> str:
        """The id of its row. No two are of one millisecond: their order would be anybody's."""
        at_ms = self._newest_ms = max(epoch_ms(), self._newest_ms + 1)
        self.stack.send(self.producer, Topic.LEADS, customer_key("acme", name), lead(name, at_ms, revision))
        self.producer.flush()
        return f"leads ld_{name}"


@pytest.fixture(scope="module")
def stack(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    with Stack(kafka.bootstrap, clickhouse.url, "live", tmp_path_factory.mktemp("live")) as stack:
        stack.create()
        with closing(connect(stack.settings.clickhouse_url.get_secret_value())) as client:
            world.made("acme", epoch_ms(), per_day=2).insert(client)
        yield stack


@asynccontextmanager
async def running(stack: Stack, **changed: str) -> AsyncIterator[Site]:
    """``changed``: of the settings of its reader of Kafka."""
    async with aclosing(Stored(stack.settings)) as stored:
        site = Site(stack, stored, stack.settings.model_copy(update=changed))
        site.start()
        try:
            yield site
        finally:
            await site.stop()


async def is_live(page: Page) -> None:
    await page.wait_for_selector("#live.on")


async def until_first_rows(page: Page, ids: list[str]) -> None:
    """From the newest on, each once, whatever comes below."""
    wanted = [*reversed(ids)]
    script = f"(wanted) => {ROWS}.slice(0, wanted.length).join() === wanted.join()"
    try:
        await page.wait_for_function(script, arg=wanted, timeout=15_000)
    except Exception as error:
        raise AssertionError((await page.evaluate(ROWS), wanted)) from error


async def test_every_lead_appears_once_however_often_the_gateway_is_restarted(
    chromium: Browser, stack: Stack
) -> None:
    async with running(stack) as site, visiting(chromium, site.url) as visit:
        page = visit.page
        await sign_in(visit, path=LIST)
        await page.mouse.move(0, 0)
        await is_live(page)
        await page.evaluate("window.same = true")
        ids = []
        for cut in range(CUTS):
            ids += [site.send(f"{cut}-{number}") for number in range(OF_EACH)]
            if cut % 2:
                await until_first_rows(page, ids)
            # The patience of the server with requests under way is 15 s: streams do not use it up.
            assert await site.stop() < 5
            ids += [site.send(f"{cut}-{number}-away") for number in range(OF_EACH)]
            site.start()
        await until_first_rows(page, ids)
        assert await page.evaluate("window.same")
        assert len(set(await page.evaluate(ROWS))) == await page.locator(".events tbody tr").count() <= 50
        assert await page.locator(".events tbody b").count() == 0
        # A revision replaces what it corrects.
        site.send("0-0", revision=2)
        tag = page.locator("tr[data-id='leads ld_0-0'] .tag.warn")
        await tag.wait_for()
        assert await tag.inner_text() == "corrected, rev. 2"


async def test_what_is_read_does_not_move(chromium: Browser, stack: Stack) -> None:
    async with running(stack) as site, visiting(chromium, site.url) as visit:
        page = visit.page
        await sign_in(visit, path=LIST)
        await page.mouse.move(0, 0)
        await is_live(page)
        await until_first_rows(page, [site.send("first")])
        await page.click("#pause")
        before = await page.evaluate(ROWS)
        ids = [site.send(f"paused-{number}") for number in range(3)]
        await page.locator("#held").filter(has_text="Show 3 new").wait_for()
        assert await page.evaluate(ROWS) == before
        assert await visit.axe() == []
        await page.click("#held")
        await until_first_rows(page, ids)
        assert not await page.locator("#held").is_visible()
        await page.mouse.move(0, 0)
        later = site.send("still paused")
        await page.locator("#held").wait_for()
        await page.click("#pause")
        await page.mouse.move(0, 0)
        await until_first_rows(page, [*ids, later])


async def test_when_kafka_does_not_answer_live_stops_and_numbers_stay(
    chromium: Browser, stack: Stack
) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    async with running(stack, kafka_bootstrap=nowhere) as site, visiting(chromium, site.url) as visit:
        await sign_in(visit)
        said = visit.page.locator("#state")
        await said.filter(has_text="Kafka does not answer: live stops, numbers stay").wait_for()
        assert await visit.page.locator("#tab-leads strong").inner_text() != "0"
        assert await visit.axe() == []
