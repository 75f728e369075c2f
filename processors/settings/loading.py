"""The settings of this process, or what is wrong with them."""

import os
from difflib import get_close_matches
from typing import Final

from pydantic import SecretStr, ValidationError

from processors.errors import Misconfigured
from processors.settings import PREFIX, Settings, variable

UP_CLICKHOUSE: Final = "LEADSTREAM_UP_CLICKHOUSE"
"""Another ClickHouse for ``leadstream up``: on a command line every user of the machine sees its password."""
_OTHERS: Final = {"LEADSTREAM_TRACEBACK", UP_CLICKHOUSE}
"""Read before there are settings."""


def settings_of_environment() -> Settings:
    """Raises ``Misconfigured``, which names each one that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise Misconfigured(
            "; ".join(_complaint(str(one["loc"][0]), one["msg"], one["input"]) for one in error.errors()),
            "`leadstream config` lists every setting with its meaning.",
        ) from None


def _complaint(field: str, message: str, value: object) -> str:
    secret = Settings.model_fields[field].annotation is SecretStr
    given = "" if secret or repr(value) in message else f" (it is {value!r})"
    return f"{variable(field)}: {message.removeprefix('Value error, ')}{given}"


def unknown_variables() -> list[str]:
    """A sentence for each variable that looks like a setting and is none: a mistyped one would be ignored."""
    known = {variable(field) for field in Settings.model_fields} | _OTHERS
    sentences = []
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            close = get_close_matches(name.upper(), known, 1)
            sentences.append(f"{name} is no setting" + (f"; did you mean {close[0]}?" if close else ""))
    return sentences
