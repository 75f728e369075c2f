"""The command."""

import asyncio
import sys
import tempfile
from pathlib import Path

import click

from bench.gateway.place import Sizes, furnished
from bench.gateway.report import table
from bench.gateway.run import Figures, Plan, measure
from bench.machine import machine
from processors.errors import CheckFailed


@click.command()
@click.option("--calls", default=60_000, show_default=True, help="As fast as they are answered.")
@click.option("--seconds", default=20, show_default=True, help="How long the rates are kept.")
@click.option("--lead-rate", default=1_500, show_default=True, help="POST /track/lead a second.")
@click.option("--visit-rate", default=500, show_default=True, help="Visits of short links beside them.")
@click.option("--links", default=100_000, show_default=True, help="Links in the registry.")
@click.option("--followed", default=100_000, show_default=True, help="Clicks that others write.")
def main(calls: int, seconds: int, lead_rate: int, visit_rate: int, links: int, followed: int) -> None:
    """Measure a gateway: CPU of a call, and how long its caller waits.

    Starts a Kafka and a ClickHouse of its own. Every fifth call names a click that ClickHouse alone has. A
    call counts as answered when its event is in Kafka: that is counted afterwards, and one that is missing
    ends the command with exit code 1. Linux only.
    """
    plan = Plan(calls, seconds, lead_rate, visit_rate, followed)
    named = calls + calls // 10 + lead_rate * seconds
    sizes = Sizes(links, old=named // 5 + 1, recent=named * 4 // 5 + 1)
    with tempfile.TemporaryDirectory(prefix="leadstream-bench-") as directory:
        figures = asyncio.run(_run(Path(directory), sizes, plan))
    sys.stdout.write(table(figures, machine()))
    refused = sum(
        count for one in figures.rounds for status, count in one.statuses.items() if status >= "400"
    )
    if figures.lost or refused:
        raise SystemExit(str(CheckFailed(f"{figures.lost} events lost, {refused} calls refused")))


async def _run(directory: Path, sizes: Sizes, plan: Plan) -> Figures:
    async with furnished(directory, sizes) as place:
        return await measure(place, plan)
