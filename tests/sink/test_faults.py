"""What the sink survives, and how it ends when it cannot go on."""

import asyncio
import signal
import uuid
from pathlib import Path

import pytest

from deploy.local.clickhouse import LocalClickHouse
from deploy.local.kafka import LocalKafka
from processors.settings import Settings
from schemas.topics import Topic
from tests.clickhouse.database import Database, fresh_database
from tests.sink.kafka_side import Deployment, clicks, deploy, leads, until, whole
from tests.sink.test_limits import ORCHESTRATORS_GRACE_S

pytestmark = pytest.mark.integration


async def test_clickhouse_dies_and_comes_back(kafka: LocalKafka, tmp_path: Path) -> None:
    with LocalClickHouse(tmp_path / "clickhouse") as server, fresh_database(server.url) as database:
        deployment = await deploy(kafka.bootstrap, database, sink_batch_rows=200)
        async with deployment.running() as sink:
            for half in ("a", "b"):
                sending = asyncio.create_task(deployment.send([*clicks(3_000, half), *leads(200)]))
                seen = sink.stats.records
                await until(lambda seen=seen: sink.stats.records > seen)  # type: ignore[misc]
                server.kill()
                await sending
                await asyncio.to_thread(server.start)
            await until(lambda: sink.stats.lag == 0 and sink.stats.records >= 6_800)
        assert whole(deployment) == {"clicks": 6_000, "leads": 200, "lead_revisions": 400}


async def test_the_broker_restarts(tmp_path: Path, database: Database) -> None:
    with LocalKafka(tmp_path / "kafka") as kafka:
        deployment = await deploy(kafka.bootstrap, database)
        async with deployment.running() as sink:
            await deployment.send(clicks(100, "a"))
            await until(lambda: sink.stats.records == 100)
            kafka.kill()
            await asyncio.to_thread(kafka.start)
            await deployment.send([*clicks(100, "b"), (Topic.LEADS, b"w:c", b"[]")])
            await until(lambda: deployment.count("clicks") == 200 and deployment.count("dead_letters") == 1)
        assert whole(deployment) == {"clicks": 200, "dead_letters": 1}


async def test_killed_sinks_lose_and_double_nothing(kafka: LocalKafka, database: Database) -> None:
    deployment = await deploy(kafka.bootstrap, database, sink_batch_rows=500)
    for round_ in range(3):
        sending = asyncio.create_task(deployment.send([*clicks(4_000, f"{round_}-"), *leads(500)]))
        sink = deployment.spawn()
        if round_ < 2:
            before = deployment.count("clicks")
            await until(lambda before=before: deployment.count("clicks") > before, 60)  # type: ignore[misc]
            sink.kill()
            sink.communicate()
            await sending
    await sending
    total = 3 * (4_000 + 2 * 500)

    async def finished() -> bool:
        assert sink.poll() is None
        return await deployment.committed() == total

    await until(finished, 60)
    sink.send_signal(signal.SIGTERM)
    _, said = await asyncio.to_thread(sink.communicate, timeout=20)
    assert sink.returncode == 0, said.decode()
    assert whole(deployment) == {"clicks": 12_000, "leads": 500, "lead_revisions": 1_000}
    assert database.rows("SELECT DISTINCT revision FROM leads") == [(2,)]


async def test_it_ends_without_a_broker_and_without_clickhouse(tmp_path: Path) -> None:
    with (
        LocalKafka(tmp_path / "kafka") as kafka,
        LocalClickHouse(tmp_path / "clickhouse") as server,
        fresh_database(server.url) as database,
    ):
        deployment = await deploy(kafka.bootstrap, database)
        sink = deployment.spawn()
        await deployment.send(clicks(10))
        await until(lambda: deployment.count("clicks") == 10)
        server.kill()
        await deployment.send(clicks(10, "more"))
        kafka.kill()
        sink.send_signal(signal.SIGTERM)
        _, said = await asyncio.to_thread(sink.communicate, timeout=ORCHESTRATORS_GRACE_S)
        assert sink.returncode == 0, said.decode()
        server.start()


async def test_a_sink_that_starts_waits_for_its_servers(tmp_path: Path) -> None:
    with (
        LocalKafka(tmp_path / "kafka") as kafka,
        LocalClickHouse(tmp_path / "clickhouse") as server,
        fresh_database(server.url) as database,
    ):
        deployment = await deploy(kafka.bootstrap, database)
        await deployment.send(clicks(10))
        kafka.kill()
        server.kill()
        sink = deployment.spawn()
        assert sink.stderr is not None
        said = iter(sink.stderr.readline, b"")
        for awaited, start in (
            (b"waiting for ClickHouse", server.start),
            (b"waiting for a Kafka", kafka.start),
        ):
            assert await asyncio.to_thread(lambda what=awaited: any(what in line for line in said))  # type: ignore[misc]
            await asyncio.to_thread(start)
        await until(lambda: deployment.count("clicks") == 10)
        sink.send_signal(signal.SIGTERM)
        await asyncio.to_thread(sink.communicate, timeout=30)
        assert sink.returncode == 0


async def test_without_a_schema_it_says_what_to_do(kafka: LocalKafka, database: Database) -> None:
    deployment = await deploy(kafka.bootstrap, database)
    database.client.command("DROP TABLE sales_raw")
    sink = deployment.spawn()
    _, said = await asyncio.to_thread(sink.communicate, timeout=30)
    assert sink.returncode == 78
    assert "sales_raw" in said.decode()
    assert "leadstream migrate" in said.decode()


async def test_without_topics_it_says_what_to_do(kafka: LocalKafka, database: Database) -> None:
    settings = Settings(kafka_bootstrap=kafka.bootstrap, topic_prefix=f"none-{uuid.uuid4().hex[:8]}.")
    sink = Deployment(settings, database).spawn()
    _, said = await asyncio.to_thread(sink.communicate, timeout=100)
    assert sink.returncode == 78, said.decode()
    assert "leadstream topics create" in said.decode()
