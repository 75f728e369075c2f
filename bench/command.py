"""``leadstream bench``: loaded by the command line like its own, which knows nothing else of a bench."""

import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from processors.cli.parameters import KAFKA, PathType
from processors.errors import CheckFailed, Unavailable
from processors.printable import styled
from processors.settings import PREFIX
from processors.terminal.lines import say, say_lines

if TYPE_CHECKING:
    from bench.contestants import Contestant
    from bench.run import Result, Sizes, Step

PARTITIONS = 8

# Known without importing the bench; a test holds them against it.
WORKLOADS = ("w1", "w1-long", "w2", "w2-core")
MEASURES = ("throughput", "latency", "recovery", "sink")
CONTESTANTS = (
    "leadstream",
    "leadstream-2",
    "leadstream-memory",
    "streams-eos",
    "streams-alo",
    "quix-eos",
    "quix-alo",
    "bytewax",
    "confluent",
    "aiokafka",
    "faust",
)


@click.command()
@click.option(
    "--only", multiple=True, type=click.Choice(CONTESTANTS), help="Only these contestants.  [default: all]"
)
@click.option("--workload", multiple=True, type=click.Choice(WORKLOADS), help="[default: all]")
@click.option(
    "--measure",
    multiple=True,
    type=click.Choice(MEASURES),
    help="[default: everything]",
)
@click.option("--runs", type=click.IntRange(1), help="Runs of each measurement.  [default: 5; 1 if quick]")
@click.option(
    "--events", type=click.IntRange(1_000), help="Events of w2.  [default: 200,000; 10,000 if quick]"
)
@click.option(
    "--customers", type=click.IntRange(500), help="Customers of w1.  [default: 150,000; 5,000 if quick]"
)
@click.option("--rate", multiple=True, type=click.IntRange(1), help="Events per second of latencies.")
@click.option("--seconds", type=click.IntRange(5), help="How long a rate is kept.  [default: 15; 5 if quick]")
@click.option("--quick", is_flag=True, help="Small and once: does it work? The figures mean little.")
@click.option("--kafka", metavar="HOST:PORT", type=KAFKA, help="Use this broker instead of an embedded one.")
@click.option(
    "--out",
    type=PathType(file_okay=False),
    default="bench-results",
    show_default=True,
    help="Where results and logs are written.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def bench(
    only: tuple[str, ...],
    workload: tuple[str, ...],
    measure: tuple[str, ...],
    runs: int | None,
    events: int | None,
    customers: int | None,
    rate: tuple[int, ...],
    seconds: int | None,
    quick: bool,
    kafka: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Measure Leadstream on a real broker, beside others who do the same work.

    \b
    Workloads
      w1       the customer join alone, which every contestant can do
      w1-long  the same for long enough that a compiler has learnt all it can (Java)
      w2       the whole pipeline: 100 clicks to 12 deferred leads to 6 qualifications to 2 purchases
      w2-core  the same without purchases, and only leads come out: what peers can be held to

    The leads of every run are held against what has to come out: a run that loses, doubles or changes one
    does not count. Figures of one run compare with each other, not with those of another machine or day.

    \b
    Examples:
      leadstream bench --quick
      leadstream bench --only leadstream --workload w2 --measure throughput
      leadstream bench --only leadstream --measure latency --rate 2000

    Writes results.json (every run), results.md (medians), results.svg and the logs of all to --out. Starts a
    Kafka of its own, with nothing else on it, unless --kafka names one. Measures the defaults: LEADSTREAM_*
    does not count. Peers are installed on first use, apart from our own environment; Kafka Streams needs
    Maven. All of it takes hours. Linux only.

    Exit codes: 0 done, 1 a contestant died or its leads were wrong, 69 no broker, 130 interrupted.
    """
    if sys.platform != "linux":
        raise Unavailable("CPU and memory of other processes are read from Linux's accounting", "Use Linux.")
    from bench.report import write
    from bench.run import FULL, QUICK, steps

    sizes = QUICK if quick else FULL
    sizes = replace(
        sizes,
        runs=runs or sizes.runs,
        events=events or sizes.events,
        customers=customers or sizes.customers,
        seconds=seconds or sizes.seconds,
        rates=rate or sizes.rates,
    )
    todo = list(steps(_prepared(only), workload or WORKLOADS, measure or MEASURES, sizes))
    results: list[Result] = []
    try:
        _measure(todo, sizes, kafka, out, results)
    finally:
        # Whoever has waited for hours and presses Ctrl-C wants to keep what there is.
        text = write(out, results, sizes, _say, as_json=as_json) if results else ""
    say_lines(text)
    wrong = [result for result in results if not result.counts]
    if wrong:
        first = wrong[0]
        raise CheckFailed(
            f"{len(wrong)} of {len(results)} runs do not count; {first.step}:"
            f" {first.failure or (first.figures and first.figures.verdict)}"
        )


def _measure(
    todo: "list[Step]", sizes: "Sizes", kafka: str | None, out: Path, results: "list[Result]"
) -> None:
    import asyncio

    from aiokafka.errors import KafkaConnectionError

    from bench.kafka import broker
    from bench.report import lines
    from bench.run import run_bench
    from processors.stack.interrupt import Interrupt
    from processors.terminal.bars import Bar

    logging.getLogger().addHandler(logging.NullHandler())
    # The defaults are measured, in the children as well.
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    out.mkdir(parents=True, exist_ok=True)
    with Interrupt(), Bar("measuring", len(todo), "runs") as bar, broker(kafka, bar.say) as bootstrap:

        def tell(result: "Result") -> None:
            results.append(result)
            bar.advance(1)
            for line in lines(result).splitlines():
                bar.say(line)

        try:
            asyncio.run(run_bench(bootstrap, PARTITIONS, out / "logs", todo, sizes, tell))
        except KafkaConnectionError as error:
            raise Unavailable(f"no Kafka broker answers at {bootstrap}", "Is it running?") from error


def _prepared(only: tuple[str, ...]) -> "list[Contestant]":
    """Contestants whose environments are there, or could be made."""
    from bench import contestants
    from bench.environments import NotAvailable

    prepared = []
    for one in contestants.CONTESTANTS:
        if only and one.name not in only:
            continue
        try:
            one.prepare(_say)
        except NotAvailable as why:
            say(styled(f"WITHOUT {one.title}: {why}", fg="yellow", bold=True), err=True)
        else:
            prepared.append(one)
    return prepared


def _say(text: str) -> None:
    say(text, err=True)
