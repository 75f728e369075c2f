"""How an error is told on a terminal: one or two lines on stderr. Usage errors are click's own."""

import sys
from typing import IO, Any

import click

from processors.errors import LeadstreamError, bug
from processors.printable import styled
from processors.terminal.lines import say


class UserError(click.ClickException):
    """A :class:`LeadstreamError`, as click takes it."""

    def __init__(self, error: LeadstreamError) -> None:
        super().__init__(error.cause)
        # Nobody waits for settings who asks for help, or mistypes an option.
        from processors.settings.whereabouts import remedy_of

        self.remedy = remedy_of(error)
        self.exit_code = error.exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the lines to stderr, or to ``file``."""
        for line in f"error: {self.message}".split("\n"):
            say(styled(line, fg="red"), file=file, err=file is None)
        if self.remedy:
            say(f"  {self.remedy}", file=file, err=file is None)


def explained(error: Exception) -> click.ClickException:
    """What the user is told of ``error``."""
    if isinstance(error, click.ClickException):
        return error
    return UserError(error if isinstance(error, LeadstreamError) else _failed_query(error) or bug(error))


def _failed_query(error: Exception) -> LeadstreamError | None:
    """Imports nothing for errors that can be none: ``--help`` and a mistyped option take no time."""
    if "clickhouse_connect" not in sys.modules:
        return None
    from processors.sink.failures import told

    return told(error)
