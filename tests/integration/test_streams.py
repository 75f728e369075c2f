"""``/events/stream`` of gateways as they run in production: what ``/events`` has, within moments, once."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx
import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_port
from processors.clock import epoch_ms
from processors.gateway import listening
from schemas.topics import Topic, click_key
from tests.gateway.live.client import Client, Told
from tests.integration.gateways import WORKSPACE, Gateway, Keys, workspace
from tests.integration.stack import Stack, wait_for

pytestmark = pytest.mark.integration

BROWSERS: Final = 200
CUTS: Final = 20


@dataclass
class Two:
    """Gateways on one stack, with its worker and sink."""

    stack: Stack
    keys: Keys
    both: list[Gateway]
    metrics: int

    def client(self, gateway: Gateway, last: str = "", **query: str) -> Client:
        return Client(gateway.url, self.keys.header(), last, **query)

    def clicks(self, *names: str) -> None:
        producer = self.stack.producer()
        for name in names:
            value = {
                "type": "click",
                "workspaceId": WORKSPACE,
                "clickId": name,
                "linkId": "l1",
                "country": "DE",
                "url": "https://acme.com/?utm_source=a+b",
                "timestamp": epoch_ms(),
            }
            self.stack.send(producer, Topic.CLICKS, click_key(WORKSPACE, name), json.dumps(value).encode())
        producer.flush()

    def track(self, what: str, **body: Any) -> None:
        answer = httpx.post(f"{self.both[0].url}/track/{what}", json=body, headers=self.keys.header())
        assert answer.status_code == 200, answer.text

    def has(self, kind: str) -> bool:
        """Has the sink written one?"""
        return bool(self.stored(kind))

    def stored(self, kind: str) -> list[Mapping[str, Any]]:
        """The newest ones."""
        answer = httpx.get(f"{self.both[0].url}/events?event={kind}", headers=self.keys.header())
        assert answer.status_code == 200, answer.text
        found: list[Mapping[str, Any]] = answer.json()
        return found


@pytest.fixture(scope="module")
def two(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Two]:
    metrics = free_port()
    with Stack(kafka.bootstrap, clickhouse.url, "streams", tmp_path_factory.mktemp("streams")) as stack:
        stack.create()
        stack.worker("worker")
        stack.sink()
        keys = workspace(stack)
        one, other = Gateway(stack.service("gateway", "one")), Gateway(stack.service("gateway", "other"))
        one.start(LEADSTREAM_METRICS_PORT=str(metrics))
        other.start()
        yield Two(stack, keys, [one, other], metrics)


async def some(found: AsyncIterator[Told], count: int) -> list[Told]:
    async with asyncio.timeout(30):
        return [await anext(found) for _ in range(count)]


def without_numbers(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of its link: a stream asks no store for them."""
    link = {name: one for name, one in event["link"].items() if name not in _COUNTED}
    return {**event, "link": link}


_COUNTED: Final = {"clicks", "leads", "conversions", "sales", "saleAmount", "lastClicked"}


async def test_an_event_is_told_as_events_has_it(two: Two) -> None:
    async with two.client(two.both[0], event="composite") as found:
        await asyncio.to_thread(two.clicks, "story")
        click = (await some(found, 1))[0]
        person = {"customerExternalId": "ann", "customerName": "Ann", "customerEmail": "ann@example.com"}
        lead = {"eventName": "Sign up", "metadata": {"plan": "pro"}, "clickId": "story"}
        await asyncio.to_thread(two.track, "lead", **lead, **person)
        sale = {"amount": 1999, "currency": "eur", "invoiceId": "i1", "metadata": {"seats": 5}}
        told_lead = (await some(found, 1))[0]
        await asyncio.to_thread(two.track, "sale", customerExternalId="ann", **sale)
        told_sale = (await some(found, 1))[0]
    for kind, told in (("clicks", click), ("leads", told_lead), ("sales", told_sale)):
        await asyncio.to_thread(wait_for, partial(two.has, kind), 60, lambda: "not stored")
        assert without_numbers(told.data) == without_numbers(two.stored(kind)[0])


async def test_cut_off_again_and_again_between_two_gateways(two: Two) -> None:
    """While clicks come: each is told once, whoever is asked next."""
    names = [f"cut-{number}" for number in range(CUTS * 10)]
    had, last = list[str](), ""
    async with two.client(two.both[0], country="DE") as found:
        await asyncio.to_thread(two.clicks, "begin")
        last = (await some(found, 1))[0].id
    sending = asyncio.create_task(asyncio.to_thread(_slowly, two, names))
    for cut in range(CUTS):
        async with two.client(two.both[cut % 2], last, country="DE") as found:
            for event in await some(found, 7):
                assert event.event == "message"
                had.append(event.data["click_id"])
                last = event.id
    await sending
    async with two.client(two.both[0], last, country="DE") as found:
        had += [event.data["click_id"] for event in await some(found, len(names) - len(had))]
    assert sorted(had) == sorted(names)


def _slowly(two: Two, names: list[str]) -> None:
    for begin in range(0, len(names), 5):
        two.clicks(*names[begin : begin + 5])
        time.sleep(0.02)


async def test_many_browsers_share_one_reader(two: Two) -> None:
    names = [f"many-{number}" for number in range(50)]
    gateway = two.both[0]
    async with AsyncExitStack() as opened, httpx.AsyncClient() as client:
        found = [await opened.enter_async_context(two.client(gateway)) for _ in range(BROWSERS)]
        text = (await client.get(f"http://127.0.0.1:{two.metrics}/metrics")).text
        assert f"leadstream_gateway_streams {BROWSERS}" in text
        await asyncio.to_thread(two.clicks, *names)
        got = await asyncio.gather(*(some(one, len(names)) for one in found))
        assert {tuple(sorted(one.data["click_id"] for one in each)) for each in got} == {tuple(sorted(names))}
        # They take no place of ordinary requests.
        assert (await client.get(f"{gateway.url}/links", headers=two.keys.header())).status_code == 200


async def test_a_gateway_that_ends_lets_go_and_one_that_is_back_goes_on(two: Two) -> None:
    gateway = two.both[1]
    async with two.client(gateway) as found:
        await asyncio.to_thread(two.clicks, "before")
        before = (await some(found, 1))[0]
        began = time.monotonic()
        assert await asyncio.to_thread(gateway.service.stop) == 0
        assert time.monotonic() - began < listening._GRACE_S
        assert [one async for one in found] == []
    await asyncio.to_thread(two.clicks, "away")
    await asyncio.to_thread(gateway.start)
    async with two.client(gateway, before.id) as found:
        await asyncio.to_thread(two.clicks, "after")
        events = await some(found, 2)
    assert [one.data["click_id"] for one in events] == ["away", "after"]
