"""What log and metrics say, whatever is sent and whatever fails: nothing of persons, no key, no click."""

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any, Final

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from processors.errors import CheckFailed
from processors.gateway.answers import TryAgain
from processors.gateway.asking import Stored
from processors.gateway.facts.older import Older
from processors.gateway.known import Uncertain
from processors.kafka.connection import NoBroker
from processors.observability.logs import configure_logs
from processors.settings import Settings
from tests.gateway.memory import Fate
from tests.gateway.security.world import (
    ACME_DOMAIN,
    AMERICAN,
    BROWSER,
    CLICK,
    CUSTOMER,
    EMAIL,
    NAME,
    PUBLISHABLE,
    SECRET,
    World,
    bearer,
    link,
)

_IP: Final = AMERICAN
_AGENT: Final = f"{BROWSER} PlantedAgent/1"
_COOKIE: Final = "PlantedCookie001"
_LINES: Final = "planted-one\r\nplanted-two\x1b[31m"
PLANTED: Final = (
    *(NAME, EMAIL, CUSTOMER, CLICK, _IP, _COOKIE, SECRET.text, PUBLISHABLE.text, "PlantedAgent"),
    *("planted", SECRET.record.hash),
)
_HEADERS: Final = {
    "user-agent": _AGENT,
    "x-forwarded-for": _IP,
    "referer": "https://planted.example/?email=ann",
    "cookie": f"dub_id_{ACME_DOMAIN}_spring={_COOKIE}",
}
_PERSON: Final = {
    "clickId": CLICK,
    "eventName": "Sign Up",
    "customerExternalId": CUSTOMER,
    "customerName": NAME,
    "customerEmail": EMAIL,
}


@pytest.fixture(params=["json", "console"])
def lines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Of the log, as a process writes it."""
    root, out = logging.getLogger(), StringIO()
    before, level = list(root.handlers), root.level
    monkeypatch.setattr("sys.stderr", out)
    monkeypatch.setattr(logging.getLogger("httpx"), "disabled", True)
    configure_logs(Settings(log_format=request.param, log_level="info"))
    yield out.getvalue
    root.handlers[:], root.level = before, level
    logging.captureWarnings(False)


async def all_kinds(world: World) -> None:
    """Of requests, with a person in every place."""
    async with world.client() as client:
        client.headers.update(_HEADERS)
        for keys in (bearer(SECRET), bearer(PUBLISHABLE), {}, {"Authorization": f"Bearer {EMAIL}"}):
            for route in world.routes:
                path = route.path.replace("{id}", f"ext_{CUSTOMER}")
                for body in (_PERSON, {**_PERSON, "amount": 1, "clickId": ""}, {EMAIL: EMAIL}, [EMAIL]):
                    await client.request(
                        route.method,
                        path,
                        headers=keys,
                        json=body,
                        params={"email": EMAIL, "search": NAME, "externalId": CUSTOMER, EMAIL: _LINES},
                    )
            for target in ("/spring", f"/{EMAIL}", f"/spring?email={EMAIL}", "/a%0d%0aplanted"):
                await client.get(target, headers={"host": ACME_DOMAIN})
            await client.request("POST", f"/{EMAIL}", headers={"host": EMAIL}, content=b"{" + EMAIL.encode())


def check(text: str) -> None:
    found = [one for one in PLANTED if one.lower() in text.lower()]
    assert not found, text[-3000:]
    for line in text.splitlines():
        assert line.isprintable()
        if text.startswith("{"):
            assert json.loads(line)["event"]


async def test_requests_that_end_well_or_are_refused(lines: Callable[[], str]) -> None:
    world = World()
    await all_kinds(world)
    check(lines())
    names = {f"{one.method} {one.path}" for one in world.routes} | {"short links", "none", "OPTIONS"}
    assert {name for name, _ in world.stats.requests} <= names
    assert set(world.stats.seconds) <= names


async def test_bugs(lines: Callable[[], str]) -> None:
    """A traceback says where, and not of whom."""
    world = World()

    async def broken(call: Any) -> None:
        try:
            raise KeyError(EMAIL, CLICK)
        except KeyError as error:
            raise RuntimeError(f"{NAME}\n{_LINES} {call.body} {dict(call.request.headers)}") from error

    for route in world.routes:
        object.__setattr__(route, "handle", broken)
    await all_kinds(world)
    assert "RuntimeError" in lines()
    assert "in broken" in lines()
    check(lines())


async def test_stores_that_are_away(lines: Callable[[], str]) -> None:
    world = World()
    world.facts.down = world.stored_away = True
    world.publisher.fates = [Fate.LOST] * 10_000
    world.store.fails = NoBroker("no broker at 127.0.0.1:9092")
    await all_kinds(world)
    world.store.fails = CheckFailed("a check failed", "mend it")
    await all_kinds(world)
    check(lines())


async def test_a_click_that_cannot_be_recorded(lines: Callable[[], str]) -> None:
    world = World()
    world.store.links.put(link(key="k" * 5_000, id="link_long"))
    async with world.client() as client:
        client.headers.update(_HEADERS)
        answer = await client.get("/" + "k" * 5_000, headers={"host": ACME_DOMAIN})
    assert answer.status_code == 302
    assert "link_long cannot be recorded" in lines()
    check(lines())


class _Failing:
    """A driver: what it raises has the address of the request, with all that was asked for."""

    settings: dict[str, object]

    async def raw_query(self, _: str, parameters: object, settings: dict[str, object], *, fmt: str) -> None:
        self.settings = settings
        raise DatabaseError(f"HTTP driver received 500 (for url http://ch:8123/?{fmt}={parameters})")

    async def query(self, _: str, parameters: object, settings: dict[str, object]) -> None:
        self.settings = settings
        raise DatabaseError(f"HTTP driver received 500 (for url http://ch:8123/?param_ids={parameters})")

    async def close(self) -> None: ...


async def test_questions_to_clickhouse(lines: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not write them into its own log, either."""
    driver = _Failing()
    older = Older(Settings(), lambda *_: None)

    async def opened(*_: object, **__: object) -> _Failing:
        return driver

    monkeypatch.setattr("processors.clickhouse.connection.open_for_loop", opened)
    for ask in (
        older.click("acme", CLICK),
        older.customer("acme", CUSTOMER),
        older.sale("acme", CUSTOMER, EMAIL),
        older.has_lead("acme", CUSTOMER, EMAIL),
    ):
        with pytest.raises(Uncertain) as uncertain:
            await ask
        check(uncertain.value.message)
        assert driver.settings["log_queries"] == 0
    await older.close()
    stored = Stored(Settings())
    with pytest.raises(TryAgain) as away:
        await stored.rows("SELECT {search:String}", {"search": EMAIL})
    await stored.aclose()
    logging.getLogger("elsewhere").error("it failed", exc_info=away.value)
    check(lines())
    check(away.value.message)


async def test_a_connection_to_clickhouse_that_is_tried_again(lines: Callable[[], str]) -> None:
    """Its address has all that was asked for, and the driver makes the library talk when it is loaded."""
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    logging.getLogger("urllib3.connectionpool").warning("Retrying: /?param_ids=%s", EMAIL)
    logging.getLogger("elsewhere").warning("something else")
    assert "something else" in lines()
    check(lines())
