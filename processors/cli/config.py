"""``leadstream config``."""

import json
import os
from typing import Any

import click
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from processors.cli.loading import load_settings
from processors.cli.terminal import say, say_json, styled
from processors.clickhouse.url import masked
from processors.errors import Misconfigured
from processors.settings import PREFIX, Settings, variable
from processors.settings.durations import is_duration, readable


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, by name.")
def config(as_json: bool) -> None:
    """Show every setting: its value, its default, where the value comes from, what it means.

    Settings are environment variables. Durations are written 90d, 24h, 15m, 30s or 250ms, always with their
    unit; --json has milliseconds. Passwords are never shown.

    \b
    Examples:
      leadstream config
      LEADSTREAM_HOLD=2h leadstream config
      leadstream config --json | jq .LEADSTREAM_KAFKA_BOOTSTRAP.value

    Reads the environment only. Exit codes: 0, or 78 when a setting is wrong.
    """
    wrong: Misconfigured | None = None
    try:
        settings = load_settings()
    except Misconfigured as error:
        # The list is most wanted when something is wrong: show what was written, checked or not.
        settings, wrong = Settings.model_construct(**_as_written()), error
    rows = {variable(field): _row(settings, field) for field in Settings.model_fields}
    if as_json:
        say_json(json.dumps(rows, indent=2))
    else:
        _show(rows)
    if wrong is not None:
        raise wrong


def _as_written() -> dict[str, Any]:
    given = {name.upper(): value for name, value in os.environ.items()}
    written = {field: given.get(variable(field)) for field in Settings.model_fields}
    return {
        field: SecretStr(value) if Settings.model_fields[field].annotation is SecretStr else value
        for field, value in written.items()
        if value is not None
    }


def _row(settings: Settings, field: str) -> dict[str, Any]:
    info = Settings.model_fields[field]
    default = None if info.default is PydanticUndefined else info.default
    set_by_env = any(name.upper() == variable(field) for name in os.environ)
    return {
        "value": _plain(getattr(settings, field)),
        "default": _plain(default),
        "source": "environment" if set_by_env else "default",
        "description": info.description,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return masked(value.get_secret_value())
    return value if isinstance(value, (int, float, str, type(None))) else str(value)


def _show(rows: dict[str, dict[str, Any]]) -> None:
    names = max(map(len, rows))
    for name, row in rows.items():
        given = row["source"] != "default"
        value, default = (_text(name, row[column]) for column in ("value", "default"))
        origin = f"{row['source']}; default {default}" if given else "default"
        say(styled(name.ljust(names), bold=given), f"  {value}  ({origin})")
        say(styled(f"    {row['description']}", dim=True))


def _text(name: str, value: Any) -> str:
    if value is None:
        return "(none)"
    field = Settings.model_fields[name.removeprefix(PREFIX).lower()]
    if is_duration(field) and isinstance(value, int):
        return readable(value)
    return str(value) or '""'
