"""The last error in a log of ours, in either of its formats."""

import re
from pathlib import Path
from typing import Final

import orjson

from processors.status.figures import Fault

_TAIL_BYTES: Final = 256 * 1024
_CONSOLE: Final = re.compile(r"^(\S+) \[(?:error|critical) *\] (.*?)(?: {2,}|$)")
_LEVELS: Final = ("error", "critical")


def last_fault(process: str, log: Path) -> Fault | None:
    """Of the end of ``log``; None: there is none, or it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    found = (fault for line in reversed(lines) if (fault := _fault(process, line)))
    return next(found, None)


def _fault(process: str, line: str) -> Fault | None:
    if match := _CONSOLE.match(line):
        return Fault(match[1], process, match[2])
    if not line.startswith("{"):
        return None
    try:
        event = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or event.get("level") not in _LEVELS:
        return None
    return Fault(str(event.get("timestamp", "")), process, str(event.get("event", "")))
