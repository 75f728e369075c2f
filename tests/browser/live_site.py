"""A gateway's pages and streams off real topics, and leads that are produced to them."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import Producer
from msgspec import Raw, convert
from msgspec.json import encode
from playwright.async_api import Page

from deploy.local.ports import free_port
from processors.clock import epoch_ms
from processors.gateway.asking import Stored
from processors.gateway.listening import listen, serve
from processors.gateway.live import Live
from processors.settings import Settings
from schemas.ids import customer_id
from schemas.results import Lead, LeadClick, LeadCustomer, LeadLink
from schemas.times import rfc3339
from schemas.topics import Topic, customer_key
from tests.gateway.dashboard.serving import Dashboard
from tests.integration.stack import Stack

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
    """A gateway's pages and streams, which may be stopped and started. Worker and sink are not there.

    Its leads are of no other one (``mark``), and no two of the same time.
    """

    stack: Stack
    stored: Stored
    settings: Settings
    port: int = field(default_factory=free_port)
    mark: int = field(default_factory=itertools.count().__next__)
    sent_ms: int = 0
    running: "asyncio.Task[object] | None" = None

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
        """The id of its row, once a broker has it."""
        row = self.produce(name, revision)
        assert self.producer.flush(30) == 0
        return row

    def produce(self, name: str, revision: int = 1) -> str:
        """Likewise; it is sent as soon as there is a broker."""
        name = f"{name}-{self.mark}"
        self.sent_ms = max(epoch_ms(), self.sent_ms + 1)
        value = lead(name, self.sent_ms, revision)
        self.stack.send(self.producer, Topic.LEADS, customer_key("acme", name), value)
        return f"leads ld_{name}"


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
