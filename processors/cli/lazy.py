"""A click group that imports a command only when it is called."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NamedTuple

import click

from processors.cli.errors import explained

_NO_FAILURE = (click.exceptions.Exit, click.exceptions.Abort)


class Lazy(NamedTuple):
    """``module:attribute`` of a command, and the line about it in the list of commands."""

    where: str
    help: str


class Group(click.Group):
    """Suggests what may be meant by a name that none of its commands has."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raises a usage error for what is no command."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchOption:
            raise
        except click.UsageError:
            close = get_close_matches(args[0].lower(), self.list_commands(ctx), 3)
            if not close:
                raise
            ctx.fail(f"No such command {args[0]!r}; did you mean {' or '.join(close)}?")


class LazyGroup(Group):
    """Knows its commands by name. Every error that leaves one of them is a ``click.ClickException``."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], reraise: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = dict(lazy)
        self.reraise = reraise

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order in which a newcomer needs them."""
        return [*self._lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Imports the command's module."""
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name].where.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - narrows; a test calls every command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in self._lazy.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if self.reraise or isinstance(error, _NO_FAILURE):
                raise
            raise explained(error) from error
