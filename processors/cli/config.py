"""``leadstream config``."""

import json
from typing import Any

import click

from processors.cli.loading import load_settings
from processors.errors import Misconfigured
from processors.printable import styled
from processors.settings.listing import as_written, rows_of, text_of
from processors.settings.loading import DEFAULT
from processors.settings.running import running_up
from processors.terminal.lines import say, say_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, by name.")
def config(as_json: bool) -> None:
    """Show every setting: its value, its default, where the value comes from, what it means.

    Settings are environment variables. Where one is not set, the addresses, and what a whole system has to
    agree on, are those of the `leadstream up` that runs in this directory or above it: `running up`.
    Durations are written 90d, 24h, 15m, 30s or 250ms, always with their unit; --json has milliseconds.
    Passwords are never shown.

    \b
    Examples:
      leadstream config
      LEADSTREAM_HOLD=2h leadstream config
      leadstream config --json | jq .LEADSTREAM_KAFKA_BOOTSTRAP.value

    Reads the environment, and running.json of that `up`. Exit codes: 0, or 78 when a setting is wrong.
    """
    wrong: Misconfigured | None = None
    up = running_up()
    try:
        settings = load_settings()
    except Misconfigured as error:
        # The list is most wanted when something is wrong: show what was written, checked or not.
        settings, wrong = as_written(up), error
    rows = rows_of(settings, up)
    if as_json:
        # A path need not be UTF-8, which orjson insists on.
        say_json(json.dumps(rows, indent=2))
    else:
        _show(rows)
    if wrong is not None:
        raise wrong


def _show(rows: dict[str, dict[str, Any]]) -> None:
    names = max(map(len, rows))
    for name, row in rows.items():
        given = row["source"] != DEFAULT
        value, default = (text_of(name, row[column]) for column in ("value", "default"))
        origin = f"{row['source']}; default {default}" if given else DEFAULT
        say(styled(name.ljust(names), bold=given), f"  {value}  ({origin})")
        say(styled(f"    {row['description']}", dim=True))
