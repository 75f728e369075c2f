"""Facts of a gateway beside worker and sink, on real servers."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from msgspec.json import encode

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clock import epoch_ms
from processors.gateway.facts import RecentAndOlder, open_facts
from processors.gateway.known import Uncertain
from processors.gateway.publishing import EventPublisher
from processors.settings import Settings
from schemas.links import Link
from tests.integration.stack import Stack

pytestmark = pytest.mark.integration
_COUNT = itertools.count()


class NoLinks:
    """A registry without any."""

    @property
    def links(self) -> "NoLinks":
        return self

    def get(self, link_id: str) -> Link | None:  # noqa: ARG002
        return None


@pytest.fixture(scope="module")
def stack(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Worker and sink are running."""
    name = f"facts{os.getpid()}-{next(_COUNT)}"
    with Stack(kafka.bootstrap, clickhouse.url, name, tmp_path_factory.mktemp(name)) as stack:
        stack.create()
        stack.worker("worker")
        stack.sink()
        yield stack


@asynccontextmanager
async def gateway(settings: Settings) -> AsyncIterator[tuple[RecentAndOlder, EventPublisher]]:
    async with (
        open_facts(settings, NoLinks()) as facts,
        EventPublisher(settings, facts.learn) as publisher,
    ):
        yield facts, publisher


def click(click_id: str, **fields: object) -> bytes:
    return encode(
        {
            "type": "click",
            "workspaceId": "acme",
            "clickId": click_id,
            "linkId": "link_1",
            "domain": "go.acme.com",
            "key": "x",
            "url": "https://acme.com",
            "timestamp": epoch_ms() - 60_000,
            **fields,
        }
    )


def lead(customer: str, **fields: object) -> bytes:
    return encode(
        {
            "type": "lead",
            "workspaceId": "acme",
            "eventName": "Sign up",
            "customerExternalId": customer,
            "timestamp": epoch_ms(),
            **fields,
        }
    )


async def certain(facts: RecentAndOlder, customer: str) -> object:
    """The customer, once the first trail was followed."""
    while True:
        try:
            return await facts.customer("acme", customer)
        except Uncertain:
            await asyncio.sleep(0.1)


def test_a_gateway_knows_at_once_what_it_and_others_were_told(stack: Stack) -> None:
    async def run() -> None:
        async with gateway(stack.settings) as (one, publish), gateway(stack.settings) as (other, _):
            await publish.publish(click("click-1"))
            assert await one.click("acme", "click-1") is not None
            found = await other.click("acme", "click-1")
            assert found is not None
            assert found.link.key == "x"
            assert found.tracked
            await publish.publish(lead("ann", clickId="click-1", mode="deferred", customerName="Ann"))
            for facts in (one, other):
                known = await facts.customer("acme", "ann")
                assert known is not None
                assert not known.requested
                assert (known.name, known.click) == ("Ann", found)
            await publish.publish(lead("ann", eventName="Qualified"))
            known = await other.customer("acme", "ann", requested=True)
            assert known is not None
            assert known.requested

    asyncio.run(run())


def test_what_is_nowhere_is_none_and_what_another_workspace_has_is_too(stack: Stack) -> None:
    async def run() -> None:
        async with gateway(stack.settings) as (facts, publish):
            await publish.publish(click("click-2"))
            await publish.publish(click("bot-2", bot=True))
            assert await facts.click("other", "click-2") is None
            assert await facts.click("acme", "nothing") is None
            assert await facts.click("acme", "bot-2") is None
            assert await certain(facts, "nobody") is None

    asyncio.run(run())


def test_the_same_is_known_from_clickhouse_as_from_memory(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with gateway(stack.settings) as (facts, publish):
            await publish.publish(click("click-3", partnerId="pn_1"))
            await publish.publish(
                lead("bob", clickId="click-3", mode="deferred", customerName="Bob", customerEmail="b@b.com")
            )
            before = await facts.click("acme", "click-3"), await facts.customer("acme", "bob")
        await asyncio.to_thread(stack.wait_until_processed)
        monkeypatch.setattr("processors.gateway.facts.following.BACK_MS", 0)
        async with gateway(stack.settings) as (facts, _):
            assert facts.memory.recent.size == 0
            assert (await facts.click("acme", "click-3"), await facts.customer("acme", "bob")) == before

    asyncio.run(run())
