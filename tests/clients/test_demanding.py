"""What a demanding user tries: retries, another order, other workspaces, numbers that have to agree."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from schemas.times import DAY_MS
from schemas.topics import Topic
from tests.clients.system import OTHER_DOMAIN, OTHER_WORKSPACE, System
from tests.integration.gateways import DOMAIN, WORKSPACE, create_link

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def key(system: System) -> str:
    """Of a link whose leads count."""
    return str(create_link(system.gateways[0], system.keys, domain=DOMAIN)["key"])


def send(system: System, topic: Topic, name: str, **fields: Any) -> None:
    """From another producer. ``name``: what the key of the record is made of."""
    event = {"workspaceId": WORKSPACE, **fields}
    producer = system.stack.producer()
    system.stack.send(producer, topic, f"{WORKSPACE}:{name}".encode(), orjson.dumps(event))
    producer.flush()


def click_event(click_id: str, at_ms: int) -> dict[str, Any]:
    where = {"domain": DOMAIN, "key": "there", "url": "https://example.com/", "linkId": "link_there"}
    return {"type": "click", "clickId": click_id, "timestamp": at_ms, **where}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_qualified_without_deferred(system: System) -> None:
    """A blank click id, none and null are the same."""
    without = {"eventName": "Sign Up", "customerExternalId": "never-deferred"}
    answers = [
        system.post("/track/lead", body)
        for body in (without, {**without, "clickId": None}, {**without, "clickId": "  "})
    ]
    assert {(one.status_code, one.text) for one in answers} == {(400, answers[0].text)}


def test_deferred_with_a_click_that_never_was(system: System) -> None:
    assert system.lead("lost", "Z" * 16, mode="deferred").status_code == 404
    assert system.lead("lost").status_code == 400, "a refused call makes nobody known"


def test_a_retry_after_the_click_was_late(system: System) -> None:
    """The first answer is no, and that no is not remembered."""
    assert system.lead("late", "LateLateLateLate", mode="deferred").status_code == 404
    send(system, Topic.CLICKS, "LateLateLateLate", **click_event("LateLateLateLate", now_ms()))
    assert system.lead("late", "LateLateLateLate", mode="deferred").status_code == 200
    assert system.lead("late").status_code == 200
    assert len(system.leads("late")) == 1


def test_the_click_arrives_while_the_call_waits(system: System) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(system.lead, "racing", "RaceRaceRaceRace", mode="deferred")
        send(system, Topic.CLICKS, "RaceRaceRaceRace", **click_event("RaceRaceRaceRace", now_ms()))
        assert answer.result().status_code == 200


def test_a_click_of_months_ago(system: System) -> None:
    """Long out of memory: ClickHouse knows it."""
    send(system, Topic.CLICKS, "OldOldOldOldOld0", **click_event("OldOldOldOldOld0", now_ms() - 80 * DAY_MS))
    system.stack.wait_until_processed()
    assert system.lead("faithful", "OldOldOldOldOld0", mode="deferred").status_code == 200
    assert system.lead("faithful").status_code == 200
    [lead] = system.leads("faithful")
    assert lead["click"]["id"] == "OldOldOldOldOld0"


def test_the_same_call_many_times_at_once(system: System, key: str) -> None:
    assert system.lead("eager", system.click(key), mode="deferred").status_code == 200
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: system.lead("eager"), range(60)))
    assert Counter(one.status_code for one in answers) == {200: 60}
    assert len({one.text for one in answers}) == 1
    assert len(system.leads("eager")) == 1
    assert len(system.lead_rows("eager", "lead_id")) == 1


def test_two_clicks_of_one_customer(system: System, key: str) -> None:
    """The first one is kept; a click that is named when the lead qualifies goes before it."""
    first, second = system.click(key), system.click(key)
    for click in (first, second):
        answer = system.lead("undecided", click, mode="deferred")
        assert (answer.status_code, answer.json()["click"]["id"]) == (200, click)
    assert system.lead("undecided").json()["click"]["id"] == first
    assert system.lead("undecided", second, eventName="Demo").json()["click"]["id"] == second
    found = {one["eventName"]: one["click"]["id"] for one in system.leads("undecided")}
    assert found == {"Sign Up": first, "Demo": second}


def test_an_event_name_has_no_case_and_no_blanks(system: System, key: str) -> None:
    assert system.lead("speller", system.click(key), mode="deferred").status_code == 200
    for name in ("Sign Up", "sign up", "SIGN-UP", "Demo"):
        assert system.lead("speller", eventName=name).status_code == 200
    assert sorted(one["eventName"] for one in system.leads("speller")) == ["Demo", "Sign Up"]


def test_a_quantity_counts_as_such(system: System, key: str) -> None:
    """Also when it comes as 3.0."""
    before = system.funnel()["leads"]
    assert system.lead("bulk", system.click(key), eventQuantity=3.0).status_code == 200
    assert [one["quantity"] for one in system.leads("bulk")] == [3]
    assert system.funnel()["leads"] == before + 3
    for wrong in (1.5, 0, "2", 101):
        assert system.lead("bulk", eventQuantity=wrong).status_code == 422


def test_sales(system: System, key: str) -> None:
    """At once after a lead; of somebody who is pending; of nobody; the same invoice again."""

    def sale(customer: str, **fields: Any) -> Any:
        return system.post("/track/sale", {"customerExternalId": customer, "amount": 500, **fields})

    assert system.lead("buyer", system.click(key), mode="wait").status_code == 200
    first = sale("buyer", invoiceId="in-buyer")
    assert (first.status_code, first.json()["sale"]["amount"]) == (200, 500)
    assert sale("buyer", invoiceId="in-buyer", amount=9).text == first.text
    assert system.lead("window-shopper", system.click(key), mode="deferred").status_code == 200
    assert sale("window-shopper").status_code == 404
    nobody = sale("passer-by")
    assert nobody.json() == {"eventName": "Purchase", "customer": None, "sale": None}
    direct = sale("direct", clickId=system.click(key), invoiceId="in-direct")
    assert (direct.status_code, direct.json()["customer"]["externalId"]) == (200, "direct")
    assert len(system.leads("direct")) == 1
    sold = system.rows("SELECT customer_external_id FROM sales WHERE invoice_id IN ('in-buyer', 'in-direct')")
    assert sorted(sold) == [("buyer",), ("direct",)]


def test_workspaces_are_strangers(system: System, key: str) -> None:
    """The same customer in both; the click of one is unknown to the other, in the same words as any."""
    theirs = create_link(system.gateways[0], system.other, domain=OTHER_DOMAIN)["key"]
    ours, others = system.click(key), system.click(theirs, domain=OTHER_DOMAIN)
    event = {"eventName": "Sign Up", "customerExternalId": "twin"}
    foreign = system.post("/track/lead", {**event, "clickId": ours}, system.other)
    unknown = system.post("/track/lead", {**event, "clickId": "Q" * 16}, system.other)
    assert (foreign.status_code, foreign.text.replace(ours, "")) == (404, unknown.text.replace("Q" * 16, ""))
    assert system.post("/track/lead", {**event, "clickId": others}, system.other).status_code == 200
    assert system.post("/track/lead", {**event, "clickId": ours}).status_code == 200
    for workspace, click in ((WORKSPACE, ours), (OTHER_WORKSPACE, others)):
        assert [one["click"]["id"] for one in system.leads("twin", workspace)] == [click]


def test_an_idempotency_key_is_for_one_sale(system: System, key: str) -> None:
    assert system.lead("subscriber", system.click(key)).status_code == 200
    body = {"customerExternalId": "subscriber", "amount": 700}
    for name in ("first", "first", "second"):
        assert system.post("/track/sale", body, idempotency_key=name).status_code == 200
    system.stack.wait_until_processed()
    [(count,)] = system.rows("SELECT count() FROM sales WHERE customer_external_id = 'subscriber'")
    assert count == 2


def test_all_numbers_agree(system: System) -> None:
    """Funnel, time series and rows, of all that the tests did so far; an empty workspace has zeros."""
    system.stack.wait_until_processed()
    for workspace in (WORKSPACE, OTHER_WORKSPACE):
        day = "start = toString(today() - 1), end = toString(today() + 2), timezone = 'Europe/Berlin'"
        [series] = system.rows(
            "SELECT sum(clicks), sum(leads), sum(sales) FROM"
            f" timeseries(workspace = %(w)s, granularity = 'hour', {day})",
            w=workspace,
        )
        [clicks] = system.rows(
            "SELECT count() FROM clicks WHERE workspace_id = %(w)s AND timestamp >= today() - 1", w=workspace
        )
        [leads] = system.rows("SELECT sum(quantity) FROM leads WHERE workspace_id = %(w)s", w=workspace)
        [sales] = system.rows("SELECT count() FROM sales WHERE workspace_id = %(w)s", w=workspace)
        assert series == (*clicks, *leads, *sales)
        assert (system.funnel(workspace)["leads"], system.funnel(workspace)["sales"]) == (*leads, *sales)
    assert system.funnel("nobody") == {"clicks": 0, "leads": 0, "sales": 0}
