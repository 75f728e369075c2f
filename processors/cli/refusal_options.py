"""The options of commands that are about refusals, and the selection that they make."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import click

from processors.cli.parameters import MOMENT, PAST, WORKSPACE, Parsed, options
from processors.refusals.selection import Id, Selection
from schemas.topics import Topic

F = TypeVar("F", bound=Callable[..., Any])
ID = Parsed("id", Id.parse)


def filters(reasons: Iterable[str], topics: Iterable[str]) -> Callable[[F], F]:
    """The options of :class:`Selection`, for a command that takes ``**chosen`` for :func:`selection`."""
    # Of members of an enumeration click would take the names, and of many it would make one line.
    reason, topic = (click.Choice([str(one) for one in names]) for names in (reasons, topics))
    return options(
        click.option(
            "--reason",
            "reasons",
            multiple=True,
            type=reason,
            metavar="REASON",
            help=f"Repeatable; one of {', '.join(reason.choices)}.",
        ),
        click.option("--workspace", type=WORKSPACE, metavar="ID", help="Of this workspace."),
        click.option(
            "--topic", type=topic, metavar="TOPIC", help=f"Came from there: {', '.join(topic.choices)}."
        ),
        click.option("--since", type=PAST, help="Reported then or later: 24h (ago), 2026-11-01T10:00Z."),
        click.option("--until", type=MOMENT, help="Reported before."),
    )


def replay_options(command: F) -> F:
    """What both ``replay`` commands take besides."""
    most = click.IntRange(1)
    return options(
        click.option("--dry-run", is_flag=True, help="Say what would be replayed; write nothing."),
        click.option("--rate", type=most, default=1_000, show_default=True, help="At most so many a second."),
        click.option("--yes", "-y", is_flag=True, help="Do not ask when neither ID nor filter is given."),
        click.option("--json", "as_json", is_flag=True, help="The result as JSON."),
    )(command)


def selection(
    reasons: tuple[str, ...],
    workspace: str | None,
    topic: str | None,
    since: int | None,
    until: int | None,
    ids: tuple[Id, ...] = (),
) -> Selection:
    """From what :func:`filters` gave. Raises a usage error where it contradicts itself."""
    wanted = Topic(topic) if topic else None
    chosen = Selection(frozenset(reasons), workspace, wanted, since, until)
    if ids and not chosen.everything:
        raise click.UsageError("an ID says which one is meant: leave the filters away, or the IDs")
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since is not before --until: nothing lies between them")
    return replace(chosen, ids=frozenset(ids))
