# ruff: noqa: SLF001 - the names are listed in engine/kafka/private.py
"""Failures are told once.

asyncio logs, with a stack trace, the failure of whatever nobody waits for: of a question whose caller has
gone, and of a producer that was fenced. The latter aiokafka gives to whoever sent, and to a future of its own
besides on which most of the time nobody waits, though it was dealt with.
"""

import asyncio
from typing import Any

from aiokafka.producer.message_accumulator import MessageBatch

_fail_as_aiokafka_does = MessageBatch.failure


def heard(done: "asyncio.Future[Any]") -> None:
    """Of a future that is done: nobody else needs to hear of its failure."""
    if not done.cancelled():
        done.exception()


def hear() -> None:
    """For every producer of this process. Idempotent."""
    MessageBatch.failure = _failure


def _failure(batch: Any, exception: BaseException) -> None:
    _fail_as_aiokafka_does(batch, exception)
    if batch._drain_waiter.done():
        heard(batch._drain_waiter)
