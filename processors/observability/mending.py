"""What a process mends by itself is a warning, and each cause is told once a second at most.

An error is what a person has to act on. Kafka's client calls every lost connection one, for each of its
requests: a broker that restarts would fill a log with hundreds of them.
"""

import logging
from typing import Final

from processors.kafka.connection.failures import refusal_of

_CLIENT: Final = "aiokafka"
_SAID_WITHOUT_AN_ERROR: Final = "authorized"
_EVERY_S: Final = 1.0
_MOST_CAUSES: Final = 1_000
"""Remembered at a time: of what a server words anew each time there is no end."""


class Mending(logging.Filter):
    """Of a handler that takes nothing below ``least``."""

    def __init__(self, least: int) -> None:
        super().__init__()
        self._least = least
        self._told: dict[tuple[object, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False: leave it out."""
        # With a stack trace it is a bug of somebody's.
        if record.exc_info or not isinstance(record.args, tuple):
            return True
        causes = tuple(one for one in record.args if isinstance(one, BaseException))
        if record.name.partition(".")[0] != _CLIENT:
            kinds = _kinds(record, causes)
            return not kinds or record.levelno >= logging.ERROR or self._is_due(record, kinds)
        if record.levelno == logging.ERROR and not _refused(record, causes):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            if record.levelno < self._least:
                return False
        return self._is_due(record, _kinds(record, causes))

    def _is_due(self, record: logging.LogRecord, kinds: tuple[object, ...]) -> bool:
        what = record.name, record.msg, *kinds
        if record.created - self._told.get(what, 0.0) < _EVERY_S:
            return False
        if len(self._told) >= _MOST_CAUSES:
            self._told.clear()
        self._told[what] = record.created
        return True


def _kinds(record: logging.LogRecord, causes: tuple[BaseException, ...]) -> tuple[object, ...]:
    """What kinds of error a line tells, also of one that stands under the key ``error`` as its text."""
    text = getattr(record, "error", None)
    named = () if text is None else (str(text).partition("(")[0],)
    return (*map(type, causes), *named)


def _refused(record: logging.LogRecord, causes: tuple[BaseException, ...]) -> bool:
    """A broker has said no, and will until somebody changes a login, a right or a certificate."""
    return _SAID_WITHOUT_AN_ERROR in str(record.msg) or any(refusal_of(one, "") for one in causes)
