"""The settings of this process, or what is wrong with them."""

import os
from difflib import get_close_matches
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from processors.errors import Misconfigured
from processors.settings import PREFIX, Settings, variable
from processors.settings.part import file_variable, is_secret

UP_CLICKHOUSE: Final = "LEADSTREAM_UP_CLICKHOUSE"
"""Another ClickHouse for ``leadstream up``: on a command line every user of the machine sees its password."""
_OTHERS: Final = {"LEADSTREAM_TRACEBACK", UP_CLICKHOUSE}
"""Read before there are settings."""


def settings_of_environment(**given: Any) -> Settings:
    """``given``: what counts in the place of the environment.

    Raises ``Misconfigured``, which names each one that is wrong.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        raise Misconfigured(
            "; ".join(map(_complaint, error.errors())),
            "`leadstream config` lists every setting with its meaning.",
        ) from None


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
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            close = get_close_matches(name.upper(), known, 1)
            sentences.append(f"{name} is no setting" + (f"; did you mean {close[0]}?" if close else ""))
    return sentences
