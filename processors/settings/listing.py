"""Every setting, as it is shown."""

import os
from typing import Any

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from processors.clickhouse.url import HIDDEN, masked
from processors.settings import PREFIX, Settings, variable
from processors.settings.durations import is_duration, readable
from processors.settings.loading import of_running_up, source_of
from processors.settings.part import is_secret
from processors.settings.running import RunningUp


def as_written(up: RunningUp | None = None) -> Settings:
    """What stands in the environment, checked or not, or comes from ``up``: only to be shown."""
    given = {name.upper(): value for name, value in os.environ.items()}
    written = {field: given.get(variable(field)) for field in Settings.model_fields}
    found: dict[str, Any] = {
        field: SecretStr(value) if is_secret(Settings.model_fields[field]) else value
        for field, value in written.items()
        if value is not None
    }
    return Settings.model_construct(**{**of_running_up(up), **found})


def rows_of(settings: Settings, up: RunningUp | None = None) -> dict[str, dict[str, Any]]:
    """By variable: value, default, where the value comes from, and what it means. Passwords are masked."""
    return {variable(field): _row(settings, field, source_of(field, up)) for field in Settings.model_fields}


def _row(settings: Settings, field: str, source: str) -> dict[str, Any]:
    info = Settings.model_fields[field]
    default = None if info.default is PydanticUndefined else info.default
    return {
        "value": _plain(field, getattr(settings, field)),
        "default": _plain(field, default),
        "source": source,
        "description": info.description,
    }


def _plain(field: str, value: Any) -> Any:
    if isinstance(value, SecretStr):
        return masked(value.get_secret_value()) if field == "clickhouse_url" else HIDDEN
    return value if isinstance(value, (int, float, str, type(None))) else str(value)


def shown(settings: Settings, field: str) -> str:
    """The value of one setting, for people."""
    return text_of(variable(field), _plain(field, getattr(settings, field)))


def text_of(name: str, value: Any) -> str:
    """A value of these rows, for people."""
    if value is None:
        return "(none)"
    field = Settings.model_fields[name.removeprefix(PREFIX).lower()]
    if is_duration(field) and isinstance(value, int):
        return readable(value)
    return str(value) or '""'
