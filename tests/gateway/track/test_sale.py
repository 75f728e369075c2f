"""``/track/sale``: which calls are taken, what is written for them, what is answered."""

import pytest
from msgspec.structs import replace

from processors.gateway.track.events import DIRECT_SALE
from schemas.ids import customer_id
from tests.gateway.memory import Fate
from tests.gateway.track.world import LINK, PERSON, World

CUSTOMER = {
    "id": customer_id("acme", "ann"),
    "name": "Ann",
    "email": "ann@example.com",
    "avatar": "https://a/b.png",
    "externalId": "ann",
}
NOTHING = {"eventName": "Purchase", "customer": None, "sale": None}


@pytest.fixture
def world() -> World:
    """Click ``c1`` was recorded."""
    world = World()
    world.click("c1")
    return world


async def lead(world: World, gateway: int = 0) -> int:
    """Ann has a lead; how many records there are then."""
    assert (await world.lead(gateway, clickId="c1", **PERSON)).status == 200
    return len(world.topics.records)


async def test_a_sale_of_a_customer_with_a_lead(world: World) -> None:
    before = await lead(world)
    answered = await world.sale(
        currency="EUR",
        eventName="Invoice paid",
        paymentProcessor="stripe",
        invoiceId=" i1 ",
        metadata={"a": 1},
    )
    assert answered.status == 200
    assert answered.content == {
        "eventName": "Invoice paid",
        "customer": CUSTOMER,
        "sale": {
            "amount": 1_000,
            "currency": "eur",
            "paymentProcessor": "stripe",
            "invoiceId": "i1",
            "metadata": {"a": 1},
        },
    }
    assert world.written(before) == [
        {
            "type": "purchase",
            "workspaceId": "acme",
            "timestamp": world.now_ms,
            "customerExternalId": "ann",
            "amount": 1_000,
            "currency": "EUR",
            "eventName": "Invoice paid",
            "paymentProcessor": "stripe",
            "invoiceId": "i1",
            "metadata": {"a": 1},
        }
    ]


async def test_the_click_of_a_sale_does_not_count_for_a_customer_with_a_lead(world: World) -> None:
    before = await lead(world)
    assert (await world.sale(clickId="unknown")).content["customer"] == CUSTOMER
    assert [event["type"] for event in world.written(before)] == ["purchase"]


@pytest.mark.parametrize("gateway", [0, 1])
async def test_a_lead_that_was_just_accepted_counts_for_every_gateway(world: World, gateway: int) -> None:
    """Each of the three calls may go to another one, at once."""
    await world.lead(0, clickId="c1", mode="deferred")
    await world.lead(1)
    assert (await world.sale(gateway)).content["sale"]["amount"] == 1_000


@pytest.mark.parametrize("fields", [{}, {"clickId": "c1"}, {"invoiceId": "i1"}, {"amount": 0}])
async def test_a_customer_with_a_deferred_lead_only(world: World, fields: dict[str, object]) -> None:
    await world.lead(clickId="c1", mode="deferred")
    before = len(world.topics.records)
    answered = await world.sale(**fields)
    assert (answered.status, answered.code) == (404, "not_found")
    assert answered.content.startswith("Lead event not found")
    assert world.written(before) == []


@pytest.mark.parametrize("click_id", [None, "", "  "])
async def test_nobody(world: World, click_id: str | None) -> None:
    answered = await world.sale(clickId=click_id)
    assert (answered.status, answered.content) == (200, NOTHING)
    assert world.written() == []


@pytest.mark.parametrize("amount", [0, 0.0])
async def test_nothing(world: World, amount: float) -> None:
    before = await lead(world)
    assert (await world.sale(amount=amount)).content == NOTHING
    assert world.written(before) == []


@pytest.mark.parametrize("lead_event_name", [None, "", "Auto"])
async def test_a_direct_sale_is_a_lead_and_a_purchase(world: World, lead_event_name: str | None) -> None:
    answered = await world.sale(clickId="c1", leadEventName=lead_event_name, metadata={"a": 1}, **PERSON)
    assert answered.content["customer"] == CUSTOMER
    assert answered.content["sale"]["amount"] == 1_000
    lead, sale = world.written()
    assert lead == {
        "type": "lead",
        "workspaceId": "acme",
        "timestamp": world.now_ms,
        "customerExternalId": "ann",
        "clickId": "c1",
        "eventName": lead_event_name or DIRECT_SALE,
        "metadata": {"a": 1},
        **PERSON,
    }
    assert (sale["type"], sale["timestamp"]) == ("purchase", world.now_ms)
    assert sale.get("leadEventName") == (lead_event_name or None)


async def test_a_direct_sale_of_nothing_is_a_lead(world: World) -> None:
    assert (await world.sale(clickId="c1", amount=0)).content == NOTHING
    assert [event["type"] for event in world.written()] == ["lead"]


async def test_a_direct_sale_of_an_unknown_click(world: World) -> None:
    answered = await world.sale(clickId="unknown")
    assert (answered.status, answered.code) == (404, "not_found")
    assert world.written() == []


@pytest.mark.parametrize("invoice", [{}, {"invoiceId": "i1"}])
@pytest.mark.parametrize("gateway", [0, 1])
@pytest.mark.parametrize(
    "fates",
    [
        [Fate.LOST],
        [Fate.UNHEARD],
        [Fate.ACKNOWLEDGED, Fate.LOST],
        [Fate.ACKNOWLEDGED, Fate.UNHEARD],
    ],
)
async def test_a_direct_sale_that_broke_off_is_completed_when_it_is_sent_again(
    world: World, fates: list[Fate], gateway: int, invoice: dict[str, object]
) -> None:
    world.publishers[0].fates = list(fates)
    assert (await world.sale(clickId="c1", **invoice, **PERSON)).status == 503
    answered = await world.sale(gateway, clickId="c1", **invoice, **PERSON)
    assert answered.content["customer"] == CUSTOMER
    assert answered.content["sale"]["amount"] == 1_000
    kinds = [event["type"] for event in world.written()]
    assert kinds.index("lead") < kinds.index("purchase")
    assert {event["eventName"] for event in world.written() if event["type"] == "lead"} == {DIRECT_SALE}


@pytest.mark.parametrize("direct", [True, False])
async def test_the_same_invoice_again_gives_the_same_body(world: World, direct: bool) -> None:
    sent = {"clickId": "c1", "invoiceId": "i1", "metadata": {"a": 1.50}, **PERSON}
    if not direct:
        await lead(world)
    first = await world.sale(**sent)
    before = len(world.topics.records)
    assert await world.sale(**sent) == first
    assert await world.sale(invoiceId="i1", amount=5, eventName="Other", currency="eur") == first
    assert world.written(before) == []


async def test_an_invoice_is_one_of_its_customer(world: World) -> None:
    await lead(world)
    await world.sale(invoiceId="i1")
    other = await world.sale(invoiceId="i1", customerExternalId="bob", clickId="c1", amount=7)
    assert other.content["sale"]["amount"] == 7


async def test_without_an_invoice_each_call_is_a_sale_of_its_own(world: World) -> None:
    before = await lead(world)
    assert await world.sale() == await world.sale()
    ids = [event["eventId"] for event in world.written(before)]
    assert len(ids) == len(set(ids)) == 2


async def test_unless_it_carries_an_idempotency_key(world: World) -> None:
    before = await lead(world)
    for gateway in (0, 1):
        body = {"amount": 5, "customerExternalId": "ann"}
        await world.post("/track/sale", body=body, gateway=gateway, headers={"Idempotency-Key": "k"})
    first, second = world.written(before)
    assert first["eventId"] == second["eventId"]


async def test_an_erased_customer(world: World) -> None:
    await lead(world)
    world.event("erasure", customerExternalId="ann")
    world.facts[0].hear_all(world.topics.records)
    assert (await world.sale()).code == "forbidden"


async def test_a_disabled_link_makes_no_sales(world: World) -> None:
    await lead(world)
    world.links[LINK.id] = replace(LINK, disabled_at=1)
    assert (await world.sale()).code == "not_found"
    assert (await world.sale(customerExternalId="bob", clickId="c1")).code == "not_found"


async def test_what_cannot_be_told_is_no_no(world: World) -> None:
    world.facts[0].down = True
    assert (await world.sale()).status == 503
    assert (await world.sale(clickId="unknown")).status == 503
