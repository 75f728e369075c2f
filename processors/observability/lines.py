"""A record of the log → a line: for people, or as JSON."""

import json
import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from processors.errors import LeadstreamError
from processors.printable import printable, printable_lines

_OF_EVERY_RECORD: Final = frozenset(
    (*vars(logging.makeLogRecord({})), "asctime", "message", "stack", "taskName")
)
_EVENT_WIDTH: Final = 30
_LEVEL_WIDTH: Final = 9
_TO_BE_QUOTED: Final = frozenset(" \t='\"\r\n")
_DIM, _BOLD, _PLAIN, _KEY, _VALUE = "\x1b[2m", "\x1b[1m", "\x1b[0m", "\x1b[36m", "\x1b[35m"
_COLORS: Final = {"debug": "\x1b[32m", "info": "\x1b[32m", "warning": "\x1b[33m"}
_ALARM: Final = "\x1b[31m"


class JsonLines(logging.Formatter):
    """One object a line. ``context``: members of each."""

    def __init__(self, context: Mapping[str, str]) -> None:
        super().__init__()
        self._context = context

    def format(self, record: logging.LogRecord) -> str:
        """What JSON does not have becomes its text."""
        line = {
            "event": _event(record),
            **_extra(record),
            **self._context,
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": _timestamp(record),
        }
        if stack := _stack(record):
            line["stack"] = stack
        if error := _error(record):
            line["exception"] = where_and_what(error)
        return json.dumps(line, default=str)


class ConsoleLines(logging.Formatter):
    """Time, level, event, logger, and then whatever goes along with it. A console is a terminal: what events
    and servers say reaches it as text. ``context``: goes along with each line."""

    def __init__(self, context: Mapping[str, str], *, colors: bool) -> None:
        super().__init__()
        self._context = context
        self._colors = colors

    def format(self, record: logging.LogRecord) -> str:
        """Stacks and tracebacks have lines of their own after it."""
        level = record.levelname.lower()
        members = sorted({**_extra(record), **self._context}.items())
        words = [
            self._in(_timestamp(record), _DIM),
            f"[{self._in(level.ljust(_LEVEL_WIDTH), _COLORS.get(level, _ALARM), _BOLD)}]",
            self._in(printable(_event(record)).ljust(_EVENT_WIDTH), _BOLD),
            f"[{self._in(printable(record.name), _BOLD)}]",
            *(f"{self._in(printable(key), _KEY)}={self._in(_shown(one), _VALUE)}" for key, one in members),
        ]
        parts = [" ".join(words)]
        if stack := _stack(record):
            parts.append(printable_lines(stack))
        if error := _error(record):
            parts.append(printable_lines(where_and_what(error)))
        return "\n".join(parts)

    def _in(self, text: str, *styles: str) -> str:
        return f"{''.join(styles)}{text}{_PLAIN}" if self._colors else text


def where_and_what(error: BaseException) -> str:
    """The calls that led to an error and to those before it, and of which kind each is.

    What an error says may quote an event: only those that cannot are quoted.
    """
    parts: list[str] = []
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        text = f": {found}" if _quotes_nothing(found) and str(found) else ""
        calls = "".join(traceback.format_tb(found.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{calls}{type(found).__qualname__}{text}")
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)
    return "\n\nwhich led to\n\n".join(reversed(parts))


def _quotes_nothing(error: BaseException) -> bool:
    return isinstance(error, LeadstreamError | OSError) or type(error).__module__.startswith("aiokafka.")


def _event(record: logging.LogRecord) -> str:
    """Of a task that failed asyncio shows the error as well, in its second line."""
    text = record.getMessage()
    return text.partition("\n")[0] if record.name == "asyncio" else text


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in _OF_EVERY_RECORD}


def _stack(record: logging.LogRecord) -> str | None:
    """That of the call, or those of all threads, as whoever logs hands them in."""
    return record.stack_info or getattr(record, "stack", None)


def _error(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _timestamp(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _shown(value: object) -> str:
    """So that it is seen where it ends."""
    if not isinstance(value, str):
        return printable(repr(value))
    text = printable(value)
    return repr(text) if _TO_BE_QUOTED.intersection(text) else text
