"""The settings of this process and where each is from, or what is wrong with them."""

import os
from difflib import get_close_matches
from typing import Any, Final

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from processors.errors import Misconfigured
from processors.settings import PREFIX, Settings, variable
from processors.settings.attribution import AttributionSettings
from processors.settings.part import file_variable, is_secret
from processors.settings.running import RunningUp

UP_CLICKHOUSE: Final = "LEADSTREAM_UP_CLICKHOUSE"
"""Another ClickHouse for ``leadstream up``: on a command line every user of the machine sees its password."""
GATEWAY_URL: Final = "LEADSTREAM_GATEWAY_URL"
"""What ``leadstream env`` calls the gateway's address: for scripts, no process of ours reads it."""
_OTHERS: Final = {"LEADSTREAM_TRACEBACK", UP_CLICKHOUSE, GATEWAY_URL}
"""Read before there are settings, or by others."""
DEFAULT: Final = "default"
RUNNING_UP: Final = "running up"
_AGREED: Final = {
    *AttributionSettings.model_fields,
    *("application_id", "rewards_id", "sink_group"),
    *("topic_prefix", "output_prefix", "rewards_prefix"),
    *("partitions", "replication", "retention"),
}
"""The settings that all processes of one system have to agree on."""
_NEAR: Final = 0.85
"""Alike, from 0 to 1: a letter or two are missing, too many, or in another place."""


def settings_of_environment(up: RunningUp | None = None, **given: Any) -> Settings:
    """The environment, and where it says nothing the ``up`` that runs here, if there is one.

    ``given``: what counts in the place of both. Raises ``Misconfigured``, which names each one that is wrong.
    """
    found = of_running_up(up)
    try:
        return Settings(**{**found, **given})
    except ValidationError as error:
        of_up = f" {variable('clickhouse_url')} is that of `leadstream up` in {up.data}." if up else ""
        raise Misconfigured(
            "; ".join(map(_complaint, error.errors())),
            "`leadstream config` lists every setting with its meaning."
            + (of_up if "clickhouse_url" in found else ""),
        ) from None


def of_running_up(up: RunningUp | None) -> dict[str, Any]:
    """By their names, the settings that are those of ``up``, because the environment does not say them.

    What a system agrees on comes along with its Kafka: of another one's topics nothing is known here.
    """
    if up is None:
        return {}
    offered: dict[str, Any] = {
        "kafka_bootstrap": up.kafka,
        "clickhouse_url": SecretStr(up.clickhouse),
        "data_dir": up.data,
    }
    if not _variable_of("kafka_bootstrap"):
        offered |= {field: text for field, text in up.settings.items() if field in _AGREED}
    return {field: value for field, value in offered.items() if not _variable_of(field)}


def agreed_on() -> dict[str, str]:
    """What the environment says of that, by the names of the settings: for an ``up`` to hand on."""
    given = {name.upper(): value for name, value in os.environ.items()}
    return {field: given[variable(field)] for field in sorted(_AGREED) if variable(field) in given}


def variables_of(up: RunningUp) -> dict[str, str]:
    """By their names, what makes any process one of the system of ``up``, wherever it is started."""
    agreed = {variable(field): text for field, text in up.settings.items() if field in _AGREED}
    return {
        variable("kafka_bootstrap"): up.kafka,
        variable("clickhouse_url"): up.clickhouse,
        GATEWAY_URL: up.gateway,
        **agreed,
    }


def environment_of(up: RunningUp | None) -> dict[str, str]:
    """The environment, and what is taken from ``up``, for a process that works in another directory."""
    texts = {
        field: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for field, value in of_running_up(up).items()
    }
    return {**os.environ, **{variable(field): text for field, text in texts.items()}}


def source_of(field: str, up: RunningUp | None) -> str:
    """Where a setting is from: the environment, the variable that names its file, ``up``, or nowhere."""
    if name := _variable_of(field):
        return "environment" if name == variable(field) else name
    return RUNNING_UP if field in of_running_up(up) else DEFAULT


def _variable_of(field: str) -> str | None:
    """The variable that says it."""
    given = {name.upper() for name in os.environ}
    secret = is_secret(Settings.model_fields[field])
    names = (file_variable(field), variable(field)) if secret else (variable(field),)
    return next((name for name in names if name in given), None)


def _complaint(error: ErrorDetails) -> str:
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:
        return message  # of several settings together, which it names
    field, value = str(error["loc"][0]), error["input"]
    secret = is_secret(Settings.model_fields[field])
    given = "" if secret or repr(value) in message else f" (it is {value!r})"
    return f"{variable(field)}: {message}{given}"


def unknown_variables() -> list[str]:
    """A sentence for each variable that looks like a setting and is none: a mistyped one would be ignored."""
    secrets = {file_variable(field) for field, info in Settings.model_fields.items() if is_secret(info)}
    known = {variable(field) for field in Settings.model_fields} | secrets | _OTHERS
    sentences = []
    for name in sorted(os.environ):
        if name.upper() in known:
            continue
        if name.upper().startswith(PREFIX):
            close = get_close_matches(name.upper(), known, 1)
            sentences.append(f"{name} is no setting" + (f"; did you mean {close[0]}?" if close else ""))
        elif _nearly_ours(name.upper()) and (close := get_close_matches(name.upper(), known, 1, _NEAR)):
            sentences.append(f"{name} is no setting; did you mean {close[0]}?")
    return sentences


def _nearly_ours(name: str) -> bool:
    """Quick: environments have dozens of variables, none of which is."""
    return bool(get_close_matches(name.partition("_")[0], [PREFIX.removesuffix("_")], 1, _NEAR))
