"""``leadstream bench PART``: one of the measures that have no peers, as large as one wants."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bench import ledger as ledgers
from bench import stages as stage
from bench.builds import THIS, Build, build_of, ensure_build
from bench.environments import OURS, NotAvailable
from bench.gateway.run import Plan
from bench.parts import Told, of_analytics, of_expiry, of_gateway, of_ledger, of_rewards
from processors.cli.parameters import PathType
from processors.errors import CheckFailed, Unavailable
from processors.programs import isolated
from processors.terminal.lines import say, say_lines

F = TypeVar("F", bound=Callable[..., Any])


def _sized(name: str, default: int, told: str, *, least: int = 1) -> Callable[[F], F]:
    """An option that says how much of something."""
    return click.option(name, type=click.IntRange(least), default=default, show_default=True, help=told)


def _built(command: F) -> F:
    """Options that say which Leadstream is measured."""
    on = PathType(exists=True, dir_okay=False)
    which = "Run it on this Python, such as /usr/bin/python3.  [default: ours]"
    command = click.option("--python", type=on, help=which)(command)
    kind = "Built into a wheel with compiled modules.  [default: as what runs, without --python]"
    return click.option("--compiled", is_flag=True, help=kind)(command)


def _build(python: Path | None, *, compiled: bool) -> Build:
    """Of whoever asks for none: what runs. Made if it is not there yet. Raises ``Unavailable``."""
    if python is None and not compiled:
        return THIS
    where = str(python or OURS)
    try:
        ensure_build(lambda text: say(text, err=True), where, compiled=compiled)
        return build_of(where, compiled=compiled)
    except NotAvailable as why:
        remedy = "A compiled wheel needs a C compiler, and a Python of version 3.11 or later its headers."
        raise Unavailable(f"it cannot be built: {why}", remedy) from None


@click.command()
@_sized("--calls", 60_000, "As fast as they are answered.")
@_sized("--seconds", 20, "How long the rates are kept.", least=5)
@_sized("--lead-rate", 1_500, "POST /track/lead a second.")
@_sized("--visit-rate", 500, "Visits of short links beside them.")
@_sized("--links", 100_000, "Links in the registry.")
@_sized("--followed", 100_000, "Clicks that others write.")
def gateway(calls: int, seconds: int, lead_rate: int, visit_rate: int, links: int, followed: int) -> None:
    """Measure a gateway: CPU of a call, and how long its caller waits.

    Starts a Kafka and a ClickHouse of its own. Every fifth call names a click that ClickHouse alone has. A
    call counts as answered when its event is in Kafka: that is counted afterwards, and one that is missing
    ends the command with exit code 1. Takes some minutes. Linux only.

    \b
    Example:
      leadstream bench gateway --calls 15000 --seconds 8 --links 10000 --followed 20000

    Exit codes: 0 done, 1 an event is missing or a call was refused, 70 a server or the gateway died, 130
    interrupted.
    """
    _show(of_gateway(Plan(calls, seconds, lead_rate, visit_rate, followed), links))


@click.command()
@_sized("--events", 10_000_000, "92 % clicks, 6 % leads, 2 % sales.")
@_sized("--runs", 20, "How often each question is asked.", least=2)
@_sized("--parts", 40, "Unmerged parts of the second round.")
def analytics(events: int, runs: int, parts: int) -> None:
    """Measure what questions about the last 90 days take, of CPU, of time, and of rows.

    Starts a ClickHouse of its own, and fills it. Asks when everything is merged, then once more with parts
    that are not, eight questions at once, and one workspace beside another. Takes some minutes. Linux only.

    \b
    Example:
      leadstream bench analytics --events 100000 --runs 2 --parts 3

    Exit codes: 0 done, 70 the server died, 130 interrupted.
    """
    _show(of_analytics(events, runs, parts))


@click.command()
@_sized("--leads", 20_000, "In each run.", least=1_000)
@_sized("--runs", 5, "The best of them counts.")
@_built
def rewards(leads: int, runs: int, python: Path | None, compiled: bool) -> None:
    """Measure the ledger of rewards: CPU for each lead of a new customer.

    One partition of the engine in this process, without a broker, under policies of different kinds. A lead
    without its reward ends the command with exit code 1.

    \b
    Example:
      leadstream bench rewards --leads 5000 --runs 3
      leadstream bench rewards --compiled --python /usr/bin/python3

    Exit codes: 0 done, 1 a lead without its reward, 69 it cannot be built, 130 interrupted.
    """
    build = _build(python, compiled=compiled)
    if build.path is None:
        _show(of_rewards(leads, runs))
        return
    # Measures what runs it, whatever that is.
    ours = "processors.cli.main", "bench", "rewards", "--leads", str(leads), "--runs", str(runs)
    env = {**os.environ, "PYTHONPATH": build.path}
    done = subprocess.run(isolated(*ours, python=build.python), env=env, check=False)
    raise SystemExit(done.returncode)


@click.command()
@_sized("--leads", 100_000, "Written as fast as it goes.")
@_sized("--rate", 1_000, "Leads a second that come when it is done with them.")
@_sized("--seconds", 10, "How long the rate is kept.")
@_built
def ledger(leads: int, rate: int, seconds: int, python: Path | None, compiled: bool) -> None:
    """Measure a process of the ledger of rewards: CPU of a lead, and how long it takes to its reward.

    Starts a Kafka of its own. All leads are of one partner, under a monthly cap with room for all of them but
    for half of the last one: a lead without its reward, or a minor unit too much or too little, ends the
    command with exit code 1. Leads at a rate are another partner's. Takes a minute; 1,000,000 leads, some
    minutes. Linux only.

    \b
    Example:
      leadstream bench ledger --leads 20000 --seconds 5
      leadstream bench ledger --compiled --python /usr/bin/python3

    Exit codes: 0 done, 1 rewards were wrong or the process died, 69 it cannot be built, 70 the broker died,
    130 interrupted.
    """
    _show(of_ledger(ledgers.Plan(leads, rate, seconds, _build(python, compiled=compiled))))


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(0.1),
    default=60.0,
    show_default=True,
    help="Of 5,000 clicks a second, in which a click's retention passes six times.",
)
@_sized("--pairs", 1, "Runs of each kind.")
def expiry(minutes: float, pairs: int) -> None:
    """Measure what it costs a worker that time passes.

    One process without a broker: joins and stores of a worker, under clicks that get old on a scaled clock,
    and under the same ones while nothing does. The default takes a quarter of an hour.

    \b
    Example:
      leadstream bench expiry --minutes 3 --pairs 2

    Exit codes: 0 done, 1 nothing that was too old went, 130 interrupted.
    """
    _show(of_expiry(minutes, pairs))


@click.command()
@_sized("--events", 200_000, "Of w2.", least=8_000)
def stages(events: int) -> None:
    """Measure where the CPU time of a worker goes, stage by stage.

    One process without a broker, w2, beside a reference that has nothing to do with us. Ratios to it compare
    between machines and days; times do not.

    \b
    Example:
      leadstream bench stages --events 100000

    Exit codes: 0 done, 130 interrupted.
    """
    say_lines(stage.told(events))


def _show(told: Told) -> None:
    say_lines(told.text)
    if told.failure:
        raise CheckFailed(told.failure)
