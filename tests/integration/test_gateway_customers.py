"""A customer and a link from the first click to the erasure, as two gateways show them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from tests.integration.gateways import (
    DOMAIN,
    WORKSPACE,
    Gateway,
    Keys,
    click_id,
    create_link,
    gateways,
    visit,
    workspace,
)
from tests.integration.stack import Stack, wait_for

pytestmark = pytest.mark.integration


@pytest.fixture
def stack(kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path) -> Iterator[Stack]:
    with Stack(kafka.bootstrap, clickhouse.url, "gateway-customers", tmp_path) as stack:
        stack.create()
        stack.worker("worker")
        stack.sink()
        yield stack


class Caller:
    """With the secret key."""

    def __init__(self, keys: Keys) -> None:
        self._headers = keys.header()

    def __call__(self, gateway: Gateway, method: str, path: str, **more: Any) -> httpx.Response:
        return httpx.request(method, f"{gateway.url}{path}", headers=self._headers, timeout=10, **more)

    def shown(self, gateway: Gateway, path: str) -> Any:
        answer = self(gateway, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def _soon(condition: Callable[[], bool], what: str) -> None:
    wait_for(condition, 90, lambda: what)


def test_from_the_click_to_the_erasure(stack: Stack) -> None:
    keys = workspace(stack, WORKSPACE, DOMAIN)
    one, other = gateways(stack, 2)
    call = Caller(keys)
    link = create_link(one, keys, domain=DOMAIN, partnerId="p", programId="prog")

    def track(gateway: Gateway, what: str, **body: Any) -> None:
        answer = call(gateway, "POST", f"/track/{what}", json={"customerExternalId": "ada", **body})
        assert answer.status_code == 200, answer.text

    clicked = click_id(visit(other, link["key"]))
    track(one, "lead", clickId=clicked, eventName="Sign Up", mode="deferred", customerEmail="ada@example.com")
    young = call.shown(one, "/customers/ext_ada?includeExpandedFields=true")
    assert (young["status"], young["name"], young["link"]["id"]) == ("pending", "ada@example.com", link["id"])
    assert [person["id"] for person in call.shown(one, "/customers?externalId=ada")] == [young["id"]]
    _soon(lambda: bool(call.shown(other, "/customers?status=pending")), "nobody is pending")
    (pending,) = call.shown(other, "/customers?status=pending&search=ADA")
    assert (pending["id"], pending["externalId"]) == (young["id"], "ada")

    track(other, "lead", clickId="", eventName="Sign Up")
    track(other, "sale", amount=4_200, currency="eur", invoiceId="i1")
    _soon(lambda: bool(_numbers(call.shown(one, f"/links/{link['id']}"))["sales"]), "no sale is counted")
    numbers = {"clicks": 1, "leads": 1, "conversions": 1, "sales": 1, "saleAmount": 4_200}
    _soon(lambda: _numbers(call.shown(one, "/links")[0]) == numbers, "the numbers are others")
    _soon(lambda: call.shown(one, f"/customers/{young['id']}")["sales"] == 1, "the customer bought nothing")
    paid = call.shown(other, "/customers/ext_ada")
    assert (paid["status"], paid["saleAmount"], paid["name"]) == ("qualified", 4_200, "ada@example.com")

    def traced(gateway: Gateway, key: Keys = keys, patience_s: float = 60) -> httpx.Response:
        url = f"{gateway.url}/customers/ext_ada/trace"
        return httpx.get(url, headers=key.header(), timeout=patience_s)

    with pytest.raises(httpx.ReadTimeout):
        traced(other, patience_s=0.1)
    # Nobody waits for that one any more: its place is free again.
    _soon(lambda: traced(other).status_code == 200, "a trace that nobody waits for goes on")
    trace = traced(other).json()
    (request,) = trace["explanation"]["requests"]
    assert (trace["status"], trace["notes"], request["makesLead"]) == ("qualified", [], True)
    assert [touch["clickId"] for touch in trace["explanation"]["touches"]] == [clicked]
    assert [sale["amount"] for sale in trace["clickhouse"]["sales"]] == [4_200]
    assert traced(one, workspace(stack, "globex")).status_code == 404

    gone = call(one, "DELETE", "/customers/ext_ada")
    assert (gone.status_code, gone.json()) == (200, {"id": young["id"]})
    for name in ("ext_ada", young["id"]):
        assert call(one, "GET", f"/customers/{name}").status_code == 404
        assert call(one, "DELETE", f"/customers/{name}").status_code == 404
    _soon(lambda: call.shown(other, "/customers") == [], "the customer is still listed")
    _soon(lambda: traced(one).json()["status"] == "erased", "the trace does not say so")
    again = call(
        other, "POST", "/track/lead", json={"customerExternalId": "ada", "eventName": "x", "clickId": ""}
    )
    assert again.status_code in (400, 403)


def _numbers(link: Mapping[str, Any]) -> dict[str, int]:
    return {name: link[name] for name in ("clicks", "leads", "conversions", "sales", "saleAmount")}
