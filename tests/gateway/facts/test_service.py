"""Facts of a gateway beside worker and sink, on real servers."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.json import encode

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.clock import epoch_ms
from processors.gateway.facts import RecentAndOlder, open_facts
from processors.gateway.facts.following import BACK_MS
from processors.gateway.known import KnownCustomer, Uncertain
from processors.gateway.publishing import EventPublisher
from processors.settings import Settings
from schemas.headers import Header
from schemas.ids import lead_id
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
async def gateway(
    settings: Settings, *, back_ms: int = BACK_MS, most_visits: int = 0
) -> AsyncIterator[tuple[RecentAndOlder, EventPublisher]]:
    async with (
        open_facts(settings, NoLinks(), back_ms=back_ms, most_visits=most_visits) as facts,
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


def purchase(customer: str, amount: int) -> bytes:
    return encode(
        {
            "type": "purchase",
            "workspaceId": "acme",
            "customerExternalId": customer,
            "amount": amount,
            "invoiceId": "inv",
            "timestamp": epoch_ms(),
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


def test_the_same_is_known_from_clickhouse_as_from_memory(stack: Stack) -> None:
    async def run() -> None:
        async with gateway(stack.settings) as (facts, publish):
            await publish.publish(click("click-3", partnerId="pn_1"))
            await publish.publish(
                lead("bob", clickId="click-3", mode="deferred", customerName="Bob", customerEmail="b@b.com")
            )
            before = await facts.click("acme", "click-3"), await facts.customer("acme", "bob")
        await asyncio.to_thread(stack.wait_until_processed)
        async with gateway(stack.settings, back_ms=0) as (facts, _):
            assert facts.memory.recent.size == 0
            assert (await facts.click("acme", "click-3"), await facts.customer("acme", "bob")) == before

    asyncio.run(run())


def test_a_sale_is_the_one_that_came_first_and_a_lead_is_waited_for(stack: Stack) -> None:
    async def run() -> None:
        async with gateway(stack.settings) as (facts, publish):
            await publish.publish(click("click-4"))
            assert await facts.sale("acme", "eve", "inv") is None
            await publish.publish(lead("eve", clickId="click-4"))
            await publish.publish(purchase("eve", 500))
            await publish.publish(purchase("eve", 900))
            async with asyncio.timeout(60):  # it waits for 2 s, and a busy machine may need longer
                while not facts.memory.recent.has_lead(lead_id("acme", "eve", "sign-up")):
                    await facts.until_in_leads("acme", "eve", "Sign up")
            before = await facts.sale("acme", "eve", "inv")
            assert before is not None
            assert before.amount == 500
        await asyncio.to_thread(stack.wait_until_processed)
        async with gateway(stack.settings) as (facts, _):
            assert await facts.sale("acme", "eve", "inv") == before

    asyncio.run(run())


def test_an_erased_customer_is_erased_for_everybody(stack: Stack) -> None:
    async def run() -> None:
        async with gateway(stack.settings) as (facts, publish), gateway(stack.settings) as (other, _):
            await publish.publish(click("click-5"))
            await publish.publish(lead("mallory", clickId="click-5"))
            await publish.publish(
                encode({"type": "erasure", "workspaceId": "acme", "customerExternalId": "mallory"})
            )
            for one in (facts, other):
                known = await one.customer("acme", "mallory", requested=True)
                assert known == KnownCustomer(erased=True)
        await asyncio.to_thread(stack.wait_until_processed)
        async with gateway(stack.settings, back_ms=0) as (facts, _):
            assert await facts.customer("acme", "mallory") == KnownCustomer(erased=True)

    asyncio.run(run())


def test_visitors_are_known_from_before_memory_begins(stack: Stack) -> None:
    async def run() -> None:
        async with gateway(stack.settings) as (_, publish):
            await publish.publish(
                click("click-7", linkId="link_7"), headers=((Header.VISITOR.value, b"somebody"),)
            )
        async with (
            gateway(stack.settings, back_ms=0, most_visits=1_000) as (facts, _),
            asyncio.timeout(60),
        ):
            while (found := facts.click_of_visitor("link_7", "somebody", epoch_ms())) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            assert found == "click-7"

    asyncio.run(run())


def test_what_neither_memory_nor_clickhouse_can_have_is_uncertain(
    kafka: LocalKafka, clickhouse: LocalClickHouse, tmp_path: Path
) -> None:
    """Worker and sink stand still, and memory begins after what was written."""
    name = f"facts{os.getpid()}-{next(_COUNT)}"

    async def run(stack: Stack) -> None:
        async with gateway(stack.settings) as (facts, publish):
            await publish.publish(click("click-6"))
            await publish.publish(lead("zoe", clickId="click-6", mode="deferred"))
        async with gateway(stack.settings, back_ms=0) as (facts, _):
            with pytest.raises(Uncertain):
                await facts.click("acme", "click-6")
            with pytest.raises(Uncertain):
                await facts.customer("acme", "zoe")
            stack.worker("worker")
            stack.sink()
            await asyncio.to_thread(stack.wait_until_processed)
            assert await facts.click("acme", "click-6") is not None
            assert await facts.customer("acme", "zoe") is not None
            assert await certain(facts, "nobody") is None

    with Stack(kafka.bootstrap, clickhouse.url, name, tmp_path) as stack:
        stack.create()
        asyncio.run(run(stack))
