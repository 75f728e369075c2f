"""What SDKs put on the wire whose languages are not here, and what people write by hand."""

from typing import Any

import httpx
import pytest

from tests.clients.system import System
from tests.integration.gateways import DOMAIN, create_link

pytestmark = pytest.mark.integration

NULLS = {"customerName": None, "customerEmail": None, "customerAvatar": None}
WIRE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # Pointers that are nil, and a default that is always sent.
    "go": (
        {"customerExternalId": "go", **NULLS, "customerName": "Ada", "mode": "deferred"},
        {"customerExternalId": "go", **NULLS, "mode": "async"},
    ),
    # The name that the id had before.
    "ruby": (
        {"externalId": "ruby", "customerName": "Ada", "customerEmail": "a@example.com", "mode": "deferred"},
        {"externalId": "ruby", "customerName": "Ada", "customerEmail": "a@example.com", "mode": "async"},
    ),
    # Without what is null; with a property that is misspelled.
    "php": (
        {"customerExternalId": "php", "customerNasme": "Ada", "mode": "deferred"},
        {"customerExternalId": "php", "customerNasme": "Ada"},
    ),
    # The name before that one; explicit nulls wherever something is optional.
    "curl": (
        {"customerId": "curl", **NULLS, "metadata": None, "eventQuantity": None, "mode": "deferred"},
        {"customerId": "curl", **NULLS, "metadata": None, "eventQuantity": None, "mode": None},
    ),
}


@pytest.mark.parametrize("client", WIRE)
def test_a_deferred_lead(system: System, client: str) -> None:
    link = create_link(system.gateways[0], system.keys, domain=DOMAIN)
    click = system.click(link["key"])
    deferred, qualified = WIRE[client]
    first = system.post("/track/lead", {"clickId": click, "eventName": "Sign Up", **deferred})
    assert first.status_code == 200, first.text
    assert set(first.json()["link"]) == {
        *("id", "domain", "key", "shortLink", "url"),
        *("partnerId", "programId", "tenantId", "externalId"),
    }
    then = system.post("/track/lead", {"clickId": "", "eventName": "Sign Up", **qualified})
    assert then.status_code == 200, then.text
    assert then.json() == first.json()
    [lead] = system.leads(client)
    assert (lead["click"]["id"], lead["link"]["id"]) == (click, link["id"])


@pytest.mark.parametrize("base", ["", "/", "/api", "/api/"])
def test_base_urls(system: System, base: str) -> None:
    """As SDKs join them with a path."""
    url = f"{(system.url + base).rstrip('/')}/track/lead"
    kinds = ("application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8")
    for kind in kinds:
        answer = httpx.post(url, json={}, headers={**system.keys.header(), "Content-Type": kind})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unprocessable_entity")


def test_a_browser_may_ask_first(system: System) -> None:
    """And reads errors as well."""
    path = f"{system.url}/track/lead/client"
    asked = httpx.options(
        path, headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    )
    refused = httpx.post(path, json={}, headers={"Origin": "https://shop.example"})
    assert (asked.status_code, refused.status_code) == (204, 401)
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    allowed = {
        name: asked.headers[f"Access-Control-Allow-{name}"] for name in ("Origin", "Methods", "Headers")
    }
    assert allowed == {"Origin": "*", "Methods": "POST, OPTIONS", "Headers": "Content-Type, Authorization"}
