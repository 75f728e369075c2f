"""Numbers and events as the SDKs read them: each refuses what it does not expect."""

from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.clients.sdk import Sdk
from tests.clients.system import System
from tests.integration.gateways import DOMAIN
from tests.integration.stack import wait_for

pytestmark = pytest.mark.integration

CUSTOMER: Final = "numbers-customer"
FIRST: Final = ("python-0.29.0", "node-0.66.2")
"""These know fewer ``groupBy``."""
NEWEST: Final = "python-0.39.0"
BY_VALUE: Final = (
    *("regions", "countries", "cities", "devices", "browsers", "os", "trigger", "triggers"),
    *("referers", "referer_urls", "top_links", "top_urls"),
    *("utm_sources", "utm_mediums", "utm_campaigns", "utm_terms", "utm_contents"),
)
NEWER: Final = ("top_domains", "top_base_urls", "top_partners")
NOTHING: Final = ("top_folders", "top_link_tags", "top_groups", "top_partner_tags")


@dataclass(frozen=True)
class Story:
    """Of one click: two leads' worth of quantity, and a sale."""

    link_id: str
    click_id: str


@pytest.fixture(scope="module")
def story(system: System) -> Story:
    made = system.post("/links", {"url": "https://example.com/", "domain": DOMAIN, "trackConversion": True})
    link = made.json()
    click_id = system.click(link["key"])
    lead = {"clickId": click_id, "eventName": "Meeting", "customerExternalId": CUSTOMER, "eventQuantity": 2}
    sale = {"customerExternalId": CUSTOMER, "amount": 4900, "metadata": {"plan": "pro"}}
    for path, body in (("/track/lead", lead), ("/track/sale", sale)):
        assert system.post(path, body).status_code == 200
    sql = "SELECT count() FROM sales WHERE customer_external_id = %(c)s"
    wait_for(lambda: system.rows(sql, c=CUSTOMER) == [(1,)], 60, lambda: "no sale")
    clicks = "SELECT count() FROM clicks WHERE click_id = %(c)s"
    wait_for(lambda: system.rows(clicks, c=click_id) == [(1,)], 60, lambda: "no click")
    return Story(link["id"], click_id)


def numbers(found: Any) -> tuple[int, int, int, int]:
    return found["clicks"], found["leads"], found["sales"], found["saleAmount"]


def test_counts_and_series(sdk: Sdk, story: Story) -> None:
    asked = {"event": "composite", "linkId": story.link_id}
    assert numbers(sdk("analytics.retrieve", asked)) == (1, 2, 1, 4900)
    for interval in ("24h", "7d", "30d", "90d", "1y", "mtd", "qtd", "ytd", "all"):
        of = asked | {"interval": interval, "timezone": "Asia/Kathmandu"}
        assert numbers(sdk("analytics.retrieve", of)) == (1, 2, 1, 4900)
        series = sdk("analytics.retrieve", of | {"groupBy": "timeseries"})
        assert [sum(column) for column in zip(*map(numbers, series), strict=True)] == [1, 2, 1, 4900]
    assert numbers(sdk("analytics.retrieve", {"event": "clicks", "linkId": story.link_id})) == (1, 0, 0, 0)


def test_every_group_by(sdk: Sdk, story: Story) -> None:
    asked = {"event": "composite", "linkId": story.link_id}
    newer = () if sdk.release in FIRST else NEWER
    for group_by in (*BY_VALUE, *newer):
        [found] = sdk("analytics.retrieve", asked | {"groupBy": group_by})
        assert numbers(found) == (1, 2, 1, 4900), group_by
    # Nobody knows from where on this earth a loopback address is.
    assert sdk("analytics.retrieve", asked | {"groupBy": "continents"}) == []
    for group_by in NOTHING if newer else ():
        assert sdk("analytics.retrieve", asked | {"groupBy": group_by}) == []
    if sdk.release == NEWEST:
        [found] = sdk("analytics.retrieve", asked | {"groupBy": "event_names", "event": "leads"})
        assert (found["eventName"], found["leads"]) == ("Meeting", 2)


def test_events(sdk: Sdk, story: Story) -> None:
    [click] = sdk("events.list", {"event": "clicks", "linkId": story.link_id})
    assert (click["event"], click["click"]["id"]) == ("click", story.click_id)
    assert click["link"]["id"] == story.link_id
    [lead] = sdk("events.list", {"event": "leads", "linkId": story.link_id})
    assert (lead["eventName"], lead["customer"]["externalId"]) == ("Meeting", CUSTOMER)
    [sale] = sdk("events.list", {"event": "sales", "customerId": CUSTOMER})
    assert (sale["sale"]["amount"], sale["metadata"]) == (4900, {"plan": "pro"})
    assert sale["click"]["id"] == story.click_id


def test_what_breaks_its_rule_has_its_class(sdk: Sdk) -> None:
    failed = sdk.fails("analytics.retrieve", {"timezone": "Mars/Olympus"})
    assert (failed.name, failed.status) == ("UnprocessableEntity", 422)
    assert "timezone" in failed.message
