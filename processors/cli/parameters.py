"""What commands take from the command line besides text and numbers, in the form in which it is used."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from processors.clickhouse.url import ClickHouseUrl
from processors.clock import epoch_ms
from processors.errors import Misconfigured
from processors.settings.durations import parse_moment_ms
from processors.settings.kafka import addresses
from schemas.workspaces import check_stored_workspace

if TYPE_CHECKING:
    from processors.people.identity import Person

F = TypeVar("F", bound=Callable[..., Any])


def options(*all_of: Callable[[F], F]) -> Callable[[F], F]:
    """Several at once, for commands that share them."""

    def decorate(command: F) -> F:
        for option in reversed(all_of):
            command = option(command)
        return command

    return decorate


def person_of(workspace: str, customer: str) -> "Person":
    """As events name it; what no event could name is a usage error."""
    from processors.people.identity import person

    try:
        return person(workspace, customer)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


class Parsed(click.ParamType):
    """What ``parse`` makes of a text; its ``ValueError`` is a usage error."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Leaves a default as it is."""
        try:
            return self._parse(value) if isinstance(value, str) else value
        except ValueError as error:
            return self.fail(str(error), param, ctx)


def _workspace(text: str) -> str:
    check_stored_workspace(text)
    return text


WORKSPACE = Parsed("workspace", _workspace)
"""One that there may be, for commands that look for its events."""
MOMENT = Parsed("time", lambda text: parse_moment_ms(text, epoch_ms()))


def _past(text: str) -> int:
    moment_ms, now_ms = parse_moment_ms(text, epoch_ms()), epoch_ms()
    if moment_ms > now_ms:
        raise ValueError(f"{text!r} lies in the future, where nothing has happened yet")
    return moment_ms


PAST = Parsed("time", _past)
"""Since when: of a time that is still to come there is nothing."""


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it is not UTF-8") from None
    return text


TEXT = Parsed("text", _text)
"""Something that can be seen."""


class PathType(click.Path):
    """A path, made whole at the door: whoever is handed it, a process in another directory too, finds it.

    Every option and argument of every command that names a path is of this type.
    """

    def __init__(self, *, file_okay: bool = True, dir_okay: bool = True, exists: bool = False) -> None:
        super().__init__(
            exists=exists, file_okay=file_okay, dir_okay=dir_okay, resolve_path=True, path_type=Path
        )

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """An empty one would be where we stand, and one that is no text stands in no file of a server."""
        if isinstance(value, str):
            value = TEXT.convert(value, param, ctx)
        return super().convert(value, param, ctx)


class _OfServer(Parsed):
    def fail(self, message: str, param: click.Parameter | None = None, _: Any = None) -> NoReturn:
        """It may also come from a variable: then it is a setting that is wrong."""
        raise Misconfigured(f"{param.opts[0] if param else 'the URL'}: {message}")


KAFKA = _OfServer("address", addresses)
CLICKHOUSE_URL = _OfServer("url", ClickHouseUrl.parse)
"""What is wrong with one does not repeat it: it may hold a password."""
