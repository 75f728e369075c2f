"""``leadstream up``."""

from pathlib import Path

import click
from click.core import ParameterSource

from processors.cli.loading import load_settings
from processors.cli.parameters import CLICKHOUSE_URL, KAFKA, PathType
from processors.clickhouse.url import ClickHouseUrl
from processors.settings.loading import UP_CLICKHOUSE


def _without_demo(ctx: click.Context) -> None:
    for parameter in ("demo_events", "demo_seed"):
        if ctx.get_parameter_source(parameter) is ParameterSource.COMMANDLINE:
            option = "--" + parameter.replace("_", "-")
            raise click.UsageError(f"{option} says which demo traffic is sent: say --demo, too")


@click.command()
@click.option(
    "--data",
    type=PathType(file_okay=False),
    help="Where everything is kept between runs.  [default: LEADSTREAM_DATA_DIR, .leadstream]",
)
@click.option("--kafka", metavar="HOST:PORT", type=KAFKA, help="Use this Kafka instead of the embedded one.")
@click.option(
    "--clickhouse",
    metavar="URL",
    type=CLICKHOUSE_URL,
    envvar=UP_CLICKHOUSE,
    show_envvar=True,
    help="Use this ClickHouse: http://user:password@host:port/database.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Worker processes.")
@click.option("--demo", is_flag=True, help="Send demo traffic, some of it over HTTP, and show its results.")
@click.option(
    "--demo-events", type=click.IntRange(0), default=20_000, show_default=True, help="How much demo traffic."
)
@click.option("--demo-seed", type=int, default=1, show_default=True, help="Another seed, other traffic.")
@click.pass_context
def up(
    ctx: click.Context,
    data: Path | None,
    kafka: str | None,
    clickhouse: ClickHouseUrl | None,
    workers: int,
    demo: bool,
    demo_events: int,
    demo_seed: int,
) -> None:
    """Run the whole system on this machine until Ctrl-C: Kafka, ClickHouse, workers, sink and gateway.

    Needs nothing but Python: `pip install 'leadstream[local]'` brings ClickHouse, and the first run downloads
    Kafka (44 MB); --kafka and --clickhouse need neither. Nothing listens but on 127.0.0.1. What was
    acknowledged is kept in --data; a second run goes on where the first one stopped, on the same ports, and
    the same demo traffic sent again changes nothing. Worker, sink and gateway are started again when they
    die. Kafka is at port 29092, ClickHouse at 8123, the gateway at 8787; where one is taken it is another, as
    a line says. LEADSTREAM_GATEWAY_PORT, if it is set, has to be free.

    While it runs, the other commands find it by themselves, in the directory that has .leadstream and in all
    below it; elsewhere by LEADSTREAM_DATA_DIR, or by `leadstream env`. Any number of them run beside each
    other, each on a --data of its own.

    \b
    Examples:
      leadstream up
      leadstream up --demo
      leadstream up --demo --demo-events 1000000 --workers 2 --data /tmp/big
      LEADSTREAM_UP_CLICKHOUSE=http://user:password@db:8123/leadstream leadstream up --kafka broker:9092

    When everything is there, one line says so:

    \b
      leadstream is ready: kafka=127.0.0.1:PORT clickhouse=http://… gateway=http://127.0.0.1:PORT data=DIR

    Writes to --data: kafka, clickhouse, worker-N, the logs of all in logs, and while it runs all addresses
    and the password of ClickHouse in running.json, for its user alone. LEADSTREAM_KAFKA_BOOTSTRAP and
    LEADSTREAM_CLICKHOUSE_URL are for the other commands; here --kafka and --clickhouse count. What is on a
    command line every user of the machine can read: a URL with a password goes into LEADSTREAM_UP_CLICKHOUSE.

    Exit codes: 0 stopped by Ctrl-C or SIGTERM, 69 a server could not be kept up, 73 --data is in use or not
    writable, 78 topics or tables do not fit or the servers are not installed, 130 interrupted while starting,
    143 by SIGTERM.
    """
    if not demo:
        _without_demo(ctx)
    # How one connects, as the settings say, has to fit the servers that are named here. Another `up` above
    # this directory has no say.
    named = {"kafka_bootstrap": kafka, "clickhouse_url": clickhouse and clickhouse.secret()}
    settings = load_settings(find=False, **{field: one for field, one in named.items() if one})
    from processors.cli.running import run
    from processors.stack.running import Plan
    from processors.stack.up import Demo

    plan = Plan(data or settings.data_dir, kafka, clickhouse, workers)
    ctx.exit(run(plan, settings, Demo(demo_events, demo_seed) if demo else None))
