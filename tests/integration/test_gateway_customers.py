"""A customer and a link from the first click to the erasure, as two gateways show them."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.json import encode

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from schemas.times import parse_rfc3339
from schemas.topics import Topic, click_key, customer_key
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
    with Stack(kafka.bootstrap, clickhouse.url, tmp_path.name, tmp_path) as stack:
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


def test_what_is_held_and_until_when(stack: Stack) -> None:
    """Of each kind one, until what it waits for comes, or the person is forgotten."""
    keys, others = workspace(stack, WORKSPACE, DOMAIN), workspace(stack, "globex")
    (gateway,) = gateways(stack, 1)
    producer = stack.producer()

    def send(topic: Topic, key: bytes, **event: object) -> None:
        stack.send(producer, topic, key, encode({"workspaceId": WORKSPACE, **event}))
        assert producer.flush(30) == 0

    def held(key: Keys = keys, **query: int) -> Any:
        answer = httpx.get(f"{gateway.url}/held", headers=key.header(), params=query, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reasons() -> dict[str, str]:
        return {one["customerExternalId"]: one["reason"] for one in held()["events"]}

    lead = {"customerExternalId": "ada", "eventName": "Sign Up", "clickId": "late", "mode": "deferred"}
    send(Topic.DEFERRED_LEADS, click_key(WORKSPACE, "late"), **lead)
    send(Topic.QUALIFICATIONS, customer_key(WORKSPACE, "ben"), customerExternalId="ben", eventName="Demo")
    send(Topic.PURCHASES, customer_key(WORKSPACE, "cy"), customerExternalId="cy", amount=1)
    expected = {"ada": "click_not_found", "ben": "no_deferred_lead", "cy": "no_lead_for_purchase"}
    _soon(lambda: reasons() == expected, "not all that waits is listed")
    found = held()
    assert (found["complete"], found["reasons"]) == (True, dict.fromkeys(expected.values(), 1))
    first = found["events"][0]
    assert (first["customerExternalId"], first["clickId"], first["eventName"]) == ("ada", "late", "Sign Up")
    waits_ms = parse_rfc3339(first["givenUpAt"]) - parse_rfc3339(first["heldSince"])
    assert waits_ms == stack.settings.hold
    assert len(held(limit=1)["events"]) == 1
    assert held(others)["events"] == []

    send(Topic.CLICKS, click_key(WORKSPACE, "late"), clickId="late", trackConversion=True)
    send(Topic.ERASURES, customer_key(WORKSPACE, "ben"), customerExternalId="ben")
    _soon(lambda: reasons() == {"cy": "no_lead_for_purchase"}, "what has found its event is listed still")


def _numbers(link: Mapping[str, Any]) -> dict[str, int]:
    return {name: link[name] for name in ("clicks", "leads", "conversions", "sales", "saleAmount")}
