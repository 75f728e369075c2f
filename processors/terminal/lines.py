"""The only place that writes what commands say: nothing in it can take over a terminal."""

from typing import IO, Any

import click

from processors.printable import Styled, printable, printable_lines


def say(*parts: str | Styled, err: bool = False, file: IO[Any] | None = None) -> None:
    """One line, whatever the parts say, on stdout, on stderr or in ``file``."""
    click.echo("".join(map(_shown, parts)), err=err, file=file)


def say_lines(text: str, *, err: bool = False) -> None:
    """Each line of a text of ours: tables, the end of a log."""
    click.echo(printable_lines(text), err=err)


def say_json(document: str | bytes) -> None:
    """A JSON document; it means what it meant."""
    say_lines(document.decode() if isinstance(document, bytes) else document)


def say_cells(*cells: str) -> None:
    """A line for programs, its columns parted by tabs."""
    click.echo("\t".join(map(printable, cells)))


def _shown(part: str | Styled) -> str:
    if isinstance(part, Styled):
        return click.style(printable(part.text), **part.style)
    return printable(part)
