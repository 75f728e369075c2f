"""The calls about customers: from rows and from what was accepted a moment ago."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
import pytest

from processors.gateway.answers import ApiError, Code, TryAgain
from processors.gateway.asking import Row
from processors.gateway.customers.routes import customer_routes
from processors.gateway.customers.tracing import Tracing
from processors.gateway.known import (
    Facts,
    KnownClick,
    KnownCustomer,
    KnownLink,
    Publisher,
    Uncertain,
)
from processors.gateway.looking import Looks
from processors.people.traced import Trace
from schemas.decoding import decode_erasure
from schemas.ids import customer_id
from schemas.links import Link
from schemas.times import DAY_MS
from tests.gateway.customers.traces import trace
from tests.gateway.links.world import NOW_MS, OTHER, called
from tests.registry.links import link

ADA = customer_id("acme", "ada")
_LINK = KnownLink("link_1", "go.example", "k", "https://example.com/", "p", "prog", None, None)
YOUNG = KnownCustomer(click=KnownClick("c", NOW_MS - 5, True, _LINK), email="ada@example.com")


class World:
    """``rows``: of ClickHouse. ``known``: by external id, in the workspace acme; ``unheard``: those who
    were named through another gateway, so that only who asks Kafka knows them."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.known: dict[str, KnownCustomer] = {}
        self.unheard: set[str] = set()
        self.links: dict[str, Link] = {}
        self.published: list[bytes] = []
        self.parameters: list[Mapping[str, object]] = []
        self.away = self.uncertain = False
        self.routes = customer_routes(
            self.ask,
            cast(Facts, self),
            cast(Publisher, self),
            self.links.get,
            DAY_MS,
            Tracing(self.traced, Looks(1)),
        )

    async def ask(self, _: str, parameters: Mapping[str, object]) -> Sequence[Row]:
        if self.away:
            raise TryAgain("away")
        self.parameters.append(parameters)
        return self.rows if parameters["workspace"] == "acme" else []

    async def customer(
        self, workspace_id: str, customer_external_id: str, *, wait: bool = True, requested: bool = False
    ) -> KnownCustomer | None:
        """``requested``: that does not change what is known here."""
        assert wait or not requested
        if wait and self.uncertain:
            raise Uncertain("uncertain")
        if not wait and customer_external_id in self.unheard:
            return None
        return self.known.get(customer_external_id) if workspace_id == "acme" else None

    async def traced(self, workspace_id: str, external_id: str) -> Trace | None:
        return trace(workspace_id, external_id) if (workspace_id, external_id) == ("acme", "ada") else None

    async def external_id(self, workspace_id: str, our_id: str) -> str | None:
        heard = {customer_id("acme", one): one for one in self.known if one not in self.unheard}
        return heard.get(our_id) if workspace_id == "acme" else None

    async def publish(self, value: bytes) -> None:
        self.published.append(value)

    async def call(self, what: str, **more: Any) -> Any:
        return await called(self.routes, what, **more)

    async def refused(self, what: str, **more: Any) -> tuple[Code, str]:
        with pytest.raises(ApiError) as error:
            await self.call(what, **more)
        return error.value.code, error.value.message


@pytest.fixture
def world() -> World:
    return World()


def _row(name: str = "Ada", email: str = "ada@example.com") -> Row:
    return [
        *(ADA, "ada", name, email, "", "DE", NOW_MS, 1, NOW_MS, NOW_MS + 1),
        *("link_1", "go.example", "k", "https://go.example/k", "https://example.com/", "prog"),
        *(2, 750, NOW_MS + 2),
    ]


_SHOWN = {
    "id": ADA,
    "externalId": "ada",
    "name": "Ada",
    "email": "ada@example.com",
    "avatar": None,
    "country": "DE",
    "sales": 2,
    "saleAmount": 750,
    "firstSaleAt": "2025-11-24T16:00:00.002Z",
    "createdAt": "2025-11-24T16:00:00.000Z",
    "status": "qualified",
    "deferredAt": "2025-11-24T16:00:00.000Z",
    "qualifiedAt": "2025-11-24T16:00:00.001Z",
    "stripeCustomerId": None,
    "subscriptionCanceledAt": None,
}
_EXPANDED: Final[dict[str, Any]] = {
    "link": {
        "id": "link_1",
        "domain": "go.example",
        "key": "k",
        "shortLink": "https://go.example/k",
        "url": "https://example.com/",
        "programId": "prog",
    },
    "programId": "prog",
    "partner": None,
    "discount": None,
}


@pytest.mark.parametrize("name", [ADA, "ext_ada"])
async def test_one_by_either_id(world: World, name: str) -> None:
    world.rows = [_row()]
    assert await world.call(f"GET /customers/{name}") == _SHOWN
    assert await world.call(f"GET /customers/{name}?includeExpandedFields=true") == {**_SHOWN, **_EXPANDED}
    assert await world.call("GET /customers?includeExpandedFields=false") == [_SHOWN]


@pytest.mark.parametrize("workspace_id", ["acme", "globex"])
async def test_a_link_is_shown_as_it_is_now(world: World, workspace_id: str) -> None:
    world.rows = [_row()]
    world.links["link_1"] = link(1, workspace_id=workspace_id, key="new", url="https://acme.com/new")
    shown = (await world.call(f"GET /customers/{ADA}?includeExpandedFields=true"))["link"]
    now = {
        "domain": "go.acme.com",
        "key": "new",
        "shortLink": "https://go.acme.com/new",
        "url": "https://acme.com/new",
    }
    assert shown == {**_EXPANDED["link"], **(now if workspace_id == "acme" else {})}


@pytest.mark.parametrize(("name", "email", "shown"), [("", "a@b.c", "a@b.c"), ("", "", "ada")])
async def test_there_is_always_a_name(world: World, name: str, email: str, shown: str) -> None:
    world.rows = [_row(name, email)]
    assert (await world.call(f"GET /customers/{ADA}"))["name"] == shown


@pytest.mark.parametrize("name", [ADA, "ext_ada"])
async def test_one_who_was_named_a_moment_ago_is_pending(world: World, name: str) -> None:
    world.known["ada"] = YOUNG
    shown = await world.call(f"GET /customers/{name}?includeExpandedFields=true")
    assert shown == {
        **_SHOWN,
        **_EXPANDED,
        "name": "ada@example.com",
        "country": None,
        "sales": 0,
        "saleAmount": 0,
        "firstSaleAt": None,
        "createdAt": "2025-11-24T15:59:59.995Z",
        "status": "pending",
        "deferredAt": None,
        "qualifiedAt": None,
    }
    for query in ("externalId=ada", "externalId=ada&status=pending&page=1", "externalId=ada&linkId=link_1"):
        assert [one["id"] for one in await world.call(f"GET /customers?{query}")] == [ADA]
    for query in (
        "externalId=ada&status=qualified",
        "externalId=ada&page=2",
        "externalId=ada&country=DE",
        "externalId=ada&minAge=0",
        "externalId=ada&expiresWithin=1d",
        "",
    ):
        assert await world.call(f"GET /customers?{query}") == []


async def test_unknown_and_foreign_ones(world: World) -> None:
    world.known["ada"] = YOUNG
    for what in ("GET", "DELETE"):
        for name in ("ext_bob", "cus_nobody", "ext_", f"ext_{'x' * 101}"):
            assert await world.refused(f"{what} /customers/{name}") == (Code.NOT_FOUND, "Customer not found.")
    world.rows = [_row()]
    for name in ("ext_ada", ADA):
        assert (await world.refused(f"GET /customers/{name}", workspace=OTHER))[0] == Code.NOT_FOUND
        assert (await world.refused(f"DELETE /customers/{name}", workspace=OTHER))[0] == Code.NOT_FOUND
    assert world.published == []


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("name", [ADA, "ext_ada"])
async def test_deleting_is_an_erasure(world: World, name: str, *, stored: bool) -> None:
    world.rows, world.known["ada"] = [_row()] if stored else [], YOUNG
    assert await world.call(f"DELETE /customers/{name}") == {"id": ADA}
    (event,) = world.published
    assert msgspec.json.decode(event)["type"] == "erasure"
    erasure, _ = decode_erasure(event, NOW_MS, NOW_MS)
    assert (erasure.workspace_id, erasure.customer) == ("acme", "ada")


@pytest.mark.parametrize("name", [ADA, "ext_ada"])
async def test_whoever_was_erased_is_unknown_before_the_rows_are_gone(world: World, name: str) -> None:
    world.rows, world.known["ada"] = [_row()], KnownCustomer(erased=True)
    assert (await world.refused(f"GET /customers/{name}"))[0] == Code.NOT_FOUND
    assert (await world.refused(f"DELETE /customers/{name}"))[0] == Code.NOT_FOUND
    assert await world.call("GET /customers") == []
    assert await world.call("GET /customers?externalId=ada") == []


async def test_a_no_is_certain_before_it_is_given_to_who_deletes(world: World) -> None:
    world.uncertain = True
    with pytest.raises(Uncertain):
        await world.call("DELETE /customers/ext_ada")


@pytest.mark.parametrize("what", ["GET /customers", "GET /customers/ext_ada", f"DELETE /customers/{ADA}"])
async def test_without_clickhouse_callers_are_to_try_again(world: World, what: str) -> None:
    world.away = True
    with pytest.raises(TryAgain):
        await world.call(what)


async def test_the_servers_log_names_nobody_who_is_asked_for_by_email_or_id(world: World) -> None:
    await world.call("GET /customers?email=ada@example.com")
    await world.call("GET /customers?externalId=ada")
    await world.refused("GET /customers/ext_ada")
    assert len(world.parameters) == 3
    assert not [one for one in world.parameters if {"ada", "ada@example.com"} & set(map(str, one.values()))]


async def test_one_whom_another_gateway_took_a_moment_ago_is_there(world: World) -> None:
    world.known["ada"] = YOUNG
    world.unheard.add("ada")
    assert (await world.call("GET /customers/ext_ada"))["externalId"] == "ada"
    assert [one["externalId"] for one in await world.call("GET /customers?externalId=ada")] == ["ada"]


async def test_that_there_is_none_is_certain_or_not_said(world: World) -> None:
    world.uncertain = True
    for what in ("GET /customers/ext_ada", "GET /customers?externalId=ada"):
        code, _ = await world.refused(what)
        assert code is Code.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("name", ["ext_ada", "ada", ADA])
async def test_a_trace_by_any_name(world: World, name: str) -> None:
    world.known["ada"] = YOUNG
    told = await world.call(f"GET /customers/{name}/trace")
    assert (told["customerExternalId"], told["explanation"]["summary"]) == ("ada", "One lead.")


@pytest.mark.parametrize("name", ["ext_nobody", "nobody", customer_id("acme", "nobody")])
async def test_a_trace_of_nobody(world: World, name: str) -> None:
    assert (await world.refused(f"GET /customers/{name}/trace"))[0] is Code.NOT_FOUND


@pytest.mark.parametrize("name", ["ext_ada", "ada", ADA])
async def test_to_another_workspace_a_customer_is_nobody(world: World, name: str) -> None:
    world.known["ada"] = YOUNG
    refused = await world.refused(f"GET /customers/{name}/trace", workspace=OTHER)
    assert refused[0] is Code.NOT_FOUND
