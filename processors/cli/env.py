"""``leadstream env``."""

import shlex
from pathlib import Path

import click
import orjson

from processors.cli.parameters import PathType
from processors.errors import Unavailable
from processors.settings.loading import variables_of
from processors.settings.running import RunningUp, busy_in, nearest_data, running_in
from processors.terminal.lines import say, say_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, by name.")
@click.option(
    "--data",
    type=PathType(file_okay=False),
    help="The data directory of the `up`.  [default: LEADSTREAM_DATA_DIR, .leadstream here or above]",
)
def env(as_json: bool, data: Path | None) -> None:
    """Print the addresses of the `leadstream up` that runs here, as a shell reads them.

    Commands of leadstream find it by themselves, from its directory and from every one below it. This is for
    other programs, and for other directories. The password of ClickHouse is part of it. An `up` that is
    started again on other ports has to be asked again.

    \b
    Examples:
      eval "$(leadstream env)"
      eval "$(leadstream env --data /tmp/big)"
      leadstream env --json | jq -r .LEADSTREAM_GATEWAY_URL

    \b
    LEADSTREAM_KAFKA_BOOTSTRAP  HOST:PORT of Kafka
    LEADSTREAM_CLICKHOUSE_URL   with user, password and database
    LEADSTREAM_GATEWAY_URL      for SDKs, curl and a browser; no command of leadstream reads it
    and those settings of the `up` that a whole system has to agree on, such as LEADSTREAM_TOPIC_PREFIX.

    Exit codes: 0, or 69 when nothing runs there.
    """
    variables = variables_of(_running(data or nearest_data()))
    if as_json:
        say_json(orjson.dumps(variables, option=orjson.OPT_INDENT_2))
    else:
        for name, value in variables.items():
            say(f"export {name}={shlex.quote(value)}")


def _running(data: Path | None) -> RunningUp:
    up = running_in(data) if data else None
    if up is None:
        if pid := busy_in(data):
            raise Unavailable(
                f"the `leadstream up` of process {pid} is starting or ending", "Wait for its ready line."
            )
        raise Unavailable(
            f"no `leadstream up` runs in {data or 'this directory, or above it'}",
            "Start one there, or name its data directory: leadstream env --data DIR.",
        )
    return up
