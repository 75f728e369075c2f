"""Workspaces never meet: what is another's is told in the words for what is not there, on every route."""

from typing import Any, Final, NamedTuple

import httpx
import pytest

from processors.gateway.routing import Opens
from schemas.ids import customer_id
from tests.gateway.security.world import (
    ACME_DOMAIN,
    BROWSER,
    CLICK,
    CUSTOMER,
    EMAIL,
    EVIL_DOMAIN,
    EVIL_PUBLISHABLE,
    EVIL_SECRET,
    LINK,
    PUBLISHABLE,
    SECRET,
    World,
    bearer,
    link,
)


class Names(NamedTuple):
    """Of things that a call may be about."""

    link: str
    external: str
    key: str
    domain: str
    click: str
    customer: str
    our_customer: str
    email: str


ACMES: Final = Names(
    LINK, "campaign", "spring", ACME_DOMAIN, CLICK, CUSTOMER, customer_id("acme", CUSTOMER), EMAIL
)
NOBODYS: Final = Names(
    "link_01NONE",
    "nothing1",
    "winter",
    "go.none.test",
    "NobodysOwnClick1",
    "missing-customer",
    customer_id("acme", "missing-customer"),
    "bob@missing.example",
)
"""Of the same length and form."""

_LEAD: Final = {"eventName": "Sign Up"}
_URL: Final = "https://evil.test/"
_BY_ID: Final = ({"path": "{link}"}, {"path": "ext_{external}"})
_BY_CUSTOMER: Final = ({"path": "{our_customer}"}, {"path": "ext_{customer}"})
_LEADS: Final = (
    {"json": {**_LEAD, "clickId": "{click}", "customerExternalId": "new"}},
    {"json": {**_LEAD, "clickId": "", "customerExternalId": "{customer}"}},
)
_SALES: Final = (
    {"json": {"amount": 1, "customerExternalId": "{customer}"}},
    {"json": {"amount": 1, "customerExternalId": "new", "clickId": "{click}"}},
)
_OF_EVENTS: Final = (
    {"linkId": "{link}"},
    {"externalId": "{external}"},
    {"domain": "{domain}", "key": "{key}"},
    {"customerId": "{customer}"},
    {"customerId": "{our_customer}"},
)

CASES: Final[dict[str, tuple[dict[str, Any], ...]]] = {
    "POST /track/lead": _LEADS,
    "POST /track/lead/client": _LEADS,
    "POST /track/sale": _SALES,
    "POST /track/sale/client": _SALES,
    "POST /links": ({"json": {"url": _URL, "domain": "{domain}"}},),
    "GET /links": (
        {"params": {"domain": "{domain}"}},
        {"params": {"search": "{key}"}},
        {"params": {"startingAfter": "{link}"}},
        {"params": {"endingBefore": "{link}"}},
    ),
    "GET /links/info": (
        {"params": {"linkId": "{link}"}},
        {"params": {"linkId": "ext_{external}"}},
        {"params": {"externalId": "{external}"}},
        {"params": {"domain": "{domain}", "key": "{key}"}},
    ),
    "GET /links/count": ({"params": {"domain": "{domain}"}}, {"params": {"search": "{key}"}}),
    "PUT /links/upsert": ({"json": {"url": _URL, "domain": "{domain}"}},),
    "GET /links/{id}": _BY_ID,
    "PATCH /links/{id}": tuple({**one, "json": {"title": "mine"}} for one in _BY_ID),
    "PUT /links/{id}": tuple({**one, "json": {"url": _URL}} for one in _BY_ID),
    "DELETE /links/{id}": _BY_ID,
    "POST /links/bulk": ({"json": [{"url": _URL, "domain": "{domain}"}]},),
    "PATCH /links/bulk": (
        {"json": {"linkIds": ["{link}"], "data": {"title": "mine"}}},
        {"json": {"externalIds": ["{external}"], "data": {"title": "mine"}}},
    ),
    "DELETE /links/bulk": ({"params": {"linkIds": "{link}"}}, {"params": {"linkIds": "ext_{external}"}}),
    "GET /customers": tuple(
        {"params": one}
        for one in (
            {"externalId": "{customer}"},
            {"email": "{email}"},
            {"search": "{customer}"},
            {"startingAfter": "{our_customer}"},
            {"endingBefore": "{our_customer}"},
        )
    ),
    "GET /analytics": tuple({"params": one} for one in _OF_EVENTS),
    "GET /events": tuple({"params": one} for one in (*_OF_EVENTS, {"cursor": "1.{click}"})),
    "GET /customers/{id}": _BY_CUSTOMER,
    "GET /customers/{id}/trace": (*_BY_CUSTOMER, {"path": "{customer}"}),
    "DELETE /customers/{id}": _BY_CUSTOMER,
    "GET /leads/{id}/revisions": ({"path": "{link}"},),
    "GET /unmatched": (
        {"params": {"customerExternalId": "{customer}"}},
        {"params": {"clickId": "{click}"}},
        {"params": {"cursor": "1.{link}"}},
    ),
    "GET /dead-letters": ({"params": {"cursor": "1.{link}"}},),
}
"""Of every route that a key opens: what may be somebody else's. Braces stand for names."""

_EVIL: Final = {Opens.SECRET: EVIL_SECRET, Opens.PUBLISHABLE: EVIL_PUBLISHABLE}
_OWN: Final = {Opens.SECRET: SECRET, Opens.PUBLISHABLE: PUBLISHABLE}


def filled(wanted: Any, names: Names) -> Any:
    """With names in place of the braces."""
    if isinstance(wanted, str):
        return wanted.format(**names._asdict())
    if isinstance(wanted, dict):
        return {name: filled(one, names) for name, one in wanted.items()}
    return [filled(one, names) for one in wanted] if isinstance(wanted, list) else wanted


def words(answer: httpx.Response, names: Names) -> tuple[int, str]:
    """What is said, whatever it is said of."""
    text = answer.text
    for name in names:
        text = text.replace(name, "…")
    return answer.status_code, text


def opened_by(what: str) -> Opens:
    method, path = what.split()
    return next(one.opens for one in World().routes if (one.method, one.path) == (method, path))


def test_every_route_that_a_key_opens_has_a_case() -> None:
    keyed = {
        f"{one.method} {one.path}" for one in World().routes if one.opens in (Opens.SECRET, Opens.PUBLISHABLE)
    }
    # What streams tells of nothing that was: tests/gateway/live/test_streams.py asks it of what comes.
    # Of what is held nothing can be asked for by name.
    assert keyed == CASES.keys() | {"GET /events/stream", "GET /held"}


async def test_what_is_held_is_told_to_its_own_workspace() -> None:
    async with World().client() as client:
        own, others = [await client.get("/held", headers=bearer(one)) for one in (SECRET, EVIL_SECRET)]
    assert CUSTOMER in own.text
    assert (others.status_code, others.json()["events"], others.json()["reasons"]) == (200, [], {})


@pytest.mark.parametrize(("what", "case"), [(what, case) for what, cases in CASES.items() for case in cases])
async def test_what_is_anothers_is_not_there(what: str, case: dict[str, Any]) -> None:
    world, opens = World(), opened_by(what)
    method, path = what.split()
    async with world.client(user_agent=BROWSER) as client:

        async def call(names: Names, keys: Any) -> tuple[int, str]:
            given = filled(case, names)
            target = path.replace("{id}", given.pop("path", ""))
            return words(await client.request(method, target, headers=bearer(keys[opens]), **given), names)

        held = list(world.store.registries.links)
        theirs, nothing = await call(ACMES, _EVIL), await call(NOBODYS, _EVIL)
        assert theirs == nothing
        assert list(world.store.registries.links) == held
        assert world.events() == []
        # And it is not because the call is about nothing: whose it is gets another answer.
        assert await call(NOBODYS, _OWN) != await call(ACMES, _OWN)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/track/click", {"domain": EVIL_DOMAIN, "key": "{key}"}),
        ("/track/visit", {"domain": EVIL_DOMAIN, "url": "https://evil.test/{key}"}),
        ("/track/open", {"deepLink": f"https://{EVIL_DOMAIN}/{{key}}"}),
    ],
)
async def test_a_page_finds_the_links_of_the_domain_that_it_names(path: str, body: dict[str, str]) -> None:
    async with World().client(user_agent=BROWSER) as client:
        theirs, nothing = [
            words(await client.post(path, json=filled(body, names)), names) for names in (ACMES, NOBODYS)
        ]
    assert theirs == nothing
    assert theirs[0] == 404


async def test_a_short_domain_redirects_by_its_own_links() -> None:
    async with World().client(user_agent=BROWSER) as client:
        theirs = await client.get("/spring", headers={"Host": EVIL_DOMAIN})
        nothing = await client.get("/winter", headers={"Host": EVIL_DOMAIN})
        own = await client.get("/spring", headers={"Host": ACME_DOMAIN})
    assert (theirs.status_code, theirs.content) == (nothing.status_code, nothing.content)
    assert own.status_code == 302


async def test_links_that_two_workspaces_call_the_same_stay_two() -> None:
    """By external id, by destination, and by ``Idempotency-Key``."""
    world = World()
    async with world.client(idempotency_key="once") as client:
        mine = await client.post(
            "/links",
            json={"url": link().url, "externalId": "campaign", "key": "spring"},
            headers=bearer(EVIL_SECRET),
        )
        assert mine.status_code == 200, mine.text
        theirs = await client.post("/links", json={"url": link().url}, headers=bearer(SECRET))
        upserted = await client.put("/links/upsert", json={"url": link().url}, headers=bearer(EVIL_SECRET))
        shown = [
            (await client.get("/links/ext_campaign", headers=bearer(one))).json()["id"]
            for one in (SECRET, EVIL_SECRET)
        ]
    assert mine.json()["id"] != theirs.json()["id"]
    assert upserted.json()["id"] == mine.json()["id"]
    assert shown == [LINK, mine.json()["id"]]
    assert world.store.links.get(LINK) == link()


async def test_customers_that_two_workspaces_call_the_same_stay_two() -> None:
    world = World()
    world.store.links.put(link(id="link_EVIL", workspace_id="evil", domain=EVIL_DOMAIN))
    async with world.client(user_agent=BROWSER) as client:
        visited = await client.post("/track/click", json={"domain": EVIL_DOMAIN, "key": "spring"})
        sent = {**_LEAD, "clickId": visited.json()["clickId"], "customerExternalId": CUSTOMER}
        lead = await client.post("/track/lead", json=sent, headers=bearer(EVIL_SECRET))
        erased = await client.delete(f"/customers/ext_{CUSTOMER}", headers=bearer(EVIL_SECRET))
        still = await client.get(f"/customers/ext_{CUSTOMER}", headers=bearer(SECRET))
    assert lead.status_code == 200
    assert lead.json()["customer"] == {"name": None, "email": None, "avatar": None, "externalId": CUSTOMER}
    assert erased.json() == {"id": customer_id("evil", CUSTOMER)}
    assert still.json()["email"] == EMAIL
    assert {one["workspaceId"] for one in world.events()} == {"evil"}
