"""Leaving at once, when that is the safe thing to do."""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from processors.engine.errors import ProcessorHalt, Stalled, Unexpected
from processors.engine.processor import Halt
from processors.engine.watch import ProcessorFailed
from processors.errors import LeadstreamError
from processors.kafka.connection.failures import refusal_of
from processors.stacks import stacks

log = logging.getLogger(__name__)


def die(reason: BaseException) -> NoReturn:
    """End the process with the reason's exit code.

    Offsets have not moved; what is open is aborted by the next start, and what is committed but not stored is
    restored from the changelog. An orderly stop could hang in whatever has gone wrong, and would leave the
    group.
    """
    if isinstance(reason, Halt):
        reason = ProcessorHalt(str(reason))
    reason = refusal_of(reason, "the bootstrap addresses") or reason
    if isinstance(reason, Stalled):
        log.critical(whole(reason), extra={"stack": stacks()})
    elif isinstance(reason, LeadstreamError):
        log.critical(whole(reason))
    elif isinstance(reason, ProcessorFailed):
        log.critical(str(reason), exc_info=reason)
    else:
        # Its text may quote an event; whoever writes the stack trace knows of which errors that is not so.
        log.critical(f"unexpected: {type(reason).__name__}", exc_info=reason)
    logging.shutdown()
    os._exit(reason.exit_code if isinstance(reason, LeadstreamError) else Unexpected.exit_code)


def whole(error: LeadstreamError) -> str:
    """Cause and remedy, in one line."""
    return f"{error.cause}. {error.remedy}" if error.remedy else error.cause


def leave() -> NoReturn:
    """End a process that was asked to stop and cannot in good order. As safe as :func:`die`."""
    log.warning(
        "left Kafka without saying goodbye; a batch that was under way is done again by the next start",
        extra={"stack": stacks()},
    )
    logging.shutdown()
    os._exit(0)


async def guarded(work: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
    """For a task whose failure ends the process: nobody waits for it who could do anything else."""
    try:
        await work(*args)
    except asyncio.CancelledError:
        raise
    except BaseException as exc:
        die(exc)
