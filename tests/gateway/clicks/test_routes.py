"""What pages and apps tell."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from starlette.requests import Request

from processors.gateway.answers import ApiError, Code, TryAgain
from processors.gateway.clicks.routes import click_routes
from processors.gateway.routing import Call, Opens
from schemas.registry import Workspace
from tests.gateway.clicks.world import (
    AMERICAN,
    CHROME,
    DOMAIN,
    DUTCH,
    NOON,
    PROXY,
    World,
    link,
    location,
    tracked,
)

APP = "okhttp/4.12.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class Pages:
    """``refusing``: pages of others. ``asked``: whom it was asked for."""

    def __init__(self) -> None:
        self.refusing = False
        self.asked: list[str] = []

    def allow_page(self, workspace: Workspace, request: Request) -> None:  # noqa: ARG002 - of the protocol
        self.asked.append(workspace.workspace_id)
        if self.refusing:
            raise ApiError(Code.FORBIDDEN, "another page")

    def allow_anybody(self, request: Request) -> None:  # noqa: ARG002 - of the protocol
        self.asked.append("anybody")


class Api:
    """The routes on a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.pages = Pages()
        routes = click_routes(world.registry, world.visitors, world.recorder, self.pages)
        self.routes = {one.path: one for one in routes}

    async def post(
        self, what: str, *, agent: str = CHROME, ip: str = AMERICAN, at: int = NOON, **body: Any
    ) -> Any:
        """As JSON has it."""
        route = self.routes[f"/track/{what}"]
        headers = [(b"user-agent", agent.encode()), (b"x-forwarded-for", ip.encode())]
        scope = {
            "type": "http",
            "method": "POST",
            "raw_path": route.path.encode(),
            "query_string": b"",
            "headers": [*headers, (b"referer", b"https://acme.example/page")],
            "client": (PROXY, 4711),
        }
        decoded = msgspec.json.decode(json.dumps(body), type=route.body)
        answer = await route.handle(Call(Request(scope), None, None, decoded, None, {}, at))
        return json.loads(msgspec.json.encode(answer))


def test_pages_need_no_key() -> None:
    api = Api(World())
    assert list(api.routes) == ["/track/click", "/track/visit", "/track/open"]
    assert {(one.method, one.opens) for one in api.routes.values()} == {("POST", Opens.PAGE)}


async def test_a_click_that_a_page_tells_of() -> None:
    api = Api(World(link("Ann")))
    answer = await api.post(
        "click",
        domain=DOMAIN,
        key="ann",
        url="https://acme.example/?via=ann",
        referrer="https://news.example/",
    )
    [event] = api.world.events
    assert answer == {"clickId": event["clickId"]}
    assert api.pages.asked == ["acme"]
    # Its id was given away: what comes of it counts, whatever the link says.
    assert event["trackConversion"] is True
    assert {one: event[one] for one in ("key", "url", "referer", "trigger", "country", "ip")} == {
        "key": "Ann",
        "url": "https://acme.example/?via=ann",
        "referer": "news.example",
        "trigger": "link",
        "country": "US",
        "ip": AMERICAN,
    }


async def test_of_a_partners_link_the_partner_is_told() -> None:
    api = Api(World(link(partner_id="pn_1", tenant_id="t_1")))
    answer = await api.post("click", domain=DOMAIN, key="offer")
    assert answer == {
        "clickId": api.world.events[0]["clickId"],
        "partner": {"id": "pn_1", "name": "pn_1", "image": "", "groupId": None, "tenantId": "t_1"},
        "discount": None,
    }
    assert "refererUrl" not in api.world.events[0]


@pytest.mark.parametrize("domain", [DOMAIN.upper(), f"www.{DOMAIN}", f"https://{DOMAIN}/x", f"{DOMAIN}:8080"])
async def test_a_domain_is_known_however_it_is_written(domain: str) -> None:
    assert (await Api(World(tracked())).post("click", domain=domain, key="/offer"))["clickId"]


@pytest.mark.parametrize("url", [None, "", "javascript:alert(1)", "/page", "https://" + "x" * 32_000])
async def test_what_is_no_page_is_not_recorded_as_one(url: str | None) -> None:
    api = Api(World(tracked()))
    await api.post("click", domain=DOMAIN, key="offer", url=url, referrer="")
    assert api.world.events[0]["url"] == "https://acme.example/"
    assert "refererUrl" not in api.world.events[0]


async def test_the_click_of_a_redirect_is_the_pages_too() -> None:
    world = World(tracked())
    api = Api(world)
    first = location(await world.follow())
    told = [
        await api.post("click", domain=DOMAIN, key="offer"),
        await api.post("visit", domain=DOMAIN, url="https://acme.example/offer"),
    ]
    assert [first.endswith(f"dub_id={one['clickId']}") for one in told] == [True, True]
    assert len(world.events) == 1
    assert (await api.post("click", domain=DOMAIN, key="offer", ip=DUTCH))["clickId"] not in first


async def test_a_page_that_is_a_links() -> None:
    api = Api(World(link("docs/start"), link("_root")))
    answer = await api.post("visit", domain=DOMAIN, url=f"https://{DOMAIN}/docs/start/?x=1")
    assert answer == {"clickId": api.world.events[0]["clickId"]}
    await api.post("visit", domain=DOMAIN, url=f"https://{DOMAIN}")
    assert [(one["key"], one["trigger"]) for one in api.world.events] == [
        *(("docs/start", "pageview"), ("_root", "pageview"))
    ]


@pytest.mark.parametrize("agent", [APP, CHROME])
async def test_an_app_that_was_opened(agent: str) -> None:
    api = Api(World(link()))
    answer = await api.post("open", deepLink=f"https://{DOMAIN}/offer?x=1", agent=agent)
    [event] = api.world.events
    assert answer == {
        "clickId": event["clickId"],
        "link": {"id": "link_offer", "domain": DOMAIN, "key": "offer", "url": "https://acme.example/"},
    }
    assert event["trigger"] == "deeplink"


@pytest.mark.parametrize("body", [{}, {"deepLink": None}, {"deepLink": "", "dubDomain": DOMAIN}])
async def test_an_app_that_was_opened_by_nothing(body: dict[str, Any]) -> None:
    api = Api(World(link()))
    assert await api.post("open", **body) == {"clickId": None, "link": None}
    assert api.pages.asked == ["anybody"]


async def test_who_is_not_recorded_is_given_nothing() -> None:
    api = Api(World(link(partner_id="pn_1")))
    click = await api.post("click", domain=DOMAIN, key="offer", agent=APP)
    assert (click["clickId"], click["partner"]["id"]) == ("", "pn_1")
    assert await api.post("visit", domain=DOMAIN, url=f"https://{DOMAIN}/offer", agent=BOT) == {"clickId": ""}
    opened = await api.post("open", deepLink=f"https://{DOMAIN}/offer", agent=BOT)
    assert (opened["clickId"], opened["link"]["id"]) == (None, "link_offer")
    assert api.world.events == []


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("click", {"domain": DOMAIN, "key": "nobody"}),
    ("visit", {"domain": DOMAIN, "url": "https://acme.example/nobody"}),
    ("visit", {"domain": DOMAIN, "url": "https://["}),
    ("open", {"deepLink": f"https://{DOMAIN}/nobody"}),
]
TOLD = [
    f"Link not found for domain: {DOMAIN} and key: nobody.",
    f"Link not found for domain: {DOMAIN} and key: nobody.",
    f"Link not found for domain: {DOMAIN} and key: .",
    f"Deep link not found: https://{DOMAIN}/nobody",
]


@pytest.mark.parametrize(
    ("what", "body", "told"), [(*call, told) for call, told in zip(CALLS, TOLD, strict=True)]
)
async def test_a_link_that_is_not_there(what: str, body: dict[str, Any], told: str) -> None:
    api = Api(World(tracked()))
    with pytest.raises(ApiError) as error:
        await api.post(what, **body)
    assert (error.value.code, error.value.message) == (Code.NOT_FOUND, told)
    assert api.pages.asked == ["acme"]


@pytest.mark.parametrize(
    "domain", ["evil.example", f"evil-{DOMAIN}", f"{DOMAIN}.evil.example", "", "..", "[", "a b"]
)
async def test_a_domain_that_is_nobodys(domain: str) -> None:
    api = Api(World(tracked()))
    with pytest.raises(ApiError, match="Link not found for domain: "):
        await api.post("click", domain=domain, key="offer")
    assert api.pages.asked == ["anybody"]


@pytest.mark.parametrize(("what", "body"), CALLS)
async def test_pages_of_others_learn_nothing(what: str, body: dict[str, Any]) -> None:
    api = Api(World(tracked(), tracked("nobody")))
    api.pages.refusing = True
    with pytest.raises(ApiError) as error:
        await api.post(what, **body)
    assert error.value.code is Code.FORBIDDEN
    assert api.world.events == []


@pytest.mark.parametrize("fields", [{"disabled_at": 1}, {"expires_at": 1}, {"workspace_id": "globex"}])
async def test_a_link_that_is_not_in_use(fields: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="Link not found for domain: "):
        await Api(World(tracked(**fields))).post("click", domain=DOMAIN, key="offer")


async def test_what_is_told_again_after_a_failure_is_recorded_then() -> None:
    api = Api(World(tracked()))
    api.world.publisher.away = True
    with pytest.raises(TryAgain):
        await api.post("click", domain=DOMAIN, key="offer")
    api.world.publisher.away = False
    answer = await api.post("click", domain=DOMAIN, key="offer")
    assert [answer["clickId"]] == [one["clickId"] for one in api.world.events]


async def test_what_is_told_twice_at_once_is_recorded_once_and_answered_when_it_is() -> None:
    api = Api(World(tracked()))
    api.world.publisher.pause = asyncio.Event()
    calls = [asyncio.create_task(api.post("click", domain=DOMAIN, key="offer")) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not any(one.done() for one in calls)
    calls[0].cancel()
    api.world.publisher.pause.set()
    second, third = await calls[1], await calls[2]
    assert second == third == {"clickId": api.world.events[0]["clickId"]}
    assert len(api.world.events) == 1


async def test_what_fails_fails_for_all_who_wait() -> None:
    api = Api(World(tracked()))
    api.world.publisher.pause, api.world.publisher.away = asyncio.Event(), True
    calls = asyncio.gather(
        *(api.post("click", domain=DOMAIN, key="offer") for _ in range(2)), return_exceptions=True
    )
    await asyncio.sleep(0)
    api.world.publisher.pause.set()
    assert [type(one) for one in await calls] == [TryAgain, TryAgain]
