"""The settings of this process, for a command."""

import logging
from typing import Any

from processors.printable import styled
from processors.settings import Settings
from processors.settings.loading import settings_of_environment, unknown_variables
from processors.terminal.lines import say


def load_settings(**given: Any) -> Settings:
    """As ``settings_of_environment``; warns of variables that mean nothing."""
    # What the libraries complain of, the commands say in their own words.
    logging.getLogger().addHandler(logging.NullHandler())
    for warning in unknown_variables():
        say(styled(f"warning: {warning}", fg="yellow"), err=True)
    return settings_of_environment(**given)
