"""The options of commands that are about refusals, and the selection that they make."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from processors.cli.moment import MomentType
from processors.refusals.selection import Id, Selection
from schemas.topics import Topic

F = TypeVar("F", bound=Callable[..., Any])


class IdType(click.ParamType):
    """``3:42`` → :class:`Id`."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Id:
        """Fails with a usage error."""
        if isinstance(value, Id):
            return value
        partition, _, offset = str(value).partition(":")
        if all(part.isascii() and part.isdigit() and len(part) < 19 for part in (partition, offset)):
            return Id(int(partition), int(offset))
        return self.fail(f"{value!r} is none: write partition:offset, as `list` prints it", param, ctx)


def filters(reasons: list[str], topics: list[Topic]) -> Callable[[F], F]:
    """The options of :class:`Selection`, for a command that takes ``**chosen`` for :func:`selection`."""
    options = (
        click.option("--reason", "reasons", multiple=True, type=click.Choice(reasons), help="Repeatable."),
        click.option("--workspace", metavar="ID", help="Of this workspace."),
        click.option(
            "--topic", type=click.Choice([topic.value for topic in topics]), help="Came from there."
        ),
        click.option(
            "--since", type=MomentType(), help="Reported then or later: 24h (ago), 2026-11-01T10:00Z."
        ),
        click.option("--until", type=MomentType(), help="Reported before."),
    )

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def replay_options(command: F) -> F:
    """What both ``replay`` commands take besides."""
    options = (
        click.option("--dry-run", is_flag=True, help="Say what would be replayed; write nothing."),
        click.option(
            "--rate",
            type=click.IntRange(1),
            default=1_000,
            show_default=True,
            help="At most so many a second.",
        ),
        click.option("--json", "as_json", is_flag=True, help="The result as JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def selection(
    reasons: tuple[str, ...],
    workspace: str | None,
    topic: str | None,
    since: int | None,
    until: int | None,
    ids: tuple[Id, ...] = (),
) -> Selection:
    """From what :func:`filters` gave."""
    wanted = Topic(topic) if topic else None
    return Selection(frozenset(reasons), workspace, wanted, since, until, frozenset(ids))
