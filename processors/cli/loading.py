"""The settings of this process, or a message that names each one that is wrong."""

import logging
import os
from difflib import get_close_matches

from pydantic import SecretStr, ValidationError

from processors.cli.terminal import say, styled
from processors.errors import Misconfigured
from processors.settings import PREFIX, Settings, variable

# Another ClickHouse for `leadstream up`: a command line shows its password to every user of the machine.
UP_CLICKHOUSE = "LEADSTREAM_UP_CLICKHOUSE"
# Read before there are settings.
_OTHERS = {"LEADSTREAM_TRACEBACK", UP_CLICKHOUSE}


def load_settings() -> Settings:
    """The settings from the environment. Raises ``Misconfigured``; warns of variables that mean nothing."""
    # What the libraries complain of, the commands say in their own words.
    logging.getLogger().addHandler(logging.NullHandler())
    for warning in unknown_variables():
        say(styled(f"warning: {warning}", fg="yellow"), err=True)
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
