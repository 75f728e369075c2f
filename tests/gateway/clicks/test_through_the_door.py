"""Short links and pages over HTTP, on two gateways and one Kafka."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from schemas.decoding import decode_click
from schemas.topics import Topic
from tests.gateway.clicks.world import AMERICAN, CHROME, DUTCH
from tests.gateway.test_run import Serving, until_ready

pytestmark = pytest.mark.integration
DOMAIN = "go.localhost"
NO_REDIRECT = {"user-agent": CHROME, "x-forwarded-for": AMERICAN}


@pytest.fixture
def stack(kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path) -> Iterator[Serving]:
    name = f"clicks{time.time_ns() % 10**9}"
    with Serving(kafka.bootstrap, clickhouse.url, name, tmp_path, LEADSTREAM_PARTITIONS="2") as stack:
        stack.create()
        yield stack


def follow(client: httpx.Client, path: str, **headers: str) -> httpx.Response:
    return client.get(path, headers={**NO_REDIRECT, "host": DOMAIN, **headers}, follow_redirects=False)


def click_of(answer: httpx.Response) -> str:
    assert answer.status_code == 302
    found = re.search("[?&]dub_id=([A-Za-z0-9]{16})(?:[&#]|$)", answer.headers["location"])
    assert found is not None, answer.headers["location"]
    return found[1]


def test_a_visitor_comes_to_either_gateway(stack: Serving) -> None:
    keys = stack.workspace("acme", "--domain", DOMAIN)
    ports = []
    for name in ("one", "two"):
        service, port, metrics = stack.gateway(name, LEADSTREAM_TRUSTED_PROXIES="127.0.0.0/8")
        until_ready(service, metrics)
        ports.append(port)
    base = [f"http://127.0.0.1:{port}" for port in ports]
    secret = {"authorization": f"Bearer {keys['secretKey']}"}
    with httpx.Client(base_url=base[0]) as one, httpx.Client(base_url=base[1]) as two:
        link = {"url": "https://acme.example/?a=%zz#top", "key": "Über/uns", "trackConversion": True}
        one.post("/links", json=link, headers=secret).raise_for_status()
        # Made on one gateway, followed on the other at once.
        answer = follow(two, "/%C3%BCber/uns?utm_source=mail")
        click_id = click_of(answer)
        assert answer.headers["location"] == (
            f"https://acme.example/?a=%zz&utm_source=mail&dub_id={click_id}#top"
        )
        assert answer.headers["cache-control"] == "private, no-store"
        assert f"={click_id}; Path=/%C3%BCber/uns; " in answer.headers["set-cookie"]
        # When the first gateway knows the click, it knows the visitor.
        lead = {"clickId": click_id, "eventName": "Sign Up", "customerExternalId": "u1", "mode": "deferred"}
        one.post("/track/lead", json=lead, headers=secret).raise_for_status()
        assert click_of(follow(one, "/%C3%BCber/uns/")) == click_id
        told = one.post("/track/click", json={"domain": DOMAIN, "key": "über/uns"}, headers=NO_REDIRECT)
        assert told.json() == {"clickId": click_id}
        assert told.headers["access-control-allow-origin"] == "*"

        assert "dub_id" not in follow(one, "/%C3%BCber/uns", **{"user-agent": "curl/8"}).headers["location"]
        assert follow(one, "/%0d%0aX-Injected:%20y").status_code == 404
        assert one.post("/", headers={"host": DOMAIN}).status_code == 405
        two.cookies.clear()
        other = click_of(follow(two, "/%C3%BCber/uns", **{"x-forwarded-for": f"{AMERICAN}, {DUTCH}"}))
        missing = one.post("/api/track/click", json={"key": "x"})
        assert (missing.status_code, missing.json()["error"]["message"]) == (
            422,
            "invalid_type: domain: domain is required.",
        )
    check_clicks(stack, click_id, other)


def check_clicks(stack: Serving, american: str, dutch: str) -> None:
    """Each once, with a hash of its visitor, and with an address where that is allowed."""
    found: dict[str, Any] = {}
    for record in stack.read(Topic.CLICKS):
        click, _ = decode_click(record.value(), -1, time.time_ns() // 1_000_000)
        assert click.click_id not in found
        [(name, visitor)] = record.headers() or []
        found[click.click_id] = (name, len(visitor), click.country, click.ip, click.key)
    assert found == {
        american: ("visitor", 24, "US", AMERICAN, "Über/uns"),
        dutch: ("visitor", 24, "NL", None, "Über/uns"),
    }
