"""Kafka goes away under an open page, and comes back."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.async_api import Browser

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from deploy.local.server import LocalServer
from processors.clickhouse.connection import connect
from processors.clock import epoch_ms
from tests.browser.dashboards import sign_in, visiting
from tests.browser.live_site import ROWS, is_live, running, until_first_rows
from tests.gateway.dashboard import world
from tests.integration.stack import Stack
from tests.stoppable import broker, freeze, stop

__all__ = ["broker"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def stack(
    broker: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    with Stack(broker.bootstrap, clickhouse.url, "away", tmp_path_factory.mktemp("away")) as stack:
        stack.create()
        with closing(connect(stack.settings.clickhouse_url.get_secret_value())) as client:
            world.made("acme", epoch_ms(), per_day=2).insert(client)
        yield stack


@pytest.mark.parametrize("go_away", [freeze, stop])
async def test_live_stops_and_goes_on_without_a_gap(
    go_away: Callable[[LocalServer], Callable[[], None]], chromium: Browser, broker: LocalKafka, stack: Stack
) -> None:
    """The page says so; its numbers stay, also when it is loaded anew; what was sent meanwhile comes then."""
    async with running(stack) as site, visiting(chromium, site.url) as visit:
        page, said, leads = visit.page, visit.page.locator("#state"), visit.page.locator("#tab-leads strong")
        await sign_in(visit)
        await page.mouse.move(0, 0)
        await is_live(page)
        await page.evaluate("window.same = true")
        before = await leads.inner_text()
        ids = [site.send(f"{go_away.__name__}-before")]
        await until_first_rows(page, ids)
        come_back = await asyncio.to_thread(go_away, broker)
        try:
            await said.filter(has_text="Kafka does not answer: live stops, numbers stay").wait_for()
            assert not await page.locator("#live.on").is_visible()
            assert await leads.inner_text() == before != "0"
            async with visiting(chromium, site.url) as other:
                await sign_in(other)
                assert await other.page.locator("#tab-leads strong").inner_text() == before
            ids += [site.produce(f"{go_away.__name__}-{number}") for number in range(3)]
        finally:
            await asyncio.to_thread(come_back)
        await asyncio.to_thread(site.producer.flush)
        await said.filter(has_text="Live").and_(page.locator("#live.on #state")).wait_for()
        ids.append(site.send(f"{go_away.__name__}-after"))
        await until_first_rows(page, ids)
        assert await page.evaluate("window.same")
        assert len(set(rows := await page.evaluate(ROWS))) == len(rows)
