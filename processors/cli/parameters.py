"""What commands take from the command line besides text and numbers, in the form in which it is used."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from processors.clickhouse.url import ClickHouseUrl
from processors.errors import Misconfigured

if TYPE_CHECKING:
    from processors.people.identity import Person


def person_of(workspace: str, customer: str) -> "Person":
    """As events name it; what no event could name is a usage error."""
    from processors.people.identity import person

    try:
        return person(workspace, customer)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


class PathType(click.Path):
    """A path, made whole at the door: whoever is handed it, a process in another directory too, finds it.

    Every option and argument of every command that names a path is of this type.
    """

    def __init__(self, *, file_okay: bool = True, exists: bool = False) -> None:
        super().__init__(exists=exists, file_okay=file_okay, resolve_path=True, path_type=Path)


class ClickHouseUrlType(click.ParamType):
    """``http://user:password@host:port/database`` → :class:`ClickHouseUrl`."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, _ctx: click.Context | None) -> ClickHouseUrl:
        """Raises ``Misconfigured``, which does not repeat what was given: it may hold a password."""
        if isinstance(value, ClickHouseUrl):
            return value
        try:
            return ClickHouseUrl.parse(str(value))
        except ValueError as error:
            name = param.opts[0] if param is not None else "the URL"
            raise Misconfigured(f"{name}: {error}") from None
