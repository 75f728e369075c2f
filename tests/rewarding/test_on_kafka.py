"""The ledger of rewards on a real Kafka: policies written and followed, and a process that is killed."""

import asyncio
import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.json import Decoder

from deploy.local.kafka import LocalKafka
from processors.audit.model.rewards import owed
from processors.cli.loading import load_settings
from processors.cli.main import cli
from processors.kafka.connecting import connection_of
from processors.kafka.lag import LagReader
from processors.kafka.reading import TopicReader
from processors.rewarding.policies import read_policies
from processors.settings import Settings
from schemas.ids import reward_id
from schemas.rewards import Reward, RewardRefusal
from schemas.topics import REWARD_INPUTS, Topic, split_key
from tests.integration.stack import Service
from tests.rewarding.world import record_of
from tests.rewards.builders import WORKSPACE, Document, Said, event, lead, policy, sale
from tests.rewards.test_properties import assert_owed

pytestmark = pytest.mark.integration

POLICY = policy(
    {"lead": {"amount": 2_500}, "sale": {"percent": 20, "months": 1}},
    {"effectiveFrom": "2026-01-11T00:00:00Z", "lead": {"amount": 1_000}, "sale": {"amount": 300}},
)
CUSTOMERS = 400
WAIT_S = 60.0


@pytest.fixture
def settings(tmp_path: Path, kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of topics of our own."""
    monkeypatch.setenv("LEADSTREAM_KAFKA_BOOTSTRAP", kafka.bootstrap)
    monkeypatch.setenv("LEADSTREAM_TOPIC_PREFIX", f"{tmp_path.name}.")
    monkeypatch.setenv("LEADSTREAM_PARTITIONS", "3")
    monkeypatch.setenv("LEADSTREAM_DATA_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("LEADSTREAM_INSTANCE_ID", "rewards-1")
    assert CliRunner().invoke(cli, ["topics", "create"]).exit_code == 0
    return load_settings()


def said(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(cli, ["rewards", *words])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def test_policies_are_written_once_and_never_changed(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(POLICY))
    assert said("policy", "set", str(file), WORKSPACE) == "w1: pg: 2 versions\n"
    assert said("policy", "set", str(file), WORKSPACE) == "w1: pg has this policy already\n"
    file.write_text(json.dumps(policy(*POLICY["versions"][:1])))
    assert "versions[1]: was published" in said("policy", "set", str(file), WORKSPACE, code=1)
    file.write_text(json.dumps(policy(*POLICY["versions"], {"effectiveFrom": "2026-02-01T00:00:00Z"})))
    assert "10 minutes from now at the earliest" in said("policy", "set", str(file), WORKSPACE, code=1)
    assert said("policy", "list").splitlines() == [
        "workspace\tprogram\tversions",
        "w1\tpg\t2000-01-01T00:00:00.000Z 2026-01-11T00:00:00.000Z",
    ]
    shown = said("policy", "show", WORKSPACE, "pg")
    file.write_text(shown)
    assert "already" in said("policy", "set", str(file), WORKSPACE)
    assert "has no policy" in said("policy", "show", WORKSPACE, "other", code=1)
    assert list(asyncio.run(read_policies(settings)).policies) == [(WORKSPACE, "pg")]


def documents_of(customer: str, draw: random.Random) -> list[Document]:
    """What happens to one: a lead that moves to another partner, sales, refunds, and what people decide."""
    partner, other = draw.sample(("pn", "p2", "p3"), 2)
    day = draw.randint(1, 20)
    found = [
        lead(day, partner=partner),
        lead(draw.randint(1, 20), "Demo", partner=partner),
        *(sale(day + number, f"i{number}", draw.randint(1, 9_999), partner=partner) for number in range(3)),
    ]
    if draw.random() < 0.5:
        found.append(lead(day - 1, partner=other, revision=2))
    for number, one in enumerate(found):
        identity = "saleId" if "saleId" in one else "leadId"
        found[number] = {
            **one,
            identity: f"{one[identity][:-8]}{int(customer):08x}",
            "customer": {"externalId": customer, "email": None},
        }
    refunded = found[2]
    found.append(event("refund", refunded["saleId"], day, f"refund of {customer}", draw.randint(1, 5_000)))
    identity = reward_id(WORKSPACE, "pg", partner, customer, draw.choice(("lead", found[3]["saleId"])))
    decided = draw.choice(("hold", "cancel", "release"))
    found.append(event(decided, identity, day, f"{decided} of {customer}"))
    return draw.sample(found, len(found))


async def write(settings: Settings, records: Iterable[tuple[str, Document]]) -> None:
    async with connection_of(settings).producer(client_id="test", linger_ms=20) as producer:
        sent = []
        for customer, document in records:
            topic, key, value, *_ = record_of(document, customer)
            name = settings.topic(Topic(topic.removeprefix("t.")))
            sent.append(await producer.send(name, value, key=key))
        await asyncio.gather(*sent)


async def until_lag(settings: Settings, enough: Callable[[int], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    async with LagReader(settings) as reader:
        while not enough(sum((await reader.lag(settings.rewards_group, REWARD_INPUTS)).values())):
            assert time.monotonic() < deadline, "the process does not get on"
            await asyncio.sleep(0.02)


async def published(settings: Settings) -> dict[str, Said]:
    """By customer, as a reader of what is committed sees it."""
    found: defaultdict[str, Said] = defaultdict(Said)
    decoders = {
        settings.topic(Topic.REWARDS): Decoder(Reward).decode,
        settings.topic(Topic.REWARD_REFUSALS): Decoder(RewardRefusal).decode,
    }
    async with TopicReader(settings) as reader:
        async for records in reader.records(await reader.spans([Topic.REWARDS, Topic.REWARD_REFUSALS])):
            for record in records:
                customer = split_key(record.key or b"")[1]
                found[customer].keep([decoders[record.topic](record.value or b"")])  # type: ignore[list-item]
    return found


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Iterator[Service]:
    """The process, of which two logs would be one."""
    service = Service(["rewards", "run"], dict(os.environ), tmp_path / "rewards.log")
    yield service
    if service.process is not None:
        service.kill()


def test_killed_three_times_it_says_what_the_model_says_and_each_revision_once(
    settings: Settings, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(POLICY))
    said("policy", "set", str(file), WORKSPACE)
    draw = random.Random(7)
    customers = {f"{number}": documents_of(f"{number}", draw) for number in range(CUSTOMERS)}
    all_of_them = [(customer, one) for customer, documents in customers.items() for one in documents]
    part = len(all_of_them) // 4
    for life in range(4):
        service.start()
        more = all_of_them[life * part : (life + 1) * part if life < 3 else None]
        asyncio.run(write(settings, more))
        if life < 3:
            asyncio.run(until_lag(settings, len(more).__gt__))
            service.kill()
    asyncio.run(until_lag(settings, (0).__eq__))
    assert service.stop() == 0, service.log.read_text()

    found = asyncio.run(published(settings))
    assert found.keys() == customers.keys()
    by_hand = {(WORKSPACE, "pg"): POLICY}
    for customer, documents in customers.items():
        results = [one for one in documents if "type" not in one]
        events = [one for one in documents if "type" in one]
        assert_owed(found[customer], owed(results, events, by_hand))
        revisions = defaultdict(list)
        for one in found[customer].rewards:
            revisions[one.reward_id].append(one)
        for rewards in revisions.values():
            assert [one.revision for one in rewards] == list(range(1, len(rewards) + 1))
            assert sum(one.delta for one in rewards) == rewards[-1].amount
