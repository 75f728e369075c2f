"""A gateway as it runs in production, while some attack it: others are served, and its log names nobody."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from deploy.local.ports import free_port
from processors.gateway.protocol import SEND_S
from schemas.topics import Topic
from tests.integration.gateways import (
    BROWSER,
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
from tests.integration.stack import Stack
from tests.observability.asking import ask

pytestmark = pytest.mark.integration

_EMAIL: Final = "ann@planted.example"
_PERSON: Final = {
    "eventName": "Sign Up",
    "customerExternalId": "planted-customer",
    "customerName": "Planted Ann",
    "customerEmail": _EMAIL,
}
_FORGED: Final = {"X-Forwarded-For": "8.8.8.8", "CF-IPCountry": "US", "X-Real-IP": "8.8.8.8"}
_ODD: Final = (
    b"CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n",
    b"GET http://evil.test/planted HTTP/1.1\r\nHost: go.localhost\r\n\r\n",
    b"GET //evil.test/planted HTTP/1.1\r\nHost: go.localhost\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET /\xff\xfe\x80planted HTTP/1.1\r\nHost: go.localhost\r\n\r\n",
    b"GET /a?\xff\xfe HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST /links HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST /links HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nplanted",
    b"POST /links HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nplanted",
    b"POST /links HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"POST /track/click HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03planted",
    b"\r\n\r\n\r\n",
    b"\x00" * 1_000,
)


@dataclass
class Attacked:
    """A gateway with worker and sink, and servers that may be stopped."""

    kafka: LocalKafka
    clickhouse: LocalClickHouse
    stack: Stack
    gateway: Gateway
    metrics: int
    keys: Keys
    link: str

    def log(self) -> str:
        """Of all processes."""
        return "".join(one.life() for one in self.stack.services)

    def check_log(self) -> None:
        """Lines of JSON, which name nobody and show no key."""
        text = self.log() + ask(self.metrics, "/metrics")[1]
        secrets = (self.keys.secret, self.keys.publishable, "planted", "8.8.8.8", "PlantedAgent")
        assert not [one for one in secrets if one.lower() in text.lower()]
        for line in self.gateway.service.life().splitlines():
            assert json.loads(line)["event"]
            assert line.isprintable()
        assert "a request failed" not in text
        assert "Traceback" not in text


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    directory: Path = tmp_path_factory.mktemp("attacked")
    env = {"LEADSTREAM_LOG_FORMAT": "json", "LEADSTREAM_PARTITIONS": "2"}
    with (
        LocalKafka(directory / "kafka") as kafka,
        LocalClickHouse(directory / "clickhouse") as clickhouse,
        Stack(kafka.bootstrap, clickhouse.url, "attacked", directory, **env) as stack,
    ):
        stack.create()
        stack.worker("worker")
        stack.sink()
        keys = workspace(stack, WORKSPACE, DOMAIN)
        metrics = free_port()
        (gateway,) = gateways(stack, 1, LEADSTREAM_METRICS_PORT=str(metrics))
        link = create_link(gateway, keys, domain=DOMAIN, key="spring")
        yield Attacked(kafka, clickhouse, stack, gateway, metrics, keys, link["id"])


@asynccontextmanager
async def connected(port: int, count: int, *parts: bytes) -> AsyncIterator[list[Any]]:
    """So many connections, on each of which these are sent, and nothing is read."""
    made = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    for _, writer in made:
        for part in parts:
            writer.write(part)
    try:
        yield made
    finally:
        for _, writer in made:
            writer.transport.abort()


async def trickle(made: list[Any]) -> None:
    """A byte a second, on each."""
    while True:
        for _, writer in made:
            writer.write(b" ")
        await asyncio.sleep(1)


async def pour(made: list[Any]) -> None:
    """Without end, on each."""
    part = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    while True:
        for _, writer in made:
            if not writer.is_closing():
                writer.write(part)
                with suppress(ConnectionError):
                    await writer.drain()
        await asyncio.sleep(0.01)


async def served(attacked: Attacked, seconds: float) -> list[tuple[int, float]]:
    """Statuses of others, one after the other, and how long each took."""
    found: list[tuple[int, float]] = []
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    async with httpx.AsyncClient(base_url=attacked.gateway.url, timeout=20) as client:
        while loop.time() < until:
            for method, path, headers in (
                ("GET", "/spring", {"Host": DOMAIN, "User-Agent": BROWSER}),
                ("GET", f"/links/{attacked.link}", attacked.keys.header()),
            ):
                began = loop.time()
                answer = await client.request(method, path, headers=headers)
                found.append((answer.status_code, loop.time() - began))
            await asyncio.sleep(0.02)
    return found


async def test_others_are_served_meanwhile(attacked: Attacked) -> None:
    port = attacked.gateway.port
    head = b"POST /track/click HTTP/1.1\r\nHost: x\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    ask_much = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50
    async with (
        connected(port, 400),
        connected(port, 50, b"GET / HTTP/1.1\r\nHost: x") as slow_heads,
        connected(port, 50, head + b"Content-Length: 60000\r\n\r\n{") as slow_bodies,
        connected(port, 20, chunked) as endless,
        connected(port, 50, ask_much),
        asyncio.TaskGroup() as group,
    ):
        tasks = [
            group.create_task(trickle(slow_heads)),
            group.create_task(trickle(slow_bodies)),
            group.create_task(pour(endless)),
        ]
        found = await served(attacked, SEND_S + 4)
        for one in tasks:
            one.cancel()
        assert all(writer.is_closing() for _, writer in (*slow_heads, *slow_bodies, *endless))
    assert {status for status, _ in found} == {302, 200}
    assert len(found) > 50
    # Who had waited for one of them would have waited for as long as it may take to send a request.
    assert max(seconds for _, seconds in found) < SEND_S
    attacked.check_log()


async def test_whatever_is_no_request_of_http_ends_with_its_connection(attacked: Attacked) -> None:
    for sent in _ODD:
        reader, writer = await asyncio.open_connection("127.0.0.1", attacked.gateway.port)
        writer.write(sent)
        writer.write_eof()
        try:
            async with asyncio.timeout(15):
                answer = await reader.read()
        except ConnectionError:
            answer = b""
        writer.close()
        assert not answer.startswith(b"HTTP/1.1 5"), (sent, answer)
        assert b"location: //" not in answer.lower()
        assert b"evil.test" not in answer.partition(b"\r\n\r\n")[0], (sent, answer)
    assert {status for status, _ in await served(attacked, 1)} == {302, 200}
    attacked.check_log()


def test_a_forged_address_is_not_recorded(attacked: Attacked) -> None:
    headers = {"Host": DOMAIN, "User-Agent": f"{BROWSER} PlantedAgent/1", **_FORGED}
    followed = httpx.get(f"{attacked.gateway.url}/spring", headers=headers)
    found = click_id(followed)
    clicks = [json.loads(one.value()) for one in attacked.stack.read(Topic.CLICKS)]
    (click,) = [one for one in clicks if one["clickId"] == found]
    assert not click.keys() & {"ip", "country", "city", "continent"}


async def drive(attacked: Attacked, click: str) -> set[int]:
    """All kinds of calls about a person, at once."""
    headers = {"User-Agent": f"{BROWSER} PlantedAgent/1", **_FORGED, "Cookie": "dub_id=planted"}
    secret, publishable = attacked.keys.header(), {"Authorization": f"Bearer {attacked.keys.publishable}"}
    person = {**_PERSON, "clickId": click}
    async with httpx.AsyncClient(base_url=attacked.gateway.url, headers=headers, timeout=20) as client:
        answers = await asyncio.gather(
            client.post("/track/lead", json=person, headers=secret),
            client.post("/track/lead/client", json=person, headers=publishable),
            client.post("/track/sale", json={**person, "amount": 5, "invoiceId": _EMAIL}, headers=secret),
            client.post("/track/lead", json={**person, "clickId": "PlantedNobody001"}, headers=secret),
            client.post("/track/lead", json={**_PERSON, "customerExternalId": f"x{_EMAIL}"}, headers=secret),
            client.get("/customers", params={"email": _EMAIL}, headers=secret),
            client.get("/customers", params={"search": _EMAIL}, headers=secret),
            client.get(f"/customers/ext_{_EMAIL}", headers=secret),
            client.delete(f"/customers/ext_{_EMAIL}", headers=secret),
            client.post("/links", json={"url": f"https://planted.example/{_EMAIL}"}, headers=secret),
            client.get(f"/links/ext_{_EMAIL}", headers=secret),
            client.get(f"/{_EMAIL}", headers={"Host": DOMAIN}),
            client.get(f"/spring?email={_EMAIL}", headers={"Host": DOMAIN}),
            client.post("/track/click", json={"domain": DOMAIN, "key": "spring", "referrer": _EMAIL}),
            client.get("/links", headers={"Authorization": f"Bearer {_EMAIL}{_EMAIL}"}),
        )
    statuses = {one.status_code for one in answers}
    assert 500 not in statuses
    return statuses


async def test_a_log_names_nobody_whatever_is_away(attacked: Attacked) -> None:
    """The last one here: it ends the servers."""
    click = click_id(await asyncio.to_thread(visit, attacked.gateway, "spring"))
    assert 200 in await drive(attacked, click)
    await asyncio.to_thread(attacked.stack.wait_until_processed)
    await asyncio.to_thread(attacked.clickhouse.stop)
    assert 503 in await drive(attacked, click)
    attacked.check_log()
    await asyncio.to_thread(attacked.kafka.kill)
    assert 503 in await drive(attacked, click)
    attacked.check_log()
