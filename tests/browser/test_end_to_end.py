"""Visitors in a real browser, through redirect, script and gateway, to leads."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.async_api import Page

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clickhouse.connection import connect
from schemas.topics import Topic
from tests.browser.site import Site
from tests.browser.visits import cookie, visit
from tests.integration.gateways import DOMAIN, WORKSPACE, Gateway, Keys, create_link, gateways, workspace
from tests.integration.stack import Stack

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]


@dataclass
class System:
    """Everything that runs, and the keys of its one workspace."""

    stack: Stack
    gateway: Gateway
    keys: Keys

    def tag(self, site: Site, **options: Any) -> str:
        """A page with the script of this gateway; returns its address."""
        src = f"{self.gateway.url}/analytics/script.conversion-tracking.js"
        return site.tag(src=src, publishable_key=self.keys.publishable, **options)

    def track(self, what: str, **body: Any) -> httpx.Response:
        """What the site's server calls."""
        url = f"{self.gateway.url}/track/{what}"
        return httpx.post(url, json=body, headers=self.keys.header(), timeout=10)

    def leads(self, customer: str) -> list[dict[str, Any]]:
        """In the topic, when everything that was sent has been worked on."""
        self.stack.wait_until_processed()
        found = (json.loads(record.value()) for record in self.stack.read(Topic.LEADS))
        return [one for one in found if one["customer"]["externalId"] == customer]

    def rows(self, customer: str) -> list[tuple[Any, ...]]:
        """The same in ClickHouse."""
        with closing(connect(self.stack.settings.clickhouse_url.get_secret_value())) as client:
            columns = "lead_id, click_id, link_id, key, browser, device"
            sql = f"SELECT {columns} FROM leads WHERE customer_external_id = {{customer:String}}"
            return [tuple(row) for row in client.query(sql, parameters={"customer": customer}).result_rows]


@pytest.fixture(scope="module")
def system(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    with Stack(kafka.bootstrap, clickhouse.url, "in-a-browser", tmp_path_factory.mktemp("stack")) as stack:
        stack.create()
        stack.worker("worker")
        stack.sink()
        keys = workspace(stack, WORKSPACE, DOMAIN)
        [gateway] = gateways(stack, 1)
        yield System(stack, gateway, keys)


async def test_a_deferred_lead(system: System, site: Site, page: Page) -> None:
    """The visit, the sign-up that counts nothing, the qualifying event that counts once."""
    landing = system.tag(site)
    link = create_link(system.gateway, system.keys, domain=DOMAIN, key="spring", url=f"{landing}?a=b%20c")
    await visit(page, f"http://{DOMAIN}:{system.gateway.port}/spring")
    click = await cookie(page)
    assert click is not None
    assert re.fullmatch("[A-Za-z0-9]{16}", click)
    assert page.url == f"{landing}?a=b%20c&dub_id={click}"

    sign_up = {"eventName": "Sign Up", "customerExternalId": "u1", "customerName": "Ada", "mode": "deferred"}
    answer = await page.evaluate("event => dubAnalytics.trackLead(event)", sign_up)
    assert (answer["click"], answer["link"]["id"]) == ({"id": click}, link["id"])
    assert system.leads("u1") == []

    for _ in range(3):
        qualified = system.track("lead", clickId="", eventName="First Meeting", customerExternalId="u1")
        assert qualified.status_code == 200, qualified.text
        assert qualified.json()["click"] == {"id": click}
    [lead] = system.leads("u1")
    assert (lead["eventName"], lead["customer"]["name"]) == ("First Meeting", "Ada")
    assert (lead["click"]["id"], lead["click"]["trigger"], lead["link"]["id"]) == (click, "link", link["id"])
    assert system.rows("u1") == [(lead["leadId"], click, link["id"], "spring", "Chrome", "Desktop")]


async def test_a_partner_in_the_address(system: System, site: Site, page: Page) -> None:
    """No redirect: the script asks for the click. Lead and sale are reported by the page."""
    link = create_link(system.gateway, system.keys, domain=DOMAIN, key="anna", partnerId="pn_1")
    await visit(page, system.tag(site, domains={"refer": DOMAIN}) + "?via=anna")
    click = await cookie(page)
    assert (await page.evaluate("DubAnalytics.partner"))["id"] == "pn_1"
    sign_up = {"eventName": "Sign Up", "customerExternalId": "u2"}
    answer = await page.evaluate("event => dubAnalytics.trackLead(event)", sign_up)
    assert (answer["click"], answer["link"]["id"]) == ({"id": click}, link["id"])
    sale = {"customerExternalId": "u2", "amount": 4900, "invoiceId": "in_1"}
    answer = await page.evaluate("event => dubAnalytics.trackSale(event)", sale)
    assert answer["sale"]["amount"] == 4900
    [lead] = system.leads("u2")
    assert (lead["click"]["id"], lead["link"]["partnerId"]) == (click, "pn_1")


async def test_the_same_visitor_is_the_same_click(system: System, site: Site, page: Page) -> None:
    """Through the redirect of a partner's link, which names the partner in the address as well."""
    landing = system.tag(site, domains={"refer": DOMAIN})
    create_link(system.gateway, system.keys, domain=DOMAIN, key="ben", url=landing, partnerId="pn_2")
    await visit(page, f"http://{DOMAIN}:{system.gateway.port}/ben")
    assert page.url == f"{landing}?via=ben&dub_id={await cookie(page)}"


async def test_a_visit_without_a_link(system: System, site: Site, page: Page) -> None:
    create_link(system.gateway, system.keys, domain=DOMAIN, key="_root")
    await visit(page, system.tag(site, domains={"site": DOMAIN}))
    sign_up = {"eventName": "Sign Up", "customerExternalId": "u3"}
    answer = await page.evaluate("event => dubAnalytics.trackLead(event)", sign_up)
    assert answer["click"] == {"id": await cookie(page)}
    [lead] = system.leads("u3")
    assert (lead["click"]["trigger"], lead["link"]["key"]) == ("pageview", "_root")


async def test_errors_reach_the_page(system: System, site: Site, page: Page) -> None:
    """Also across hosts, which browsers hide unless the answer allows it."""
    await visit(page, system.tag(site))
    answer = await page.evaluate("() => dubAnalytics.trackLead({ customerExternalId: 'u4' })")
    assert answer["error"]["code"] == "unprocessable_entity"
    answer = await page.evaluate(f"() => dubAnalytics.trackClick({{ domain: '{DOMAIN}', key: 'none' }})")
    assert answer["error"]["code"] == "not_found"


async def test_the_script_is_kept_and_asked_for_again(system: System) -> None:
    async with httpx.AsyncClient(base_url=system.gateway.url) as client:
        first = await client.get("/script.js")
        assert (first.status_code, first.headers["Content-Encoding"]) == (200, "gzip")
        tag = first.headers["ETag"]
        assert (await client.get("/script.js", headers={"If-None-Match": tag})).status_code == 304
        head = await client.head("/script.js")
        assert (head.status_code, head.headers["ETag"]) == (200, tag)
