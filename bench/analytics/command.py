"""The command."""

import asyncio
import sys
import tempfile
from pathlib import Path

import click

from bench.analytics.measure import beside, merge, scatter, together, took
from bench.analytics.questions import QUESTIONS
from bench.analytics.report import heading, line, table
from bench.analytics.traffic import Traffic, fill
from bench.machine import machine
from deploy.local.clickhouse import LocalClickHouse
from processors.clickhouse.connection import connect
from processors.clickhouse.migrations import migrate

_DATABASE = "leadstream"


@click.command()
@click.option("--events", default=10_000_000, show_default=True, help="92 % clicks, 6 % leads, 2 % sales.")
@click.option("--runs", default=20, show_default=True, help="How often each question is asked.")
@click.option("--parts", default=40, show_default=True, help="Unmerged parts of the second round.")
def main(events: int, runs: int, parts: int) -> None:
    """Measure what questions about the last 90 days take, of CPU, of time, and of rows.

    Starts a ClickHouse of its own, and fills it. Asks when everything is merged, then once more with parts
    that are not, eight questions at once, and one workspace beside another. Linux only.
    """
    with (
        tempfile.TemporaryDirectory(prefix="leadstream-bench-") as directory,
        LocalClickHouse(Path(directory)) as server,
    ):
        admin = connect(server.url, database="default")
        migrate(admin, _DATABASE)
        admin.close()
        url = f"{server.url.rsplit('/', 1)[0]}/{_DATABASE}"
        client = connect(url)
        fill(client, Traffic(events))
        merge(client)
        sys.stdout.write(heading(machine(), events, runs))
        merged = [took(client, server.pid, one, runs) for one in QUESTIONS]
        sys.stdout.write(table("everything merged", merged))
        sys.stdout.write(line("eight at once, the last answer", together(url, runs)))
        alone, beside_another = asyncio.run(beside(url, 5 * runs))
        sys.stdout.write(line("a small workspace alone", alone))
        sys.stdout.write(line("a small workspace while the largest asks without end", beside_another))
        scatter(client, parts)
        sys.stdout.write(
            table(f"{parts} unmerged parts", [took(client, server.pid, one, runs) for one in QUESTIONS])
        )
        client.close()
