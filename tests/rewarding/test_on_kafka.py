"""The ledger of rewards on a real Kafka: policies written and followed, and a process that is killed."""

import asyncio
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.json import encode

from deploy.local.kafka import LocalKafka
from processors.cli.loading import load_settings
from processors.cli.main import cli
from processors.kafka.connecting import connection_of
from processors.kafka.connection import KafkaRefused
from processors.kafka.lag import LagReader
from processors.kafka.reading import TopicReader
from processors.rewarding.policies import read_policies
from processors.rewards.facts import Change
from processors.rewards.settling import Who, refusal_of_event
from processors.settings import Settings
from schemas.topics import REWARD_INPUTS, Topic, customer_key
from tests.integration.stack import Service, wait_for
from tests.rewarding.histories import POLICY, Values, check, documents_of
from tests.rewarding.payouts import Payouts
from tests.rewarding.world import record_of
from tests.rewards.builders import T0, WORKSPACE, Document, lead, policy, sale

pytestmark = pytest.mark.integration

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


async def write(settings: Settings, records: Iterable[tuple[str, Document]]) -> None:
    async with connection_of(settings).producer(client_id="test", linger_ms=20) as producer:
        sent = []
        for customer, document in records:
            record = record_of(document, customer)
            name = settings.topic(Topic(record.topic.removeprefix("t.")))
            sent.append(await producer.send(name, record.value, key=record.key))
        await asyncio.gather(*sent)


async def until_lag(settings: Settings, enough: Callable[[int], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    async with LagReader(settings) as reader:
        while not enough(sum((await reader.lag(settings.rewards_group, REWARD_INPUTS)).values())):
            assert time.monotonic() < deadline, "the process does not get on"
            await asyncio.sleep(0.02)


def until_settled(settings: Settings) -> None:
    for _ in range(3):  # what comes of a record comes back twice: as a claim, and as a share
        asyncio.run(until_lag(settings, (0).__eq__))


async def read_all(settings: Settings, topic: Topic) -> Values:
    """As a reader of what is committed sees it."""
    async with TopicReader(settings) as reader:
        spans = await reader.spans([topic])
        return [(one.key, one.value) async for records in reader.records(spans) for one in records]


@pytest.fixture
def process(settings: Settings, tmp_path: Path) -> Iterator[Callable[[str], Service]]:
    """Makes one of this name, which is not started yet."""
    made: list[Service] = []

    def process(name: str) -> Service:
        own = {"LEADSTREAM_INSTANCE_ID": name, "LEADSTREAM_DATA_DIR": str(tmp_path / name)}
        made.append(Service(["rewards", "run"], {**os.environ, **own}, tmp_path / f"{name}.log"))
        return made[-1]

    yield process
    for one in made:
        if one.process is not None:
            one.kill()


@pytest.fixture
def service(process: Callable[[str], Service]) -> Service:
    return process("rewards-1")


def publish_policy(directory: Path) -> None:
    file = directory / "policy.json"
    file.write_text(json.dumps(POLICY))
    said("policy", "set", str(file), WORKSPACE)


def drawn(seed: int) -> tuple[dict[str, list[Document]], list[tuple[str, Document]]]:
    """What is true of each customer, and all of it in a row."""
    draw = random.Random(seed)
    customers = {f"{number}": documents_of(f"{number}", draw) for number in range(CUSTOMERS)}
    return customers, [(customer, one) for customer, documents in customers.items() for one in documents]


def test_killed_three_times_it_says_what_the_model_says_and_each_revision_once(
    settings: Settings, service: Service, tmp_path: Path
) -> None:
    publish_policy(tmp_path)
    customers, all_of_them = drawn(7)
    part = len(all_of_them) // 4
    for life in range(4):
        service.start()
        more = all_of_them[life * part : (life + 1) * part if life < 3 else None]
        asyncio.run(write(settings, more))
        if life < 3:
            asyncio.run(until_lag(settings, len(more).__gt__))
            service.kill()
    until_settled(settings)
    assert service.stop() == 0, service.log.read_text()

    check(customers, lambda topic: asyncio.run(read_all(settings, topic)))
    check_paid(settings, tmp_path)
    result = CliRunner().invoke(cli, ["audit", "--rewards"])
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{CUSTOMERS} customers, "), result.stdout


def test_from_one_to_three_and_back_one_of_them_frozen_for_longer_than_its_transaction(
    settings: Settings, process: Callable[[str], Service], tmp_path: Path
) -> None:
    """Each of the others is stopped in good order and comes back meanwhile."""
    publish_policy(tmp_path)
    customers, all_of_them = drawn(11)
    parts = iter([all_of_them[number::6] for number in range(6)])

    def ready(one: Service) -> None:
        wait_for(one.is_ready, WAIT_S, one.life)

    first, second, frozen = (process(name) for name in ("rewards-1", "rewards-2", "rewards-3"))
    asyncio.run(write(settings, next(parts)))
    for one in (first, second, frozen):
        one.start()
        ready(one)
    more = next(parts)
    asyncio.run(write(settings, more))
    asyncio.run(until_lag(settings, len(more).__gt__))
    frozen.send_signal(signal.SIGSTOP)
    asyncio.run(write(settings, next(parts)))
    until_settled(settings)  # by the others, when its session and its transaction are over
    frozen.send_signal(signal.SIGCONT)
    for one in (first, second):
        asyncio.run(write(settings, next(parts)))
        assert one.stop() == 0, one.log.read_text()
        one.start()
        ready(one)
    asyncio.run(write(settings, next(parts)))
    assert second.stop() == 0, second.log.read_text()
    assert frozen.stop() in (0, 70), frozen.log.read_text()
    until_settled(settings)
    assert first.stop() == 0, first.log.read_text()
    check(customers, lambda topic: asyncio.run(read_all(settings, topic)))


def check_paid(settings: Settings, directory: Path) -> None:
    """The job of docs/rewards.md, killed while it books, pays what is owed."""
    payouts = Payouts(directory)
    for _ in range(3):
        before = payouts.booked
        with payouts.start() as job:
            while job.poll() is None and payouts.booked == before:
                time.sleep(0.001)
            job.kill()
    payouts.run()
    paid = dict(payouts.rows("SELECT reward_id, sum(amount) FROM transfers GROUP BY 1"))
    revisions = payouts.rows("SELECT reward_id, revision FROM transfers")
    published = [json.loads(value) for _, value in asyncio.run(read_all(settings, Topic.REWARDS))]
    assert sorted(revisions) == sorted((one["rewardId"], one["revision"]) for one in published)
    for one in {one["rewardId"]: one for one in published}.values():
        amount = one["amount"]
        exactly = one["status"] in ("payable", "cancelled")
        assert paid[one["rewardId"]] == amount if exactly else 0 <= paid[one["rewardId"]] <= amount


def test_a_replay_into_a_fresh_id_makes_the_same_ledger(
    settings: Settings, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for what caps cut, which depends on who comes first."""
    publish_policy(tmp_path)
    customers, told = drawn(5)
    asyncio.run(write(settings, told[::2] + told[1::2]))
    service.start()
    until_settled(settings)
    published = [*asyncio.run(read_all(settings, Topic.REWARDS))]

    again = settings.model_copy(
        update={"rewards_id": "again", "rewards_prefix": f"{settings.topic_prefix}again."}
    )
    command = ["replay", "rewards", "--rewards-id", "again", "--json"]
    interrupt_once_begun(again, command, tmp_path)
    result = CliRunner().invoke(cli, [*command, "--apart", "--limit", "100000"])
    assert result.exit_code == 0, result.output
    assert "goes on where it was" in result.stderr
    *differences, summary = map(json.loads, result.stdout.splitlines())
    assert summary["differing"] == 0
    # Which of them, and whether any, depends on who came first.
    assert summary["customers"] + summary["apart"].get("caps, by arrival", 0) == CUSTOMERS
    assert summary["customers"] > CUSTOMERS / 2
    assert {one["apart"] for one in differences} <= {"caps, by arrival"}
    copies = [*asyncio.run(read_all(settings, Topic.REWARDS))]
    assert len(copies) == len(published), "readers got a second copy"
    check(customers, lambda topic: asyncio.run(read_all(again, topic)))
    with monkeypatch.context() as environment:
        environment.setenv("LEADSTREAM_REWARDS_ID", "again")
        environment.setenv("LEADSTREAM_REWARDS_PREFIX", again.rewards_prefix or "")
        audit = CliRunner().invoke(cli, ["audit", "--rewards"])
        assert audit.exit_code == 0, audit.output

    replayed = newest(asyncio.run(read_all(again, Topic.REWARDS)))
    # Both have it, and no cap says what a reward is before it is cut.
    key, owed = next(
        (key, one)
        for identity, (key, one) in newest(published).items()
        if one["amount"] and identity in replayed and replayed[identity][1]["amount"]
    )
    forged = {**owed, "gross": 10**9, "revision": 99}
    asyncio.run(put(settings, Topic.REWARDS, key, json.dumps(forged).encode()))
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 1, result.output
    named = [one["identity"] for one in map(json.loads, result.stdout.splitlines()) if "identity" in one]
    # Of a customer of whom something is wrong all is told that differs.
    assert forged["rewardId"] in named


def newest(published: Iterable[tuple[bytes, bytes]]) -> dict[str, tuple[bytes, Document]]:
    """The last revision of each reward, with its key, by rewardId."""
    return {
        one["rewardId"]: (key, one) for key, one in ((key, json.loads(value)) for key, value in published)
    }


def interrupt_once_begun(again: Settings, command: list[str], directory: Path) -> None:
    """Ctrl-C, when there is a first reward."""
    replay = Service(command, dict(os.environ), directory / "replay.log")
    replay.start()

    def begun() -> bool:
        replay.check_alive()
        with suppress(KafkaRefused):
            return bool(asyncio.run(read_all(again, Topic.REWARDS)))
        return False

    wait_for(begun, WAIT_S, replay.life)
    replay.send_signal(signal.SIGINT)
    assert replay.wait() == 130, replay.life()
    assert replay.life().splitlines()[-1] == "interrupted"


async def put(settings: Settings, topic: Topic, key: bytes, value: bytes) -> None:
    async with connection_of(settings).producer(client_id="test") as producer:
        await producer.send_and_wait(settings.topic(topic), value, key=key)


def explained(customer: str) -> list[Document]:
    return [json.loads(line) for line in said("explain", WORKSPACE, customer, "--json").splitlines()]


def test_what_people_say_of_rewards(settings: Settings, service: Service, tmp_path: Path) -> None:
    publish_policy(tmp_path)
    asyncio.run(write(settings, [("ann", lead(1)), ("ann", sale(2, "in_1", 10_000))]))
    service.start()
    asyncio.run(until_lag(settings, (0).__eq__))
    of_lead, of_sale = explained("ann")
    assert (of_lead["status"], of_lead["amount"], of_sale["amount"]) == ("payable", 2_500, 2_000)

    hold = ("hold", WORKSPACE, "ann", of_lead["rewardId"], "--reason", "is looked into", "--actor", "bea")
    assert said(*hold, "--event-id", "e1") == "hold said, event e1\n"
    for _ in range(2):
        said("refund", WORKSPACE, "ann", "in_1", "2500", "--event-id", "re_1")
    asyncio.run(until_lag(settings, (0).__eq__))
    of_lead, of_sale, *events = explained("ann")
    assert (of_lead["status"], of_lead["reason"]) == ("held", "held")
    assert (of_sale["amount"], of_sale["gross"], of_sale["reason"]) == (1_500, 2_000, "refunded")
    assert {one["eventId"] for one in events} == {"e1", "re_1"}

    said("release", WORKSPACE, "ann", of_lead["rewardId"])
    said("cancel", WORKSPACE, "ann", of_sale["rewardId"])
    asyncio.run(until_lag(settings, (0).__eq__))
    assert [one["status"] for one in explained("ann")[:2]] == ["payable", "cancelled"]
    lines = said("explain", WORKSPACE, "ann").splitlines()
    assert of_lead["rewardId"] in lines[0]
    assert [line.split()[1] for line in lines[2:]] == [one["kind"] for one in explained("ann")[2:]]

    asyncio.run(write(settings, [("ann", lead(1, revision=2, partner="other"))]))
    until_settled(settings)
    in_vain = refusal_of_event(Who(WORKSPACE, "ann"), Change(T0, "refund", "re_2", "sl_2", 5))
    asyncio.run(put(settings, Topic.REWARD_REFUSALS, customer_key(WORKSPACE, "ann"), encode(in_vain)))
    moved = next(one for one in explained("ann") if one.get("rewardId") == of_lead["rewardId"])
    assert (moved["status"], moved["reason"], moved["takenBack"]) == ("cancelled", "moved", 2_500)
    assert "refund, event re_2: led to nothing, no_sale" in said("explain", WORKSPACE, "ann")

    assert "no lead and no sale of customer bob" in said("explain", WORKSPACE, "bob", code=1)
    assert "rewardId: expected rw_ and 32 hex digits" in said("hold", WORKSPACE, "ann", "rw_1", code=1)
    assert service.stop() == 0, service.log.read_text()
    values = [json.loads(value) for _, value in asyncio.run(read_all(settings, Topic.REWARDS))]
    assert sorted({one["rewardId"]: one["amount"] for one in values}.values()) == [0, 0, 2_500]
