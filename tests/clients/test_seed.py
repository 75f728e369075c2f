"""A deferred lead with every SDK: a link, a visit, a sign-up that counts nothing, and the lead."""

from typing import Any

import pytest

from tests.clients.sdk import Sdk
from tests.clients.system import System
from tests.integration.gateways import DOMAIN

pytestmark = pytest.mark.integration

CUSTOMER = {
    "customerName": "Ada",
    "customerEmail": "ada@example.com",
    "customerAvatar": "https://e.com/a.png",
}


def sign_up(customer: str, **fields: Any) -> dict[str, Any]:
    return {"eventName": "Sign Up", "customerExternalId": customer, **CUSTOMER, **fields}


def test_a_deferred_lead_is_one_lead_when_it_qualifies(system: System, sdk: Sdk) -> None:
    customer = f"seed-{sdk.release}"
    url = "https://example.com/pricing?a=b%20c"
    link = sdk("links.create", {"url": url, "domain": DOMAIN, "trackConversion": True})
    assert (link["url"], link["trackConversion"], link["clicks"]) == (url, True, 0)
    before = system.funnel()
    click = system.click(link["key"])

    deferred = sdk("track.lead", sign_up(customer, clickId=click, mode="deferred"))
    assert deferred["click"] == {"id": click}
    assert deferred["customer"] == {
        "name": "Ada",
        "email": "ada@example.com",
        "avatar": "https://e.com/a.png",
        "externalId": customer,
    }
    assert system.leads(customer) == []
    assert system.lead_rows(customer, "lead_id") == []
    counted = system.funnel()
    assert (counted["clicks"], counted["leads"]) == (before["clicks"] + 1, before["leads"])

    answers = [sdk("track.lead", sign_up(customer, clickId="")) for _ in range(3)]
    assert answers == [deferred] * 3
    [lead] = system.leads(customer)
    assert (lead["eventName"], lead["click"]["id"], lead["link"]["id"]) == ("Sign Up", click, link["id"])
    columns = "lead_id, event_name, click_id, link_id, domain, key, country, browser, device"
    row = (lead["leadId"], "Sign Up", click, link["id"], DOMAIN, link["key"], "", "Chrome", "Desktop")
    assert system.lead_rows(customer, columns) == [row]
    assert system.funnel()["leads"] == before["leads"] + 1


def test_a_sale_right_after_the_lead(system: System, sdk: Sdk) -> None:
    """Whatever the mode of the lead: nobody waits for a worker."""
    customer = f"sale-{sdk.release}"
    link = sdk("links.create", {"url": "https://example.com/", "domain": DOMAIN, "trackConversion": True})
    for mode in ("wait", "async"):
        who = f"{customer}-{mode}"
        sdk("track.lead", sign_up(who, clickId=system.click(link["key"]), mode=mode, eventQuantity=2))
        bought = {"customerExternalId": who, "amount": 4900, "currency": "EUR", "invoiceId": f"in-{who}"}
        sale = sdk("track.sale", bought | {"metadata": {"plan": "pro"}})
        assert (sale["eventName"], sale["customer"]["externalId"]) == ("Purchase", who)
        assert sale["sale"] == {
            "amount": 4900,
            "currency": "eur",
            "paymentProcessor": "custom",
            "invoiceId": f"in-{who}",
            "metadata": {"plan": "pro"},
        }
        assert sdk("track.sale", bought | {"amount": 1}) == sale
    assert [one["quantity"] for one in system.leads(f"{customer}-async")] == [2]
    sql = "SELECT amount, currency FROM sales WHERE customer_external_id LIKE %(c)s"
    assert system.rows(sql, c=f"{customer}-%") == [(4900, "eur")] * 2
