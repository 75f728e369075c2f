"""The standard streams of a command: what they cannot show, do not take, or are not there for, is no bug."""

import io
import os
import sys
import threading
from typing import IO, Any, Final

import click

from processors.errors import CannotWrite, ExitCode
from processors.printable import ESCAPED

_NAMES: Final = ("stdin", "stdout", "stderr")


class NobodyReads(click.exceptions.Exit):
    """Whoever read the output has had enough: the command ends, and says nothing of it."""

    def __init__(self) -> None:
        super().__init__(ExitCode.NOBODY_READS)


class StandardOutput(io.FileIO):
    """Raises ``NobodyReads`` or ``CannotWrite`` once; from then on nothing: the rest cannot be shown.

    A thread that works beside the command hears of neither: it would end, and nobody would know.
    """

    _silent = False

    def write(self, data: Any) -> int:
        """All or a part of ``data``."""
        if self._silent:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            if threading.current_thread() is not threading.main_thread():
                return len(data)
            self._silent = True
            if isinstance(error, BrokenPipeError):
                raise NobodyReads from None
            raise CannotWrite(
                f"cannot write to standard output: {error.strerror}",
                "What was not written is lost; what the command did besides is done.",
            ) from error


class StandardError(io.FileIO):
    """Raises nothing: what cannot be said is no reason to leave the work undone."""

    def write(self, data: Any) -> int:
        """All or a part of ``data``; of what does not go, all."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def prepare() -> None:
    """Give this process streams that fail as a command does. Idempotent; leaves replaced ones alone.

    A stream that was closed is /dev/null: otherwise the next file or connection would take its place, and be
    written to.
    """
    for number, name in enumerate(_NAMES):
        if getattr(sys, name) is None:
            _reopen(number, name)
    sys.stdout = _with(sys.stdout, sys.__stdout__, StandardOutput)
    sys.stderr = _with(sys.stderr, sys.__stderr__, StandardError)


def _reopen(number: int, name: str) -> None:
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


def _with(stream: Any, original: Any, raw: type[io.FileIO]) -> IO[str]:
    if stream is not original or isinstance(getattr(stream.buffer, "raw", stream.buffer), raw):
        return stream  # type: ignore[no-any-return]
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(raw(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=ESCAPED,
        newline="\n",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
