"""What the sink makes of a backlog of results: rows per second into a real ClickHouse, CPU per row."""

import asyncio
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from bench.broker import Broker
from bench.builds import build_of
from bench.contestants import Contestant, Launch, product, product_settings
from bench.site import Site
from bench.throughput import OUTPUT
from bench.verdict import Found, Verdict, judge
from bench.watch import Watch
from bench.workloads import LEADS, Pipeline
from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import connect
from processors.clickhouse.migrations import migrate
from processors.clickhouse.url import ClickHouseUrl
from processors.sink.tables import TABLES
from schemas.topics import Topic

_DATABASE: Final = "leadstream"


@dataclass(frozen=True)
class SinkFigures:
    """From the first committed offsets to the last. ``verdict``: the leads in ClickHouse's view, by id and
    click."""

    rows: int
    rows_per_s: float
    cpu_us: float
    peak_rss_bytes: int
    verdict: Verdict


async def sink(broker: Broker, site: Site, contestant: Contestant, workload: Pipeline) -> SinkFigures:
    """The results are made first, by a worker. Raises ``ContestantDied``, ``LocalServerError``."""
    launch = contestant.workloads[workload.name](site)
    await broker.create({site.names[LEADS]: OUTPUT, **launch.topics})
    async with Watch(broker, site, launch) as watch:
        await watch.until(workload.events, len(workload.leads()))
        await watch.stop()
    stored: dict[str, str] = {table.topic: f"{site.run}.{table.topic}" for table in TABLES}
    rows = 0
    for topic in stored.values():
        rows += len(await broker.records(topic))
    home = site.directory / "state-clickhouse"
    server = LocalClickHouse(home, databases=_DATABASE)
    await asyncio.to_thread(server.start)
    try:
        return await _measure(broker, site, server, stored, rows, workload)
    finally:
        await asyncio.to_thread(server.stop)
        shutil.rmtree(home)


async def _measure(
    broker: Broker,
    site: Site,
    server: LocalClickHouse,
    stored: dict[str, str],
    rows: int,
    workload: Pipeline,
) -> SinkFigures:
    url = ClickHouseUrl.parse(server.url).naming(_DATABASE).secret()
    client = connect(url, database="default")
    try:
        migrate(client, _DATABASE)
    finally:
        client.close()
    # Watched by its own group, in its own topics; nothing is written to the topic of leads any more.
    names = {**stored, "leads-input": stored[Topic.LEADS]}
    watched = replace(site, names=names)
    settings = product_settings(site)
    command = product(
        site,
        build_of(site.python, compiled=False),
        "processors.cli.main",
        "sink",
        LEADSTREAM_KAFKA_BOOTSTRAP=site.bootstrap,
        LEADSTREAM_CLICKHOUSE_URL=url,
        LEADSTREAM_TOPIC_PREFIX=settings.topic_prefix,
    )
    async with Watch(broker, watched, Launch([command], settings.full_sink_group), reading=False) as watch:
        samples = await watch.until(rows, 0)
        peak = watch.peak_rss_bytes()
        await watch.stop()
    first, last = next(one for one in samples if one.committed), samples[-1]
    share = 1 - first.committed / last.committed
    return SinkFigures(
        rows=rows,
        rows_per_s=rows * share / max(1e-9, last.at_s - first.at_s),
        cpu_us=(last.cpu_s - first.cpu_s) / max(1.0, rows * share) * 1e6,
        peak_rss_bytes=peak,
        verdict=judge(workload.clicks(), _found(url, workload)),
    )


def _found(url: str, workload: Pipeline) -> Iterable[Found]:
    client = connect(url)
    try:
        rows = client.query(
            "SELECT lead_id, click_id, workspace_id, customer_external_id FROM leads"
        ).result_rows
    finally:
        client.close()
    unsure = workload.unsure()
    return [Found(row[0], 1, row[1]) for row in rows if (row[2], row[3]) not in unsure]
