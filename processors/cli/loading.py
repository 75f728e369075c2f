"""The settings of this process, for a command."""

import logging
from typing import Any

from processors.printable import styled
from processors.settings import Settings
from processors.settings.loading import settings_of_environment, unknown_variables
from processors.settings.running import running_up
from processors.terminal.lines import say


def load_settings(*, find: bool = True, **given: Any) -> Settings:
    """As ``settings_of_environment``; warns of variables that mean nothing.

    ``find``: what the environment does not say is taken from the ``leadstream up`` that runs here.
    """
    # What the libraries complain of, the commands say in their own words.
    logging.getLogger().addHandler(logging.NullHandler())
    for warning in unknown_variables():
        say(styled(f"warning: {warning}", fg="yellow"), err=True)
    return settings_of_environment(running_up() if find else None, **given)
