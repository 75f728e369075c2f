"""Requests that are made again, as often as it takes: told, and counted by cause."""

import logging
from collections.abc import Callable, Iterable

from aiokafka import errors
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)

Again = Callable[[object, Iterable[int] | KafkaError], None]
"""Told of a request, and of the codes or the error with which it failed."""


def name_of(code: int) -> str:
    """As aiokafka calls it."""
    return str(errors.for_code(code).__name__)


def names_of(codes: Iterable[int]) -> str:
    """Errors for a message, with their codes."""
    return ", ".join(f"{name_of(code)} ({code})" for code in sorted(codes))


def telling(count: Callable[[str], None] = lambda _: None) -> Again:
    """Logs each retry; ``count`` is told the kind of its error."""

    def again(request: object, why: Iterable[int] | KafkaError) -> None:
        if isinstance(why, KafkaError):
            causes, told = [type(why).__name__], repr(why)
        else:
            codes = set(why)
            causes, told = [name_of(code) for code in codes], names_of(codes)
        for cause in causes:
            count(cause)
        log.info("a request is tried again", extra={"request": str(request), "error": told})

    return again
