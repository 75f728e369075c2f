"""Names in bodies that are no field: what callers, logs and metrics say of them."""

import json
import logging
from typing import Annotated

import pytest
from msgspec import Meta

from processors.gateway.clicks.routes import ClickBody, OpenBody, VisitBody
from processors.gateway.links.bodies import ManyLinksUpdate, NewLink, NewLinks
from processors.gateway.misspelt import Misspelt, header, looking
from processors.gateway.stats import Stats
from processors.gateway.track.bodies import ClientLeadBody, ClientSaleBody, LeadBody, SaleBody
from schemas.close_names import CloseName
from tests.gateway.doors import Door, bearer
from tests.gateway.track.world import LEAD

WARNING = "x-leadstream-warning"
TOLD = "item_nmae is no field; did you mean itemName?"
CLICK_ID = CloseName("click_id", "clickId")


@pytest.mark.parametrize("path", ["/orders", "/visits"])
@pytest.mark.parametrize(
    ("body", "status"),
    [({"itemName": "tea", "amuont": 2}, 200), ({"itemName": "tea", "amount": 0, "Mode": "slow"}, 422)],
)
async def test_the_caller_is_told_whatever_comes_of_it(
    path: str, body: dict[str, object], status: int
) -> None:
    door = Door()
    async with door.client() as client:
        answer = await client.post(path, json=body, headers=bearer())
    assert answer.status_code == status
    (name,) = set(body) - {"itemName", "amount"}
    field = {"amuont": "amount", "Mode": "mode"}[name]
    assert answer.headers[WARNING] == f"{name} is no field; did you mean {field}?"
    assert door.stats.misspelt == {(f"POST {path}", field): 1}
    if status == 200:
        assert answer.json() == {"ok": True}


async def test_a_required_field_that_is_misspelt() -> None:
    async with Door().client() as client:
        answer = await client.post("/orders", json={"item_nmae": "tea"}, headers=bearer())
    assert answer.json()["error"]["message"] == "invalid_type: itemName: itemName is required."
    assert answer.headers[WARNING] == TOLD


async def test_of_a_list_all_are_told() -> None:
    door = Door()
    bodies = [{"itemName": "tea", "modes": 1, "amounts": 1}, {"itemName": "tea", "item_name": 2, "Mode": 1}]
    async with door.client() as client:
        answer = await client.post("/orders/bulk", json=bodies, headers=bearer())
    assert answer.headers[WARNING] == (
        "amounts is no field; did you mean amount?, Mode is no field; did you mean mode?"
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"itemName":"tea"}',
        b'{"itemName":"tea","unknown":1}',
        b"{",
        b"[",
        b'{"itemName":"tea","labels":{"Mode":1}}',
    ],
)
async def test_otherwise_nothing_is_said(body: bytes) -> None:
    door = Door()
    async with door.client() as client:
        for path in ("/orders", "/orders/bulk"):
            answer = await client.post(path, content=body, headers=bearer())
            assert WARNING not in answer.headers
    assert not door.stats.misspelt


async def test_whoever_shows_no_key_is_told_nothing() -> None:
    door = Door()
    async with door.client() as client:
        answer = await client.post("/orders", json={"item_nmae": "tea"})
    assert (answer.status_code, WARNING in answer.headers) == (401, False)
    assert not door.stats.misspelt


async def test_nothing_that_is_sent_gets_out_of_the_header() -> None:
    name = "Item\r\nSet-Cookie: a=b\r\n\r\n, \u2028\x00é_name"
    async with Door().client() as client:
        hostile = await client.post("/orders", json={"item\r\n\r\n\u2028\x00,_name": "tea"}, headers=bearer())
        other = await client.post("/orders", json={name: "tea"}, headers=bearer())
    assert hostile.headers[WARNING] == (
        "item%0D%0A%0D%0A%E2%80%A8%00%2C_name is no field; did you mean itemName?"
    )
    assert WARNING not in other.headers
    assert "set-cookie" not in other.headers


async def test_a_header_has_an_end() -> None:
    many = {f"item{'_' * count}name": 1 for count in range(1, 40)}
    async with Door().client() as client:
        answer = await client.post("/orders", json=many, headers=bearer())
    assert answer.headers[WARNING].count("itemName") == 5
    assert len(header([CloseName("\u20ac" * 64, "clickId")] * 1_000)[1]) < 5 * 700


def test_the_log_has_a_line_a_minute_for_each(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    stats = Stats()
    misspelt = Misspelt(stats, lambda: now)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            misspelt.note("POST /track/lead", "acme", [CLICK_ID])
        misspelt.note("POST /track/lead", "globex", [CLICK_ID])
        now = 59.0
        misspelt.note("POST /track/lead", "acme", [CLICK_ID])
        now = 60.0
        misspelt.note("POST /track/lead", "acme", [CLICK_ID])
    told = [(vars(one)["workspace"], vars(one)["warning"]) for one in caplog.records]
    assert told == [(workspace, str(CLICK_ID)) for workspace in ("acme", "globex", "acme")]
    assert stats.misspelt == {("POST /track/lead", "clickId"): 6}


def test_what_is_remembered_for_the_log_has_an_end() -> None:
    misspelt = Misspelt(Stats(), lambda: 0.0)
    for number in range(5_000):
        misspelt.note("POST /track/lead", f"workspace{number}", [CLICK_ID])
    assert len(misspelt._told) <= 1_000


@pytest.mark.parametrize(
    ("kind", "name", "field"),
    [
        (LeadBody, "click_id", "clickId"),
        (LeadBody, "customer_id", "customerId"),
        (SaleBody, "invoice_id", "invoiceId"),
        (ClientLeadBody, "clickid", "clickId"),
        (ClientSaleBody, "paymentProcesor", "paymentProcessor"),
        (NewLink, "partner_id", "partnerId"),
        (NewLink, "utmSource", "utm_source"),
        (NewLinks, "partnerID", "partnerId"),
        (ClickBody, "referer", "referrer"),
        (ClickBody, "linkId", None),
        (VisitBody, "Domain", "domain"),
        (OpenBody, "deep_link", "deepLink"),
    ],
)
def test_bodies_of_ours(kind: object, name: str, field: str | None) -> None:
    body = json.dumps([{name: "x"}] if kind is NewLinks else {name: "x"}).encode()
    assert [one.field for one in looking(kind)(body)] == ([field] if field else [])


@pytest.mark.parametrize(
    ("kind", "body", "fields"),
    [
        (NewLinks, [{"url": "u"}, {"partnerID": "p"}, {"partnerID": "p"}, {"utmSource": "s"}], 2),
        (NewLinks, [{"url": "u"}] * 100 + [{"partnerID": "beyond what is looked at"}], 0),
        (ManyLinksUpdate, {"linkIds": ["a"], "data": {"partnerID": "p"}}, 1),
        (ManyLinksUpdate, {"link_ids": ["a"], "data": {"partnerID": "p"}}, 2),
        (ManyLinksUpdate, {"linkIds": ["a"], "data": [{"partnerID": "p"}]}, 0),
        (ManyLinksUpdate, {"linkIds": ["a"]}, 0),
    ],
)
def test_every_part_of_a_body_is_looked_at(kind: object, body: object, fields: int) -> None:
    assert len(looking(kind)(json.dumps(body).encode())) == fields


@pytest.mark.parametrize("kind", [NewLinks, ManyLinksUpdate])
@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000, b'{"data":', b"[[[", b"1"])
def test_of_what_cannot_be_read_nothing_is_said(kind: object, body: bytes) -> None:
    assert looking(kind)(body) == ()


def test_what_is_right_is_right() -> None:
    assert looking(LeadBody)(json.dumps(LEAD).encode()) == ()
    assert looking(Annotated[list[int], Meta(max_length=3)])(b'[{"click_id":1}]') == ()
