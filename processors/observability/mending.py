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


class Mending(logging.Filter):
    """Of a handler that takes nothing below ``least``."""

    def __init__(self, least: int) -> None:
        super().__init__()
        self._least = least
        self._told: dict[tuple[object, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False: leave it out."""
        # With a stack trace it is a bug of somebody's; what structlog hands in has no arguments.
        if record.exc_info or not isinstance(record.args, tuple):
            return True
        causes = tuple(one for one in record.args if isinstance(one, BaseException))
        ours = record.name.partition(".")[0] != _CLIENT
        if not ours and record.levelno == logging.ERROR and not _refused(record, causes):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            if record.levelno < self._least:
                return False
        return (ours and not causes) or self._is_due(record, causes)

    def _is_due(self, record: logging.LogRecord, causes: tuple[BaseException, ...]) -> bool:
        what = record.name, record.msg, *map(type, causes)
        if record.created - self._told.get(what, 0.0) < _EVERY_S:
            return False
        self._told[what] = record.created
        return True


def _refused(record: logging.LogRecord, causes: tuple[BaseException, ...]) -> bool:
    """A broker has said no, and will until somebody changes a login, a right or a certificate."""
    return _SAID_WITHOUT_AN_ERROR in str(record.msg) or any(refusal_of(one, "") for one in causes)
