"""Asking, with a clock in hand."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Final

from clickhouse_connect.driver.client import Client

from bench.analytics.questions import BEGIN, GROUPED, HEAVIEST, QUESTIONS, SMALL, Question
from bench.analytics.traffic import LARGEST, SMALLER, Traffic, fill
from bench.measured import cpu_s
from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import connect
from processors.clickhouse.migrations import migrate
from processors.clickhouse.url import DEFAULT_DATABASE, ClickHouseUrl
from processors.gateway.asking import Stored
from processors.settings import Settings

Percentiles = tuple[float, float]
"""p50 and p95, ms."""
_TABLES: Final = (
    *("clicks_raw", "clicks_by_id", "clicks_by_time_raw", "leads_raw", "lead_revisions_raw"),
    *("sales_raw", "customers_raw"),
)
# Otherwise the second answer is that of the first.
_SETTINGS: Final = {"use_query_condition_cache": 0, "max_threads": 2}


@dataclass(frozen=True)
class Took:
    """``p50_ms``, ``p95_ms``: until the answer was read. ``cpu_ms``: of the server, a question."""

    name: str
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    rows_read: int


@dataclass(frozen=True)
class Figures:
    """``merged``: asked when every table is; ``scattered``: with so many more ``parts`` a month.
    ``together``: eight at once, until the last answer. A small workspace ``alone``, and ``beside`` the
    largest."""

    events: int
    runs: int
    parts: int
    merged: list[Took]
    together: Percentiles
    alone: Percentiles
    beside: Percentiles
    scattered: list[Took]


def measured(events: int, runs: int, parts: int) -> Figures:
    """On a server of its own, with so many ``events`` in it; each question ``runs`` times. Raises
    ``LocalServerError``."""
    with (
        tempfile.TemporaryDirectory(prefix="leadstream-bench-") as directory,
        LocalClickHouse(Path(directory)) as server,
    ):
        with closing(connect(server.url, database="default")) as admin:
            migrate(admin, DEFAULT_DATABASE)
        url = ClickHouseUrl.parse(server.url).naming(DEFAULT_DATABASE).secret()
        with closing(connect(url)) as client:
            fill(client, Traffic(events))
            merge(client)
            merged = [took(client, server.pid, one, runs) for one in QUESTIONS]
            at_once = together(url, runs)
            alone, beside_another = asyncio.run(beside(url, 5 * runs))
            scatter(client, parts)
            scattered = [took(client, server.pid, one, runs) for one in QUESTIONS]
    return Figures(events, runs, parts, merged, at_once, alone, beside_another, scattered)


def took(client: Client, pid: int, question: Question, runs: int) -> Took:
    """After one run that does not count. ``pid``: of the server, which has nothing else to do."""
    read = int(str(client.query(question.sql, settings=_SETTINGS).summary.get("read_rows", 0)))
    before, times = cpu_s(pid) or 0.0, list[float]()
    for _ in range(runs):
        begun = time.perf_counter()
        client.query(question.sql, settings=_SETTINGS)
        times.append(time.perf_counter() - begun)
    cpu_ms = 1000 * ((cpu_s(pid) or 0.0) - before) / runs
    return Took(question.name, *_percentiles(times), cpu_ms, read)


def together(url: str, runs: int) -> Percentiles:
    """Eight questions at once, each on its own connection: p50 and p95 in ms until the last was answered."""
    clients = [connect(url) for _ in GROUPED]
    times = list[float]()
    with ThreadPoolExecutor(len(clients)) as threads:
        for _ in range(runs):
            begun = time.perf_counter()
            asked = [
                threads.submit(one.query, question.sql, settings=_SETTINGS)
                for one, question in zip(clients, GROUPED, strict=True)
            ]
            for one in asked:
                one.result()
            times.append(time.perf_counter() - begun)
    for client in clients:
        client.close()
    return _percentiles(times)


async def beside(url: str, runs: int) -> tuple[Percentiles, Percentiles]:
    """What a small workspace waits for its newest events: alone, and while the largest asks without end for
    what costs most. Both come through what a gateway asks ClickHouse with."""
    async with aclosing(Stored(Settings.model_validate({"clickhouse_url": url}))) as stored:

        async def heaviest() -> None:
            while True:
                await stored.rows(HEAVIEST.sql, {"workspace": LARGEST})

        async def waited() -> Percentiles:
            times = list[float]()
            for _ in range(runs):
                begun = time.perf_counter()
                await stored.rows(SMALL.sql, {"workspace": SMALLER})
                times.append(time.perf_counter() - begun)
            return _percentiles(times)

        await waited()
        alone = await waited()
        greedy = asyncio.create_task(heaviest())
        try:
            return alone, await waited()
        finally:
            greedy.cancel()
            await asyncio.wait([greedy])


def merge(client: Client) -> None:
    """Every table, as it is some time after its last insert."""
    for table in _TABLES:
        client.command(f"OPTIMIZE TABLE {table} FINAL", settings={"receive_timeout": 3600})


def scatter(client: Client, parts: int) -> None:
    """So many parts a month more, of clicks of the last months that are there already."""
    client.command("SYSTEM STOP MERGES clicks_by_time_raw")
    for part in range(parts):
        client.command(
            "INSERT INTO clicks_by_time_raw SELECT * FROM clicks_by_time_raw "  # noqa: S608 - of our own
            f"WHERE timestamp >= '{BEGIN}' AND cityHash64(click_id) % 500 = {part}"
        )


def _percentiles(times: Sequence[float]) -> Percentiles:
    cuts = quantiles(times, n=100, method="inclusive")
    return 1000 * cuts[49], 1000 * cuts[94]
