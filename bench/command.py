"""``leadstream bench``: loaded by the command line like its own, which knows nothing else of a bench."""

import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from processors.cli.lazy import Lazy, LazyGroup
from processors.cli.parameters import KAFKA, PathType
from processors.errors import CheckFailed, Unavailable
from processors.printable import styled
from processors.settings import PREFIX
from processors.terminal.lines import say, say_lines

if TYPE_CHECKING:
    from bench.contestants import Contestant
    from bench.parts import Part
    from bench.plan import Step
    from bench.report import Results

PARTITIONS = 8

# Known without importing the bench; a test holds them against it.
WORKLOADS = ("w1", "w1-long", "w2", "w2-core")
MEASURES = ("throughput", "latency", "recovery", "sink")
CONTESTANTS = (
    "leadstream",
    "leadstream-compiled",
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
PARTS = {
    "expiry": Lazy("bench.subcommands:expiry", "What it costs a worker that time passes."),
    "rewards": Lazy("bench.subcommands:rewards", "CPU of the ledger of rewards for each lead."),
    "ledger": Lazy("bench.subcommands:ledger", "The same on Kafka: CPU, and time to its reward."),
    "gateway": Lazy("bench.subcommands:gateway", "CPU of a call, and how long its caller waits."),
    "analytics": Lazy("bench.subcommands:analytics", "What questions to ClickHouse take."),
    "stages": Lazy("bench.subcommands:stages", "Where the CPU time of a worker goes."),
}


@click.group(cls=LazyGroup, lazy=PARTS, reraise=True, invoke_without_command=True)
@click.option(
    "--only", multiple=True, type=click.Choice(CONTESTANTS), help="Only these contestants.  [default: all]"
)
@click.option("--workload", multiple=True, type=click.Choice(WORKLOADS), help="[default: all]")
@click.option("--measure", multiple=True, type=click.Choice(MEASURES), help="[default: all]")
@click.option(
    "--runs",
    type=click.IntRange(1),
    help="Runs of each measurement.  [default: 5 of what a goal is set for, 3 of other throughputs, 1 of all"
    " that takes longer; 1 if quick]",
)
@click.option(
    "--events", type=click.IntRange(1_000), help="Events of w2.  [default: 200,000; 10,000 if quick]"
)
@click.option(
    "--customers", type=click.IntRange(500), help="Customers of w1.  [default: 150,000; 5,000 if quick]"
)
@click.option("--rate", multiple=True, type=click.IntRange(1), help="Events per second of latencies.")
@click.option("--seconds", type=click.IntRange(5), help="How long a rate is kept.  [default: 15; 5 if quick]")
@click.option(
    "--python",
    type=PathType(exists=True, dir_okay=False),
    help="Run every contestant in Python on this one, such as /usr/bin/python3.  [default: ours]",
)
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
@click.pass_context
def bench(
    context: click.Context,
    only: tuple[str, ...],
    workload: tuple[str, ...],
    measure: tuple[str, ...],
    runs: int | None,
    events: int | None,
    customers: int | None,
    rate: tuple[int, ...],
    seconds: int | None,
    python: Path | None,
    quick: bool,
    kafka: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Measure Leadstream on real servers, beside others who do the same work.

    Without a command: all contestants on all workloads, then each of the commands below but stages, in forty
    minutes on two cores. With --only, --workload or --measure: just these contestants, workloads
    and measures. With a command: that part alone, as large as its own options say.

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
      leadstream bench --only leadstream --only leadstream-compiled --workload w2 --python /usr/bin/python3
      leadstream bench gateway --calls 15000 --seconds 8

    Writes results.json (every run), results.md (medians), results.svg and the logs of all to --out; Ctrl-C
    keeps what there is. Starts a Kafka of its own, with nothing else on it, unless --kafka names one.
    Measures the defaults: LEADSTREAM_* does not count. Peers are installed on first use, apart from our own
    environment; Kafka Streams needs Maven, leadstream-compiled a C compiler. Linux only.

    Exit codes: 0 done, 1 a contestant died or its leads were wrong, 69 no broker, 130 interrupted.
    """
    # The defaults are measured, in the children as well.
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    if context.invoked_subcommand is not None:
        _only_the_part(context)
        return
    if sys.platform != "linux":
        raise Unavailable("CPU and memory of other processes are read from Linux's accounting", "Use Linux.")
    from bench.environments import OURS
    from bench.parts import PARTS
    from bench.plan import FULL, QUICK, steps
    from bench.report import Results, write

    sizes = QUICK if quick else FULL
    sizes = replace(
        sizes,
        goal_runs=runs or sizes.goal_runs,
        runs=runs or sizes.runs,
        dear_runs=runs or sizes.dear_runs,
        events=events or sizes.events,
        customers=customers or sizes.customers,
        seconds=seconds or sizes.seconds,
        rates=rate or sizes.rates,
        own_rates=() if rate else sizes.own_rates,
    )
    where = str(python or OURS)
    contestants = _prepared(only, where)
    todo = list(steps(contestants, workload or WORKLOADS, measure or MEASURES, sizes, named=bool(only)))
    parts = () if only or workload or measure else PARTS
    results = Results(where, sizes)
    try:
        _measure(todo, parts, quick, kafka, out, results)
    finally:
        # Whoever has waited for long and presses Ctrl-C wants to keep what there is.
        text = write(out, results, _say, as_json=as_json) if results.count else ""
    say_lines(text)
    if wrong := results.wrong():
        raise CheckFailed(f"{len(wrong)} of {results.count} do not count; {wrong[0]}")


def _only_the_part(context: click.Context) -> None:
    """Raises a usage error for options that it would not obey."""
    default = ParameterSource.DEFAULT
    given = [name for name in context.params if context.get_parameter_source(name) is not default]
    if given:
        option, part = given[0].removeprefix("as_"), context.invoked_subcommand
        raise click.UsageError(f"--{option} is not for {part}: see its own --help", context)


def _measure(
    todo: "list[Step]",
    parts: "tuple[Part, ...]",
    quick: bool,
    kafka: str | None,
    out: Path,
    results: "Results",
) -> None:
    import asyncio

    from aiokafka.errors import KafkaConnectionError

    from bench.kafka import broker
    from bench.plan import Remaining, by_measure, expected_s, minutes
    from bench.report import lines
    from bench.run import Result, run_bench
    from processors.stack.interrupt import Interrupt
    from processors.terminal.bars import Bar

    logging.getLogger().addHandler(logging.NullHandler())
    out.mkdir(parents=True, exist_ok=True)
    expected = [expected_s(step, results.sizes) for step in todo]
    expected += [part.expected_s(quick) for part in parts]
    left = Remaining(expected)
    with Interrupt(), Bar("measuring", len(expected), "runs") as bar:

        def tell(result: Result) -> None:
            results.runs.append(result)
            for line in lines(result).splitlines():
                bar.say(line)
            went_on()

        def went_on() -> None:
            left.done()
            bar.advance(1)
            bar.say(f"  {left}")

        takes = [*by_measure(todo, results.sizes), *((part.name, part.expected_s(quick)) for part in parts)]
        shares = ", ".join(f"{what} {minutes(seconds)}" for what, seconds in takes)
        bar.say(f"about {minutes(sum(expected))}: {shares}")
        if todo:
            with broker(kafka, bar.say) as bootstrap:
                try:
                    bench = run_bench(
                        bootstrap, PARTITIONS, out / "logs", todo, results.sizes, tell, results.python
                    )
                    asyncio.run(bench)
                except KafkaConnectionError as error:
                    raise Unavailable(f"no Kafka broker answers at {bootstrap}", "Is it running?") from error
        for part in parts:
            told = part.told(quick)
            results.parts[part.name] = told
            bar.say(f"{part.name}: {told.failure or 'measured'}")
            went_on()


def _prepared(only: tuple[str, ...], python: str) -> "list[Contestant]":
    """Contestants whose environments are there, or could be made. Raises ``Unavailable`` for a Python that
    does not run."""
    from bench import contestants
    from bench.environments import NotAvailable, told_of

    try:
        told_of(python)
    except NotAvailable as why:
        raise Unavailable(
            f"{python} does not run: {why}", "Name a Python of version 3.11 or later."
        ) from None
    prepared = []
    for one in contestants.CONTESTANTS:
        if only and one.name not in only:
            continue
        try:
            one.prepare(_say, python)
        except NotAvailable as why:
            say(styled(f"WITHOUT {one.title}: {why}", fg="yellow", bold=True), err=True)
        else:
            prepared.append(one)
    return prepared


def _say(text: str) -> None:
    say(text, err=True)
