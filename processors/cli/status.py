"""``leadstream status``."""

import asyncio
import sys
from collections.abc import Callable

import click
from click.core import ParameterSource

from processors.cli.loading import load_settings
from processors.errors import ExitCode, Unavailable
from processors.status.figures import Figures, exit_code
from processors.status.places import places_of
from processors.status.reading import once, watching
from processors.status.telling import document, line, screen
from processors.terminal.lines import say, say_json, say_lines
from processors.terminal.redrawn import Redrawn
from schemas.times import rfc3339


class NothingAnswers(Unavailable):
    """What is known of it is on the screen."""

    where = "kafka_bootstrap"

    def __init__(self) -> None:
        super().__init__("nothing answers")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --watch one a line.")
@click.option(
    "--watch",
    is_flag=True,
    help="Again and again until Ctrl-C or the end of `up`, drawn in place on a terminal.",
)
@click.option(
    "--every", type=click.FloatRange(0.2, 3600), default=2.0, help="Its pause in seconds.  [default: 2]"
)
@click.option("--metrics", multiple=True, metavar="URL", help="Of a process: http://host:port/metrics.")
@click.pass_context
def status(ctx: click.Context, as_json: bool, watch: bool, every: float, metrics: tuple[str, ...]) -> None:
    """Show how the system is, on one screen: what runs, how far behind, what comes in and out.

    Processes with their restarts and errors, lag of workers and sinks in records and in seconds, clicks,
    leads and sales of the last minute, customers pending, what waits for another event, the newest lead, the
    disk, the last errors. What cannot be reached is said in its line.

    A running `leadstream up` is found by itself. Elsewhere Kafka and ClickHouse are asked as the settings
    say; what processes say of themselves is read from the addresses of --metrics. Joins no consumer group,
    changes nothing.

    \b
    Examples:
      leadstream status
      leadstream status --watch
      leadstream status --json | jq .flow.stages
      leadstream status --metrics http://worker-1:9100/metrics --metrics http://sink-1:9100/metrics

    Exit codes: 0 all well, 1 something is not, 69 nothing answers or what was watched has ended, 78 a setting
    is wrong.
    """
    if not watch and ctx.get_parameter_source("every") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--every is the pause of --watch: say --watch, too")
    places = places_of(load_settings(), metrics)
    if not watch:
        figures = asyncio.run(once(places))
        if as_json:
            say_json(document(figures))
        else:
            say_lines("\n".join(screen(figures)))
        if exit_code(figures) == ExitCode.UNAVAILABLE:
            raise NothingAnswers
        ctx.exit(exit_code(figures))
    with Redrawn() as terminal:
        asyncio.run(watching(places, every, _shown(terminal, as_json)))


def _shown(terminal: Redrawn, as_json: bool) -> Callable[[Figures], None]:
    if as_json:
        return lambda figures: say_json(document(figures))
    if sys.stdout.isatty():
        return lambda figures: terminal.draw(screen(figures))
    return lambda figures: say(f"{rfc3339(figures.at_ms)[11:19]}  {line(figures, width=10_000)}")
