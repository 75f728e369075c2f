"""The commands against a real Kafka: what they leave there, and what they say."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from click.testing import CliRunner

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.cli.loading import load_settings
from processors.cli.main import cli
from processors.demo import generate
from processors.demo.anchor import anchor_ms
from processors.kafka.lag import LagReader
from processors.kafka.placement import partition_for
from processors.kafka.reading import TopicReader
from processors.kafka.sending import EventSender
from processors.settings import Settings
from processors.stack.demo import send_demo
from schemas.topics import EVENT_TOPICS, Topic

pytestmark = pytest.mark.integration

CLICK = {"type": "click", "workspaceId": "acme", "clickId": "c1"}
LEAD = {"type": "lead", "workspaceId": "acme", "eventName": "Sign Up", "customerExternalId": "ü 1"}


@pytest.fixture
def prefix(tmp_path: Path, kafka: LocalKafka, monkeypatch: pytest.MonkeyPatch) -> str:
    """Topics of this test's own."""
    prefix = f"{tmp_path.name}."
    monkeypatch.setenv("LEADSTREAM_KAFKA_BOOTSTRAP", kafka.bootstrap)
    monkeypatch.setenv("LEADSTREAM_TOPIC_PREFIX", prefix)
    monkeypatch.setenv("LEADSTREAM_PARTITIONS", "3")
    monkeypatch.setenv("LEADSTREAM_DATA_DIR", str(tmp_path))
    return prefix


@pytest.fixture
def topics(prefix: str, runner: CliRunner) -> str:
    assert runner.invoke(cli, ["topics", "create"]).exit_code == 0
    return prefix


async def read_all(settings: Settings, topic: Topic) -> list[ConsumerRecord]:
    """Everything in a topic, by partition and offset."""
    async with AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap) as consumer:
        places = [TopicPartition(settings.topic(topic), number) for number in range(settings.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(places)
        records: list[ConsumerRecord] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for fetched in (await consumer.getmany(timeout_ms=500)).values():
                records += fetched
    return sorted(records, key=lambda record: (record.partition, record.offset))


def test_create_and_check(prefix: str, runner: CliRunner) -> None:
    result = runner.invoke(cli, ["topics", "check"])
    assert result.exit_code == 1
    assert f"{prefix}clicks: missing\n" in result.stdout

    result = runner.invoke(cli, ["topics", "create"])
    assert result.exit_code == 0
    assert result.stdout.count("created ") == len(Topic) + 4  # changelogs

    assert runner.invoke(cli, ["topics", "create"]).stdout == "all topics are there already\n"
    result = runner.invoke(cli, ["topics", "check"])
    assert (result.exit_code, result.stdout) == (0, "all topics are right\n")


def test_a_configuration_that_differs(
    topics: str, runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSTREAM_RETENTION", "70d")
    for command in ("create", "check"):
        result = runner.invoke(cli, ["topics", command])
        assert result.exit_code == 1
        assert f"{topics}clicks: retention.ms is 2592000000, should be 6048000000\n" in result.stdout

    result = runner.invoke(cli, ["topics", "create", "--update"])
    assert result.exit_code == 0, result.output
    assert f"updated {topics}clicks\n" in result.stdout
    assert runner.invoke(cli, ["topics", "check"]).exit_code == 0


def test_partitions_are_reported_and_never_changed(
    topics: str, runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSTREAM_PARTITIONS", "4")
    for command in (["create"], ["create", "--update"], ["check"]):
        result = runner.invoke(cli, ["topics", *command])
        assert result.exit_code == 1
        assert f"{topics}leads: partitions is 3, should be 4\n" in result.stdout


def test_send_puts_each_line_where_it_belongs(topics: str, runner: CliRunner, tmp_path: Path) -> None:
    events = [CLICK, LEAD, {**LEAD, "clickId": "c1", "extra": [1, {"kept": None}]}]
    lines = [json.dumps(event, ensure_ascii=False) for event in events]
    file = tmp_path / "events.jsonl"
    file.write_text("\r\n".join([lines[0], '{"type":"click"}', *lines[1:]]))
    result = runner.invoke(cli, ["send", str(file)])
    assert result.exit_code == 1
    assert result.stdout.startswith("3 sent, 1 refused in ")
    assert "line 2: schema_violation: workspaceId: required\n" in result.stderr

    settings = load_settings()
    places = {Topic.CLICKS: "acme:c1", Topic.QUALIFICATIONS: "acme:ü 1", Topic.DEFERRED_LEADS: "acme:c1"}
    for line, (topic, key) in zip(lines, places.items(), strict=True):
        (record,) = asyncio.run(read_all(settings, topic))
        assert (record.key, record.value) == (key.encode(), line.encode())
        assert record.partition == partition_for(key.encode(), 3)
        assert record.timestamp > 1_700_000_000_000


async def test_what_is_sent_between_two_flushes_is_there_as_a_whole_or_never(topics: str) -> None:
    settings = load_settings()

    async def events() -> list[bytes | None]:
        """What a reader may see that waits for no transaction."""
        async with TopicReader(settings) as reader:
            spans = await reader.spans([Topic.CLICKS, Topic.UNMATCHED])
            return [record.value async for records in reader.records(spans) for record in records]

    async with EventSender(settings, transactional=True) as sender:
        for number in range(2):
            await sender.send(Topic.CLICKS, b"k", b"click %d" % number)
            await sender.send(Topic.UNMATCHED, b"k", b"note %d" % number)
            await sender.dispatch()
            assert len(await events()) == 2 * number
            await sender.flush()
            assert (sender.acknowledged, len(await events())) == (2 * number + 2,) * 2
    with suppress(RuntimeError):
        async with EventSender(settings, transactional=True) as sender:
            await sender.send(Topic.CLICKS, b"k", b"never")
            await sender.dispatch()
            raise RuntimeError("interrupted")
    assert sender.acknowledged == 0
    assert sorted(map(str, await events())) == ["b'click 0'", "b'click 1'", "b'note 0'", "b'note 1'"]


def test_send_to_topics_that_are_not_there(prefix: str, runner: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(CLICK))
    result = runner.invoke(cli, ["send", str(file)])
    assert result.exit_code == 78
    assert f"topic {prefix}clicks does not exist" in result.stderr
    assert "leadstream topics create" in result.stderr


async def test_the_demo_sends_the_same_events_again(topics: str, tmp_path: Path) -> None:
    settings = load_settings()
    now_ms, _ = await send_demo(settings, tmp_path, 2_000, 7, lambda _: None)
    assert (
        (await send_demo(settings, tmp_path, 2_000, 7, lambda _: None))[0] == now_ms == anchor_ms(tmp_path, 0)
    )
    expected = [event.value for event in generate(2_000, 7, now_ms)]
    sent = [record.value for topic in EVENT_TOPICS for record in await read_all(settings, topic)]
    assert sorted(sent) == sorted(expected + expected)


async def test_lag_counts_records_and_no_markers(topics: str) -> None:
    """A transactional topic ends with a marker that no reader sees: offsets differ where there is no lag."""
    settings = load_settings()
    async with (
        LagReader(settings) as reader,
        AIOKafkaProducer(
            bootstrap_servers=settings.kafka_bootstrap, transactional_id=f"{topics}lag"
        ) as producer,
    ):

        async def write(count: int) -> None:
            for number in range(count):
                await producer.send(settings.topic(Topic.LEADS), b"%d" % number, partition=1)

        assert await reader.lag(f"{topics}group", [Topic.LEADS]) == {}
        async with producer.transaction():
            await write(3)
        place = TopicPartition(settings.topic(Topic.LEADS), 1)
        assert await reader.lag(f"{topics}group", [Topic.LEADS]) == {place: 3}
        async with AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap, group_id=f"{topics}group", enable_auto_commit=False
        ) as consumer:
            consumer.assign([place])
            await consumer.commit({place: 3})
        assert (await reader.ends([Topic.LEADS]))[place] == 4
        assert await reader.lag(f"{topics}group", [Topic.LEADS]) == {}
        assert await reader.lag(f"{topics}group", [Topic.LEADS]) == {}

        await producer.begin_transaction()
        await write(2)
        await producer.flush()
        assert await reader.lag(f"{topics}group", [Topic.LEADS]) == {place: 3}, "undecided is not read"
        await producer.abort_transaction()
        assert await reader.lag(f"{topics}group", [Topic.LEADS]) == {}


def test_doctor(
    topics: str, clickhouse: LocalClickHouse, runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = topics.rstrip(".")
    url = clickhouse.url.rpartition("/")[0] + f"/{database}"
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL", url)
    result = runner.invoke(cli, ["doctor"])
    assert result.exit_code == 1
    assert "ok    Kafka " in result.stdout
    assert f"ok    topics           all {len(Topic) + 4} as they should be\n" in result.stdout
    assert "FAIL  ClickHouse " in result.stdout
    assert "leadstream migrate" in result.stdout

    migrated = runner.invoke(cli, ["migrate"])
    assert migrated.exit_code == 0, migrated.output
    assert "applied 001_" in migrated.stdout
    assert runner.invoke(cli, ["migrate"]).stdout == "up to date already\n"
    result = runner.invoke(cli, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "ok    tables           up to date\n" in result.stdout
    assert "ok    attribution      first-click, windows 90d and 365d\n" in result.stdout
    assert "ok    bad records      none of late\n" in result.stdout
    assert "FAIL" not in result.stdout

    monkeypatch.setattr("processors.clickhouse.migrations.LEAST_CLICKHOUSE", (99, 0))
    result = runner.invoke(cli, ["doctor"])
    assert result.exit_code == 1
    assert "older than 99.0" in result.stdout
    assert runner.invoke(cli, ["migrate"]).exit_code == 78


def test_doctor_says_who_is_missing(
    topics: str, runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSTREAM_CLICKHOUSE_URL", "http://127.0.0.1:1/leadstream")
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(CLICK))
    assert runner.invoke(cli, ["send", str(file)]).exit_code == 0
    result = runner.invoke(cli, ["doctor"])
    assert result.exit_code == 1
    assert "FAIL  ClickHouse " in result.stdout
    assert f"FAIL  workers          {topics}leadstream-worker: 0 running, 1 records to go\n" in result.stdout
    assert "→ Start `leadstream worker`." in result.stdout
