"""``/track/lead``: which calls are taken, what is written for them, what is answered."""

import pytest
from msgspec.structs import replace

from schemas.registry import Workspace
from schemas.topics import Topic
from tests.gateway.memory import Fate
from tests.gateway.track.world import LEAD, LINK, LINK_PART, PERSON, World

TAKEN = 200
UNKNOWN_CLICK = 404
UNKNOWN_CUSTOMER = 400


@pytest.fixture
def world() -> World:
    """Click ``c1`` was recorded; ``ann`` is known through it where a test says so."""
    world = World()
    world.click("c1")
    return world


KNOWN = pytest.mark.parametrize("how", ["pending", "qualified", "pending elsewhere"])


async def known(world: World, how: str) -> int:
    """Makes ann known; how many records there are then."""
    gateway = 1 if how == "pending elsewhere" else 0
    answered = await world.lead(gateway, clickId="c1", mode="deferred", **PERSON)
    assert answered.status == TAKEN
    if how == "qualified":
        await world.lead(eventName="Demo")
    return len(world.topics.records)


@pytest.mark.parametrize("mode", ["deferred", "async", "wait", None])
async def test_a_known_click(world: World, mode: str | None) -> None:
    answered = await world.lead(clickId=" c1 ", mode=mode, **PERSON)
    assert answered.status == TAKEN
    assert answered.content == {
        "click": {"id": "c1"},
        "link": LINK_PART,
        "customer": {
            "name": "Ann",
            "email": "ann@example.com",
            "avatar": "https://a/b.png",
            "externalId": "ann",
        },
    }
    (event,) = world.written()
    assert event == {
        "type": "lead",
        "workspaceId": "acme",
        "timestamp": world.now_ms,
        "customerExternalId": "ann",
        "clickId": "c1",
        "eventName": "Sign Up",
        **({"mode": mode} if mode else {}),
        **PERSON,
    }
    assert world.topics.records[-1].topic == Topic.DEFERRED_LEADS
    assert world.facts[0].leads_asked_for == ([("acme", "ann", "Sign Up")] if mode == "wait" else [])


@pytest.mark.parametrize("mode", ["deferred", "async", "wait", None])
@pytest.mark.parametrize("how", ["nobody's", "another workspace's", "a bot's", "untracked"])
async def test_an_unknown_click(world: World, mode: str | None, how: str) -> None:
    world.click("c2", workspaceId="other" if how == "another workspace's" else "third")
    world.click("bot", bot=True)
    world.click("off", trackConversion=False)
    click_id = {"a bot's": "bot", "untracked": "off"}.get(how, "c2")
    answered = await world.lead(clickId=click_id, mode=mode)
    assert (answered.status, answered.code) == (UNKNOWN_CLICK, "not_found")
    assert answered.content == (
        f"Click not found for clickId: {click_id}. Has it been recorded, in this workspace?"
    )
    assert world.written() == []


@KNOWN
@pytest.mark.parametrize("click_id", [None, "", "  "])
@pytest.mark.parametrize("mode", ["deferred", "async", "wait", None])
async def test_no_click_and_a_known_customer(
    world: World, mode: str | None, click_id: str | None, how: str
) -> None:
    before = await known(world, how)
    answered = await world.lead(clickId=click_id, mode=mode)
    assert answered.status == TAKEN
    assert (answered.content["click"], answered.content["link"]) == ({"id": "c1"}, LINK_PART)
    assert answered.content["customer"]["name"] == "Ann"
    written = world.written(before)
    if mode == "deferred":
        assert written == []
    else:
        assert [event.get("clickId") for event in written] == [None]
        assert world.topics.records[-1].topic == Topic.QUALIFICATIONS


@pytest.mark.parametrize("mode", ["deferred", "async", "wait", None])
@pytest.mark.parametrize("click_id", [None, "", "  "])
async def test_no_click_and_an_unknown_customer(world: World, mode: str | None, click_id: str | None) -> None:
    answered = await world.lead(clickId=click_id, mode=mode)
    assert (answered.status, answered.code) == (UNKNOWN_CUSTOMER, "bad_request")
    assert world.written() == []


@pytest.mark.parametrize("fields", [{}, {"clickId": "c1"}, {"clickId": "unknown"}, {"mode": "deferred"}])
async def test_an_erased_customer(world: World, fields: dict[str, object]) -> None:
    await known(world, "pending")
    world.event("erasure", customerExternalId="ann")
    world.facts[0].hear_all(world.topics.records)
    before = len(world.topics.records)
    answered = await world.lead(**fields)
    assert (answered.status, answered.code) == (403, "forbidden")
    assert world.written(before) == []


async def test_another_click_of_a_known_customer_is_answered_as_sent(world: World) -> None:
    """The customer keeps what was said first; which click counts is for the rules to say."""
    await known(world, "pending")
    world.click("c2", linkId=None, domain="go.acme.com", key="_root", url="https://acme.com/?a=1")
    answered = await world.lead(clickId="c2", mode="deferred", customerName="Bob")
    assert answered.content["click"] == {"id": "c2"}
    assert answered.content["customer"]["name"] == "Ann"
    again = await world.lead()
    assert again.content["click"] == {"id": "c1"}


@pytest.mark.parametrize("mode", ["deferred", "async"])
@pytest.mark.parametrize("person", [{}, PERSON])
async def test_the_same_call_again_gives_the_same_body(
    world: World, mode: str, person: dict[str, object]
) -> None:
    first = await world.lead(clickId="c1", mode=mode, **person)
    assert await world.lead(clickId="c1", mode=mode, **person) == first
    assert await world.lead(1, clickId="c1", mode=mode, **person) == first
    qualified = await world.lead()
    assert await world.lead() == qualified == await world.lead(1)


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNHEARD])
async def test_what_is_not_acknowledged_is_to_be_tried_again(world: World, fate: Fate) -> None:
    world.publishers[0].fates = [fate]
    refused = await world.lead(clickId="c1")
    assert (refused.status, refused.code) == (503, "service_unavailable")
    assert refused.headers["Retry-After"] == "1"
    assert (await world.lead(clickId="c1")).status == TAKEN


@pytest.mark.parametrize("fields", [{}, {"clickId": "unknown"}])
async def test_what_cannot_be_told_is_no_no(world: World, fields: dict[str, object]) -> None:
    world.facts[0].down = True
    assert (await world.lead(**fields)).status == 503


async def test_a_link_that_is_not_there_is_told_by_its_click(world: World) -> None:
    world.links.clear()
    told = {
        "domain": "go.acme.com",
        "key": "old",
        "url": "https://acme.com/old?via=x",
        "partnerId": "pn",
        "programId": "prog",
        "tenantId": "t",
        "linkExternalId": "ext",
    }
    world.click("c2", linkId="link_2", **told)
    answered = await world.lead(clickId="c2")
    assert answered.content["link"] == {
        "id": "link_2",
        "domain": "go.acme.com",
        "key": "old",
        "shortLink": "https://go.acme.com/old",
        "url": "https://acme.com/old?via=x",
        "partnerId": "pn",
        "programId": "prog",
        "tenantId": "t",
        "externalId": "ext",
    }


async def test_another_workspaces_link_is_not_told(world: World) -> None:
    """A click may name any link; only its own workspace's is looked up."""
    world.links[LINK.id] = replace(LINK, workspace_id="other")
    answered = await world.lead(clickId="c1")
    assert answered.content["link"]["url"] == ""


async def test_a_disabled_link_makes_no_leads(world: World) -> None:
    await known(world, "pending")
    world.links[LINK.id] = replace(LINK, disabled_at=1)
    before = len(world.topics.records)
    for fields in ({"clickId": "c1"}, {}):
        answered = await world.lead(**fields)
        assert (answered.status, answered.code) == (404, "not_found")
    assert world.written(before) == []


async def test_the_workspace_is_that_of_the_key(world: World) -> None:
    """What the body says of it does not count."""
    answered = await world.post(
        "/track/lead",
        body=LEAD | {"clickId": "c1", "workspaceId": "acme"},
        headers={},
        workspace=Workspace(workspace_id="other"),
    )
    assert answered.status == UNKNOWN_CLICK


async def test_a_page_is_told_what_it_said_and_nothing_of_what_is_stored(world: World) -> None:
    """Its key is for everybody to read, and ids of customers can be guessed."""
    await known(world, "qualified")
    name = {"customerExternalId": "ann", "clickId": "", "eventName": "Guess"}
    lead = await world.post("/track/lead/client", body={**name, "customerName": "Somebody"})
    sale = await world.post("/track/sale/client", body={"customerExternalId": "ann", "amount": 1})
    nothing = {"name": None, "email": None, "avatar": None}
    assert lead.content["customer"] == {**nothing, "name": "Somebody", "externalId": "ann"}
    assert {key: sale.content["customer"][key] for key in nothing} == nothing
