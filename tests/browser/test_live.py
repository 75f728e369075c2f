"""The list of events as it grows before somebody's eyes, off real topics."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest
from playwright.async_api import Browser

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_port
from processors.clickhouse.connection import connect
from processors.clock import epoch_ms
from processors.gateway import listening, streaming
from tests.browser.dashboards import sign_in, visiting
from tests.browser.live_site import LIST, ROWS, is_live, running, until_first_rows
from tests.faults.proxy import Proxy
from tests.gateway.dashboard import world
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

RESTARTS: Final = 4
CUTS: Final = 20
OF_EACH: Final = 5


@pytest.fixture(scope="module")
def stack(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    with Stack(kafka.bootstrap, clickhouse.url, "live", tmp_path_factory.mktemp("live")) as stack:
        stack.create()
        with closing(connect(stack.settings.clickhouse_url.get_secret_value())) as client:
            world.made("acme", epoch_ms(), per_day=2).insert(client)
        yield stack


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
        for cut in range(RESTARTS):
            ids += [site.send(f"{cut}-{number}") for number in range(OF_EACH)]
            if cut % 2:
                await until_first_rows(page, ids)
            # Streams do not use up the server's patience with requests under way.
            assert await site.stop() < listening._GRACE_S
            ids += [site.send(f"{cut}-{number}-away") for number in range(OF_EACH)]
            site.start()
        await until_first_rows(page, ids)
        assert await page.evaluate("window.same")
        assert len(set(await page.evaluate(ROWS))) == await page.locator(".events tbody tr").count() <= 50
        assert await page.locator(".events tbody b").count() == 0
        # A revision replaces what it corrects.
        row = site.send("0-0", revision=2)
        tag = page.locator(f"tr[data-id='{row}'] .tag.warn")
        await tag.wait_for()
        assert await tag.inner_text() == "corrected, rev. 2"


async def test_every_lead_appears_once_however_often_the_connection_is_cut(
    chromium: Browser, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a lead has come, while it comes, and after it: no gap and no double in the open page."""
    monkeypatch.setattr(streaming, "RETRY_MS", 200)
    async with running(stack) as site:
        with Proxy(site.port) as proxy:
            async with visiting(chromium, f"http://127.0.0.1:{proxy.port}") as visit:
                page = visit.page
                await sign_in(visit, path=LIST)
                await page.mouse.move(0, 0)
                await is_live(page)
                await page.evaluate("window.same = true")
                ids = []
                for cut in range(CUTS):
                    ids.append(site.send(f"cut-{cut}"))
                    # It is told within a tenth of a second or two: the cuts come at all moments of that.
                    await asyncio.sleep(cut / CUTS / 5)
                    assert proxy.cut()
                    ids.append(site.send(f"cut-{cut}-away"))
                    await until_first_rows(page, ids[-50:])
                assert await page.evaluate("window.same")
                rows = await page.evaluate(ROWS)
                assert len(set(rows)) == len(rows)


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
