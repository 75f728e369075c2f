"""The sink between the real Kafka and the real ClickHouse, and what it survives."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local.kafka import LocalKafka
from processors.sink.rows import Row
from processors.sink.tables import Table
from processors.sink.writer import Poison, Writer
from schemas.headers import Header
from schemas.topics import Topic
from tests.clickhouse.database import Database
from tests.sink import records
from tests.sink.kafka_side import clicks, deploy, leads, until, whole
from tests.sink.records import T0, click

pytestmark = pytest.mark.integration


async def test_every_topic_has_its_table(kafka: LocalKafka, database: Database) -> None:
    deployment = await deploy(kafka.bootstrap, database)
    dead = records.dead_letter(b"\xff")
    await deployment.send(
        [
            *clicks(20),
            (Topic.CLICKS, b"w:bot", click("bot", bot=True)),
            (Topic.CLICKS, b"w:x", b"not json: the worker's to dead-letter"),
            *leads(5),
            (Topic.SALES, b"w:c1", records.sale("c1", "i1")),
            (Topic.CUSTOMERS, b"w:c9", records.customer("c9")),
            (Topic.CUSTOMERS, b"w:c2", records.customer("c2")),
            (Topic.CUSTOMERS, b"w:c9", None),
            (Topic.UNMATCHED, b"w:c", records.unmatched(b"{}")),
            (Topic.DEAD_LETTERS, dead.key, dead.value),
        ]
    )
    async with deployment.running() as sink:
        await until(lambda: sink.stats.records == 38)
        await until(lambda: sink.stats.lag == 0)
    expected = {"clicks": 20, "leads": 5, "lead_revisions": 10, "sales": 1, "customers": 1}
    expected |= {"unmatched": 1, "dead_letters": 1}
    assert whole(deployment) == expected
    assert database.rows("SELECT DISTINCT revision FROM leads") == [(2,)]
    assert sink.stats.rows["leads_raw"] == 10
    assert sink.stats.dead_letters == 0
    assert await deployment.committed() == 37


async def test_the_last_result_is_shown_though_the_brokers_clock_was_set_back(
    kafka: LocalKafka, database: Database
) -> None:
    """Between two lives of the sink, and by less than it took to read both."""
    deployment = await deploy(kafka.bootstrap, database)
    stamped_by_us = {"message.timestamp.type": "CreateTime", "cleanup.policy": "delete", "retention.ms": "-1"}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        names = [deployment.topic(topic) for topic in (Topic.CUSTOMERS, Topic.LEADS)]
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, stamped_by_us) for name in names]
        )
    finally:
        await admin.close()
    for life, at_ms in enumerate((T0 + 300, T0)):
        await deployment.send(
            [
                (Topic.CUSTOMERS, b"w:c", records.customer("c", leads=life)),
                (Topic.LEADS, b"w:c", records.lead("c", revision=1 + life)),
            ],
            at_ms=at_ms,
        )
        async with deployment.running() as sink:
            await until(lambda sink=sink: sink.stats.records == 2)  # type: ignore[misc]
    assert database.rows("SELECT status, leads FROM customers") == [("qualified", 1)]
    assert database.rows("SELECT revision FROM leads") == [(2,)]


async def test_a_lead_is_visible_long_before_the_interval(kafka: LocalKafka, database: Database) -> None:
    deployment = await deploy(kafka.bootstrap, database, sink_flush_interval=1_000)
    async with deployment.running() as sink:
        await deployment.send(leads(1))
        await until(lambda: sink.stats.records == 2)
        await deployment.send([(Topic.LEADS, b"w:new", records.lead("new"))])
        await until(lambda: deployment.count("leads") == 2)


async def test_poison_and_garbage_become_dead_letters_and_hold_nothing_up(
    kafka: LocalKafka, database: Database
) -> None:
    deployment = await deploy(kafka.bootstrap, database)
    too_much = records.sale("c1", "poison", amount=2**63)
    again = records.dead_letter(b"\xff" * 10)
    await deployment.send(
        [
            *((Topic.SALES, b"w:c1", records.sale("c1", f"i{number}")) for number in range(30)),
            (Topic.SALES, b"w:c1", too_much),
            *((Topic.SALES, b"w:c1", records.sale("c1", f"j{number}")) for number in range(30)),
            (Topic.LEADS, b"w:c1", b"[]"),
            (Topic.LEADS, b"w:c1", b"\xff\xfe"),
            (Topic.CUSTOMERS, b"no-colon", None),
            (Topic.DEAD_LETTERS, again.key, again.value),
        ]
    )
    async with deployment.running() as sink:
        await until(lambda: deployment.count("dead_letters") == 5)
        await until(lambda: sink.stats.lag == 0)
    assert whole(deployment) == {"sales": 60, "dead_letters": 5}
    assert sink.stats.dead_letters == 4
    dead = [one for one in await deployment.read(Topic.DEAD_LETTERS) if one.headers]
    headers = {one.value: {name: text.decode() for name, text in one.headers} for one in dead}
    assert {value: said[Header.REASON] for value, said in headers.items()} == {
        too_much: "rejected_by_clickhouse",
        b"[]": "not_an_object",
        b"\xff\xfe": "not_json",
        None: "schema_violation",
    }
    said = headers[too_much]
    assert said[Header.SOURCE_TOPIC] == deployment.topic(Topic.SALES)
    assert said[Header.SOURCE_OFFSET] == "30"
    assert (said[Header.ATTEMPT], bool(said[Header.DETAIL])) == ("1", True)
    assert await deployment.committed() == 64


class HeldWriter(Writer):
    """Stores when it is let."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.client, asyncio.Event(), lambda why: pytest.fail(why))
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def insert(self, table: Table, rows: Sequence[Row]) -> list[Poison]:
        self.asked.set()
        await self.let.wait()
        return await super().insert(table, rows)


async def test_offsets_are_committed_after_rows_and_dead_letters(
    kafka: LocalKafka, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = await deploy(kafka.bootstrap, database)
    await deployment.send(
        [
            (Topic.SALES, b"w:c1", records.sale("c1", f"i{n}", amount=2**63 if n == 3 else n))
            for n in range(10)
        ]
    )
    writer = HeldWriter(database)
    async with deployment.running(writer=writer) as sink:
        rejected, let_reject, send = asyncio.Event(), asyncio.Event(), sink._rejects.send

        async def held_send(*record: Any) -> bool:
            rejected.set()
            await let_reject.wait()
            return await send(*record)

        monkeypatch.setattr(sink._rejects, "send", held_send)
        await writer.asked.wait()
        assert await deployment.committed() == 0
        writer.let.set()
        await rejected.wait()
        assert deployment.count("sales") == 9
        assert await deployment.committed() == 0
        let_reject.set()
        await until(lambda: sink.stats.records >= 10)
        assert await deployment.committed() == 10


async def test_what_was_fetched_is_stored_before_it_ends(kafka: LocalKafka, database: Database) -> None:
    """A stop in the middle of an interval does not leave its rows for the next start."""
    deployment = await deploy(kafka.bootstrap, database, sink_flush_interval=600_000)
    await deployment.send(clicks(50))
    async with deployment.running() as sink:

        async def fetched() -> bool:
            places = sink._consumer.assignment()
            return bool(sum([await sink._consumer.position(place) for place in places]) == 50)

        await until(fetched)
        assert deployment.count("clicks") == 0
    assert deployment.count("clicks") == 50
    assert await deployment.committed() == 50
