"""Which refusals a command is about: the filters, and their options."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from processors.cli.moment import MomentType
from schemas.topics import Topic

if TYPE_CHECKING:
    from processors.cli.refusals.refusal import Refusal

F = TypeVar("F", bound=Callable[..., Any])


class Id(NamedTuple):
    """The position of a refusal in its topic, written ``partition:offset``."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


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


@dataclass(frozen=True)
class Selection:
    """All refusals that pass every filter; an empty filter passes all. Times are those of the report.

    ``ids``: these and no others.
    """

    reasons: frozenset[str] = frozenset()
    workspace: str | None = None
    topic: Topic | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    ids: frozenset[Id] = field(default=frozenset())

    def takes(self, refusal: "Refusal") -> bool:
        """True when it is meant."""
        return (
            (not self.reasons or refusal.reason in self.reasons)
            and self.workspace in (None, refusal.workspace)
            and self.topic in (None, refusal.topic)
            and (self.since_ms is None or refusal.reported_ms >= self.since_ms)
            and (self.until_ms is None or refusal.reported_ms < self.until_ms)
        )


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
