"""How a command fails: one or two lines on stderr that name cause and remedy, and an exit code.

Never a stack trace.

    UserError                     base
    ├── CheckFailed          1    a check found something, or a line was refused
    ├── Unavailable         69    a server did not answer
    ├── InternalError       70    a bug
    ├── CannotWrite         73    a directory cannot be written
    └── Misconfigured       78    a setting is wrong, or what is there does not fit the settings

Usage errors are click's own: exit code 2. What a signal ends has 128 and the signal's number: 130 for Ctrl-C,
143 for SIGTERM (:mod:`.signals`).
"""

import sys
from typing import IO, Any

import click

from processors.cli.terminal import say, styled


class UserError(click.ClickException):
    """``cause``: what is wrong. ``remedy``: what to do about it, as an instruction."""

    exit_code: int = 1

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause)
        self.remedy = remedy

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the lines to stderr, or to ``file``."""
        for line in f"error: {self.message}".split("\n"):
            say(styled(line, fg="red"), file=file, err=file is None)
        if self.remedy:
            say(f"  {self.remedy}", file=file, err=file is None)


class CheckFailed(UserError):
    """A check did not hold; what exactly has been said already, or is the message."""

    exit_code = 1


class Unavailable(UserError):
    """A server did not answer."""

    exit_code = 69


class InternalError(UserError):
    """Something that must not happen."""

    exit_code = 70


class CannotWrite(UserError):
    """A directory cannot be written, or belongs to another process."""

    exit_code = 73


class Misconfigured(UserError):
    """A setting is wrong, or what is there does not fit the settings."""

    exit_code = 78


def explained(error: Exception) -> click.ClickException:
    """What the user is told of ``error``.

    Imports nothing that takes time: an error can only come from a module that is loaded.
    """
    if isinstance(error, click.ClickException):
        return error
    if _is(error, "deploy.local.errors", "LocalServerError"):
        storage = ("DataDirectoryInUse", "DataDirectoryUnusable", "DiskFull")
        about_storage = any(_is(error, "deploy.local.errors", kind) for kind in storage)
        return (CannotWrite if about_storage else Unavailable)(str(error))
    if _is(error, "processors.migrations", "MigrationChanged"):
        return Misconfigured(str(error))
    if isinstance(code := getattr(error, "exit_code", None), int):
        # Of the engine, the sink, the ClickHouse client: their messages name the remedy, too.
        failure = UserError(str(error))
        failure.exit_code = code
        return failure
    return _failed_query(error) or InternalError(
        f"{type(error).__name__}: {error}",
        "This is a bug. LEADSTREAM_TRACEBACK=1 shows where it happened; please report it with that.",
    )


def _failed_query(error: Exception) -> UserError | None:
    if not _is(error, "clickhouse_connect.driver.exceptions", "ClickHouseError"):
        return None
    from processors.cli.clickhouse import told

    return told(error)


def _is(error: Exception, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(error, kind)
